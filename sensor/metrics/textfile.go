package metrics

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Textfile is a file that node_exporter's textfile collector reads. It is used by
// one goroutine.
type Textfile struct {
	// Path is the file's name, which ends in .prom.
	Path string
}

// temporary is the name under which the next content is written. The collector
// reads names that end in .prom alone.
func (t Textfile) temporary() string { return t.Path + ".tmp" }

// Write puts families in the place of the file's content: whoever reads it sees
// the former content or the new one, whole. The file is readable by everyone. It
// is not synced to the disk, because after a crash it says nothing of use.
func (t Textfile) Write(families []Family) (err error) {
	temporary := t.temporary()
	// What an interrupted run left there goes. The file is made anew, so that nobody
	// can lay a link in its place.
	if err := remove(temporary); err != nil {
		return err
	}
	file, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("writing the metrics file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, remove(temporary))
		}
	}()
	if err := errors.Join(Write(file, families), file.Chmod(0o644), file.Close()); err != nil {
		return fmt.Errorf("writing the metrics file: %w", err)
	}
	if err := os.Rename(temporary, t.Path); err != nil {
		return fmt.Errorf("writing the metrics file: %w", err)
	}
	return nil
}

// Remove removes the file, so that nobody takes its last figures for those of a
// sensor that runs. One that is not there is no error.
func (t Textfile) Remove() error {
	return errors.Join(remove(t.temporary()), remove(t.Path))
}

// remove removes a file if it is there; never a folder.
func remove(path string) error {
	err := syscall.Unlink(path)
	if err == nil || errors.Is(err, syscall.ENOENT) {
		return nil
	}
	return fmt.Errorf("removing from %s: %w", filepath.Dir(path), &fs.PathError{Op: "remove", Path: path, Err: err})
}
