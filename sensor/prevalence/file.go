package prevalence

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// fileVersion is the form of the file.
	fileVersion = 1
	// fileStart is how every file of a store begins, whatever its version.
	fileStart = `{"version":`
	// fileLimit bounds, in bytes, the file that is read.
	fileLimit = 64 << 20
	// saveInterval is how much of the memory a crash may cost.
	saveInterval = 5 * time.Minute
)

// saved is the form of the file.
type saved struct {
	Version     int          `json:"version"`
	Since       time.Time    `json:"since"`
	Executables []savedEntry `json:"executables"` // the latest first
}

type savedEntry struct {
	Path string `json:"path"`
	Record
	File File `json:"file,omitzero"`
}

// Open makes a store that is kept in a file, with what is in it; limit is how many
// executables it remembers, 0 for DefaultLimit. An empty path keeps it in memory
// alone. The store works in any case: the error says why what was remembered is
// lost, and where a file of a store that cannot be understood was moved to. What
// stands there and is no store's file, such as a folder, is left as it is, and the
// store is kept in memory alone.
func Open(path string, limit int) (*Store, error) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	s := &Store{
		path: path, limit: limit, since: time.Now().UTC().Truncate(time.Millisecond),
		known: make(map[string]*list.Element), recent: list.New(),
	}
	if path == "" {
		return s, nil
	}
	file, err := openOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		if errors.Is(err, errNotOurs) {
			s.path = ""
		}
		return s, fmt.Errorf("who connected before is not known: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	if err := s.read(file); err != nil {
		aside := path + ".unreadable"
		return s, errors.Join(fmt.Errorf("who connected before is not known: %s: %w; it is moved to %s", path, err, aside), os.Rename(path, aside))
	}
	return s, nil
}

// errNotOurs refuses what no store has written: whoever names another file or a
// folder by mistake must not lose it.
var errNotOurs = errors.New("it is no file of this kind and stays as it is; nothing is kept beyond the sensor's end")

// openOwn opens a file that a store has written, also a damaged one.
func openOwn(path string) (*os.File, error) {
	info, err := os.Stat(path) // a pipe would keep who opens it waiting
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, errNotOurs)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	start := make([]byte, len(fileStart))
	n, err := file.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, file.Close())
	}
	if !strings.HasPrefix(fileStart, string(start[:n])) {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, errNotOurs), file.Close())
	}
	return file, nil
}

// read takes over what a file has.
func (s *Store) read(file io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(file, fileLimit+1))
	if err != nil {
		return err
	}
	if len(data) > fileLimit {
		return fmt.Errorf("it has more than %d bytes", fileLimit)
	}
	var all saved
	if err := json.Unmarshal(data, &all); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	if all.Version != fileVersion {
		return fmt.Errorf("it has version %d, not %d", all.Version, fileVersion)
	}
	if !all.Since.IsZero() && all.Since.Before(s.since) {
		s.since = all.Since
	}
	for i := min(len(all.Executables), s.limit) - 1; i >= 0; i-- {
		one := all.Executables[i]
		if _, known := s.known[one.Path]; known || one.Path == "" || len(one.Path) > pathLimit {
			continue
		}
		one.file = one.File
		s.insert(&entry{path: one.Path, Record: one.Record})
	}
	return nil
}

// Run saves the store now and then until ctx ends, and once more then. report is
// told when that fails.
func (s *Store) Run(ctx context.Context, report func(error)) {
	ticker := time.NewTicker(saveInterval)
	defer ticker.Stop()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		if err := s.Save(); err != nil {
			report(err)
		}
	}
}

// Save writes the store to its file where something has changed. The file is whole
// at any moment, also after a crash.
func (s *Store) Save() error {
	data, err := s.encode()
	if err != nil || data == nil {
		return err
	}
	if err := replaceFile(s.path, data); err != nil {
		s.mu.Lock()
		s.dirty = true
		s.mu.Unlock()
		return fmt.Errorf("keeping who connected: %w", err)
	}
	return nil
}

// encode is the file's content, nil where nothing has changed.
func (s *Store) encode() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" || !s.dirty {
		return nil, nil
	}
	s.dirty = false
	all := saved{Version: fileVersion, Since: s.since, Executables: make([]savedEntry, 0, s.recent.Len())}
	for element := s.recent.Front(); element != nil; element = element.Next() {
		one := element.Value.(*entry)
		all.Executables = append(all.Executables, savedEntry{Path: one.path, Record: one.Record, File: one.file})
	}
	return json.Marshal(all)
}

// replaceFile puts a file in the place of another in one step.
func replaceFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
