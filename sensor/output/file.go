package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	size   int64
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
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the alert file: %w", err)
	}
	f := &File{path: path, file: file, report: report}
	if err := f.seekEnd(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

// seekEnd finds where to append. Devices and pipes have no end to find.
func (f *File) seekEnd() error {
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("asking for the alert file's size: %w", err)
	}
	if info.Mode().IsRegular() {
		f.size = info.Size()
		return f.endLine()
	}
	f.size = -1
	return nil
}

// endLine ends a line that a crash left unfinished, so that the next document
// does not become part of it.
func (f *File) endLine() error {
	if f.size == 0 {
		return nil
	}
	reader, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("reading the end of the alert file: %w", err)
	}
	defer func() { _ = reader.Close() }() // nothing was written through it
	last := make([]byte, 1)
	if _, err := reader.ReadAt(last, f.size-1); err != nil {
		return fmt.Errorf("reading the end of the alert file: %w", err)
	}
	if last[0] == '\n' {
		return nil
	}
	if _, err := f.file.WriteAt([]byte{'\n'}, f.size); err != nil {
		return fmt.Errorf("ending the alert file's last line: %w", err)
	}
	f.size++
	return nil
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
func (f *File) writeOnce() error {
	if f.size < 0 {
		if _, err := f.file.Write(f.buffer); err != nil {
			return fmt.Errorf("writing an alert: %w", err)
		}
		return nil
	}
	n, err := f.file.WriteAt(f.buffer, f.size)
	if err == nil {
		if err = f.file.Sync(); err == nil {
			f.size += int64(n)
			return nil
		}
	}
	if cut := f.file.Truncate(f.size); cut != nil && !errors.Is(cut, fs.ErrClosed) {
		err = errors.Join(err, cut)
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
