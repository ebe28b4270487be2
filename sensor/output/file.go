package output

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// retryPause is how long a file output waits before it tries again to write to
// a file system that is full or failing.
const retryPause = time.Second

// File appends documents to a file, one JSON document a line, and syncs each to
// disk before it counts as written. When a write fails, the part of the line
// that got out is cut off again, so that the file always ends with a whole
// line, and the document is tried again until it succeeds or the sensor stops.
type File struct {
	path   string
	file   *os.File
	buffer []byte
	report func(error)
}

var _ Writer = (*File)(nil)

// OpenFile opens or creates the file, readable by its owner alone, and the
// folders above it. What is in it stays. The report function is told when
// writing starts to fail and when it works again.
func OpenFile(path string, report func(error)) (*File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the alert file: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the alert file: %w", err)
	}
	f := &File{path: path, file: file, report: report}
	if err := f.endLine(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// endLine ends a line that a crash left unfinished, so that the next document
// does not become part of it.
func (f *File) endLine() error {
	size, regular, err := f.length()
	if err != nil || !regular || size == 0 {
		return err
	}
	reader, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("reading the end of the alert file: %w", err)
	}
	defer func() { _ = reader.Close() }() // nothing was written through it
	last := make([]byte, 1)
	if _, err := reader.ReadAt(last, size-1); err != nil {
		return fmt.Errorf("reading the end of the alert file: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := f.file.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("ending the alert file's last line: %w", err)
	}
	return nil
}

// length asks for the file's size in bytes, and whether it has one: devices and
// pipes have none.
func (f *File) length() (size int64, regular bool, err error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("asking for the alert file's size: %w", err)
	}
	return info.Size(), info.Mode().IsRegular(), nil
}

// Name implements Writer.
func (f *File) Name() string { return f.path }

// Write implements Writer.
func (f *File) Write(ctx context.Context, document Document) error {
	f.buffer = append(append(f.buffer[:0], document.JSON...), '\n')
	err := f.writeOnce()
	if err == nil {
		return nil
	}
	f.report(fmt.Errorf("%w; alerts wait in memory and are written as soon as that is mended", err))
	ticker := time.NewTicker(retryPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("giving up on the alert file: %w", err)
		case <-ticker.C:
		}
		if err = f.writeOnce(); err == nil {
			f.report(fmt.Errorf("writing to %s works again", f.path))
			return nil
		}
	}
}

// writeOnce writes and syncs the buffered line, or leaves the file as it was.
// The size is asked each time, because somebody may have truncated the file.
func (f *File) writeOnce() error {
	size, regular, err := f.length()
	if err != nil {
		return err
	}
	_, err = f.file.Write(f.buffer)
	if err == nil && regular {
		err = f.file.Sync()
	}
	if err == nil {
		return nil
	}
	if regular {
		err = errors.Join(err, f.file.Truncate(size))
	}
	return fmt.Errorf("writing an alert: %w", err)
}

// Close implements Writer.
func (f *File) Close() error {
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("closing the alert file: %w", err)
	}
	return nil
}
