package schedule

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tripline/internal/diag"
)

// maxRaised is how many alerts are remembered: those that were raised last.
const maxRaised = 1_000_000

// maxReported bounds how many bad lines of the file are reported.
const maxReported = 50

// Raised remembers which alerts were raised, in a file of ids, one a line.
type Raised struct {
	path  string
	lock  *os.File
	known map[string]struct{}
	// own are the ids in the file, the oldest first; others come from elsewhere.
	own []string
}

// OpenRaised reads the file, which need not exist, and keeps others from using it
// until Close. Lines that are no id are reported and forgotten; a file that has no
// other lines is another one, which is refused and stays as it is.
func OpenRaised(path string, report func(error)) (r *Raised, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the state file: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the state file: %w", err)
	}
	r = &Raised{path: path, lock: lock, known: make(map[string]struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Close())
		}
	}()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%s is used by another hunt: %w", path, err)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the state file: %w", err)
	}
	var foreign []error
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		if id := lines.Text(); isID(id) {
			r.add(id)
		} else if len(foreign) < maxReported {
			foreign = append(foreign, &diag.Error{File: path, Line: n, Message: "this is no id of an alert and is forgotten"})
		}
	}
	err = errors.Join(lines.Err(), file.Close())
	switch {
	case len(r.own) == 0 && (len(foreign) > 0 || errors.Is(err, bufio.ErrTooLong)):
		return nil, fmt.Errorf("%s is no state file of a hunt, and stays as it is", path)
	case err != nil:
		return nil, fmt.Errorf("reading the state file: %w", err)
	}
	for _, one := range foreign {
		report(one)
	}
	return r, nil
}

func isID(text string) bool {
	const digits = 32
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}

// Know adds an alert that was raised elsewhere.
func (r *Raised) Know(id string) { r.known[id] = struct{}{} }

// Has says whether an alert was raised.
func (r *Raised) Has(id string) bool {
	_, ok := r.known[id]
	return ok
}

// add adds an alert that is raised now.
func (r *Raised) add(id string) {
	if !r.Has(id) {
		r.known[id] = struct{}{}
		r.own = append(r.own, id)
	}
}

// Save writes the file, whole or not at all.
func (r *Raised) Save() error {
	file, err := os.CreateTemp(filepath.Dir(r.path), "."+filepath.Base(r.path)+".*") // with mode 0600
	if err != nil {
		return fmt.Errorf("writing the state file: %w", err)
	}
	out := bufio.NewWriter(file)
	for _, id := range r.own[max(0, len(r.own)-maxRaised):] {
		_, _ = out.WriteString(id + "\n") // Flush tells
	}
	if err = errors.Join(out.Flush(), file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), r.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing the state file: %w", err), os.Remove(file.Name()))
	}
	return nil
}

// Close lets others use the file.
func (r *Raised) Close() error {
	if err := r.lock.Close(); err != nil {
		return fmt.Errorf("unlocking the state file: %w", err)
	}
	return nil
}
