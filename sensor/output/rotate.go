package output

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Rotation says when a new file is begun. Rotated files are numbered upwards,
// whatever the clock says, and keep their numbers.
type Rotation struct {
	// MaxSize is the size in bytes that a file does not exceed, unless one
	// document does; 0 for no limit.
	MaxSize int64
	// MaxAge is the age at which the next document begins a new file; 0 for no
	// limit.
	MaxAge time.Duration
	// Keep is how many rotated files are kept; the oldest beyond are removed. 0
	// keeps all.
	Keep int
	// Compress makes gzip files of rotated ones.
	Compress bool
}

// due says whether a file that would have this size and has this age is full.
func (r Rotation) due(size int64, age time.Duration) bool {
	return r.MaxSize > 0 && size > r.MaxSize || r.MaxAge > 0 && age >= r.MaxAge
}

// age is how old the first document of a file is. A document from the future,
// written before the clock was set back, has no age, nor has one without a time.
func age(file io.ReaderAt, now time.Time) time.Duration {
	const longest = 1 << 20
	line, _ := bufio.NewReader(io.NewSectionReader(file, 0, longest)).ReadBytes('\n') // what is cut off does not decode
	var first struct {
		Time time.Time `json:"@timestamp"`
	}
	if json.Unmarshal(line, &first) != nil || first.Time.IsZero() || first.Time.After(now) {
		return 0
	}
	return now.Sub(first.Time)
}

// syncFolder makes new names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	if err := errors.Join(folder.Sync(), folder.Close()); err != nil {
		return fmt.Errorf("syncing a folder: %w", err)
	}
	return nil
}

// rotator moves full files away, compresses them on a goroutine of its own and
// removes the oldest.
type rotator struct {
	path     string
	rotation Rotation
	log      hclog.Logger
	work     chan struct{}
	done     chan struct{}
	stop     context.CancelFunc
}

// newRotator starts the goroutine, which begins with what an earlier run left.
func newRotator(path string, rotation Rotation, log hclog.Logger) *rotator {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rotator{path: path, rotation: rotation, log: log, work: make(chan struct{}, 1), done: make(chan struct{}), stop: cancel}
	r.wake()
	go func() {
		defer close(r.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.work:
			}
			if err := r.tidy(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("rotated output files cannot be compressed or removed", "file", path, "error", err)
			}
		}
	}()
	return r
}

// wake makes the goroutine look for work.
func (r *rotator) wake() {
	select {
	case r.work <- struct{}{}:
	default:
	}
}

// close ends the goroutine. What is not compressed then is when the file is
// opened the next time.
func (r *rotator) close() {
	r.stop()
	<-r.done
}

// rotatedFile is a file that was moved away.
type rotatedFile struct {
	path   string
	number uint64
	packed bool
}

// rotated lists the rotated files, the oldest first.
func (r *rotator) rotated() ([]rotatedFile, error) {
	entries, err := os.ReadDir(filepath.Dir(r.path))
	if err != nil {
		return nil, fmt.Errorf("listing rotated files: %w", err)
	}
	var found []rotatedFile
	for _, one := range entries {
		digits, ok := strings.CutPrefix(one.Name(), filepath.Base(r.path)+".")
		digits, packed := strings.CutSuffix(digits, ".gz")
		number, err := strconv.ParseUint(digits, 10, 64)
		if ok && err == nil && len(digits) >= 6 && one.Type().IsRegular() {
			found = append(found, rotatedFile{filepath.Join(filepath.Dir(r.path), one.Name()), number, packed})
		}
	}
	slices.SortStableFunc(found, func(a, b rotatedFile) int {
		if a.number != b.number {
			if a.number < b.number {
				return -1
			}
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	return found, nil
}

// moveAway gives the file the next number.
func (r *rotator) moveAway() error {
	found, err := r.rotated()
	if err != nil {
		return err
	}
	next := uint64(1)
	if len(found) > 0 {
		next = found[len(found)-1].number + 1
	}
	if err := os.Rename(r.path, fmt.Sprintf("%s.%06d", r.path, next)); err != nil {
		return fmt.Errorf("rotating a file: %w", err)
	}
	return nil
}

// tidy compresses what is not compressed and removes what is too many.
func (r *rotator) tidy(ctx context.Context) error {
	found, err := r.rotated()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var failures []error
	partial, err := filepath.Glob(globQuote(r.path) + ".*" + partialSuffix)
	failures = append(failures, err)
	for _, path := range partial { // of a run that ended while it compressed
		failures = append(failures, os.Remove(path))
	}
	if r.rotation.Keep > 0 {
		numbers := 0
		for i := len(found) - 1; i >= 0; i-- {
			if i == len(found)-1 || found[i].number != found[i+1].number {
				numbers++
			}
			if numbers > r.rotation.Keep {
				failures = append(failures, os.Remove(found[i].path))
				found = slices.Delete(found, i, i+1)
			}
		}
	}
	for _, one := range found {
		if r.rotation.Compress && !one.packed {
			failures = append(failures, pack(ctx, one.path))
		}
	}
	return errors.Join(failures...)
}

// partialSuffix is that of a file while it is being compressed.
const partialSuffix = ".gz.partial"

// globQuote makes a pattern that matches a path and nothing else.
func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// pack replaces a file by its compressed form. At any time, also after a crash,
// at least one of the two is there and whole.
func pack(ctx context.Context, path string) (err error) {
	packed, partial := path+".gz", path+partialSuffix
	if _, err := os.Stat(packed); err == nil { // a crash came before the removal
		return os.Remove(path)
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // nothing was written
	to, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(partial) // the error is told already
		}
	}()
	compressor, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err == nil {
		_, err = io.Copy(compressor, &contextReader{ctx, from})
		err = errors.Join(err, compressor.Close())
	}
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return fmt.Errorf("compressing %s: %w", path, err)
	}
	if err := os.Rename(partial, packed); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	return os.Remove(path)
}

// contextReader ends with its context.
type contextReader struct {
	ctx  context.Context //nolint:containedctx // it lives for one copy
	from io.Reader
}

// Read implements io.Reader.
func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
