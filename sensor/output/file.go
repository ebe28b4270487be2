package output

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

const (
	// retryPause is how long a file output waits before it tries again to write
	// to a file system that is full or failing.
	retryPause = time.Second
	// maxKeptBuffer is the largest buffer that is kept between batches.
	maxKeptBuffer = 4 << 20
)

// FileOptions say where and how a File writes.
type FileOptions struct {
	// Path names the file. Rotated ones are beside it, Path.000001.gz and on.
	Path string
	// Sync makes documents count as written only once they are on the disk.
	Sync bool
	// Rotation says when a new file is begun and what becomes of old ones.
	Rotation Rotation
	// Log is told what goes wrong, and when it works again.
	Log hclog.Logger
}

// File appends documents to a file, one JSON document a line. When a write
// fails, the part that got out is cut off again, so that the file always ends
// with a whole line, and the documents are tried again until that succeeds or
// the sensor stops. A file that was removed or moved away is made anew.
type File struct {
	options FileOptions
	file    *os.File
	info    fs.FileInfo // of file, to notice that its name is another's now
	born    time.Time   // when the first document was written
	buffer  []byte
	torn    bool // the file may end within a line
	rotator *rotator

	// rotateAfter is when to try again after a rotation failed.
	rotateAfter time.Time

	reopen  atomic.Bool
	retried atomic.Uint64
	trouble atomic.Pointer[string]
}

var (
	_ BatchWriter = (*File)(nil)
	_ Reopener    = (*File)(nil)
	_ Counted     = (*File)(nil)
)

// OpenFile opens or creates the file, readable by its owner alone, and the
// folders above it. What is in it stays. A file system that is full, read-only
// or failing is no error: it is said, and writing is tried until it is mended.
func OpenFile(options FileOptions) (*File, error) {
	f := &File{options: options}
	f.rotator = newRotator(options.Path, options.Rotation, options.Log)
	err := f.open()
	if err != nil && !mayPass(err) {
		f.rotator.close()
		return nil, err
	}
	if err != nil {
		f.say(err)
	}
	return f, nil
}

// mayPass says whether an error is of the file system, which may get well, and
// not of the path.
func mayPass(err error) bool {
	for _, one := range []error{syscall.ENOSPC, syscall.EROFS, syscall.EIO, syscall.EDQUOT, syscall.ESTALE, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// open opens the file of the configured name in the place of the one before.
func (f *File) open() error {
	if err := os.MkdirAll(filepath.Dir(f.options.Path), 0o750); err != nil {
		return fmt.Errorf("making the folder of an output file: %w", err)
	}
	file, err := os.OpenFile(f.options.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrPermission) { // a pipe or device that can only be written to
		file, err = os.OpenFile(f.options.Path, os.O_WRONLY|os.O_APPEND, 0o600)
	}
	if err != nil {
		return fmt.Errorf("opening an output file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("asking about an output file: %w", err), file.Close())
	}
	if f.file != nil {
		err = f.file.Close()
	}
	f.file, f.info, f.torn = file, info, false
	f.born = time.Now()
	if info.Mode().IsRegular() && info.Size() > 0 {
		f.torn = !endsWithLine(file, info.Size())
		f.born = f.born.Add(-age(file, f.born))
	}
	if f.options.Sync && info.Size() == 0 && info.Mode().IsRegular() {
		err = errors.Join(err, file.Sync(), syncFolder(filepath.Dir(f.options.Path)))
	}
	return err
}

// endsWithLine says whether the last line is whole. After a crash it may not be.
func endsWithLine(file *os.File, size int64) bool {
	last := make([]byte, 1)
	_, err := file.ReadAt(last, size-1)
	return err == nil && last[0] == '\n'
}

// Name implements Writer.
func (f *File) Name() string { return f.options.Path }

// Reopen implements Reopener.
func (f *File) Reopen() { f.reopen.Store(true) }

// Counters implements Counted.
func (f *File) Counters() Counters {
	counters := Counters{Retried: f.retried.Load()}
	if trouble := f.trouble.Load(); trouble != nil {
		counters.Trouble = *trouble
	}
	return counters
}

// Write implements Writer.
func (f *File) Write(ctx context.Context, document Document) error {
	_, err := f.WriteBatch(ctx, []Document{document})
	return err
}

// WriteBatch implements BatchWriter: all or nothing.
func (f *File) WriteBatch(ctx context.Context, documents []Document) (int, error) {
	if cap(f.buffer) > maxKeptBuffer {
		f.buffer = nil
	}
	f.buffer = f.buffer[:0]
	for i := range documents {
		f.buffer = append(append(f.buffer, documents[i].JSON...), '\n')
	}
	err := f.writeOnce()
	if err == nil {
		f.sayWell()
		return len(documents), nil
	}
	f.say(err)
	ticker := time.NewTicker(retryPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("giving up on %d documents for %s: %w", len(documents), f.options.Path, err)
		case <-ticker.C:
		}
		f.retried.Add(1)
		if err = f.writeOnce(); err == nil {
			f.sayWell()
			return len(documents), nil
		}
	}
}

// say tells once what is wrong.
func (f *File) say(err error) {
	text := err.Error()
	if f.trouble.Swap(&text) == nil {
		f.options.Log.Error("an output file cannot be written; what is for it waits in memory and is written as soon as that is mended",
			"file", f.options.Path, "error", err)
	}
}

// sayWell tells that what was wrong is over.
func (f *File) sayWell() {
	if f.trouble.Load() != nil {
		f.trouble.Store(nil)
		f.options.Log.Info("writing to an output file works again", "file", f.options.Path)
	}
}

// writeOnce writes and syncs the buffered lines, or leaves the file as it was.
func (f *File) writeOnce() error {
	size, err := f.prepare()
	if err != nil {
		return err
	}
	regular := f.info.Mode().IsRegular()
	if f.torn {
		if _, err := f.file.Write([]byte{'\n'}); err != nil {
			return fmt.Errorf("ending a torn line: %w", err)
		}
		f.torn = false
		size++
	}
	_, err = f.file.Write(f.buffer)
	if err == nil && regular && f.options.Sync {
		err = f.file.Sync()
	}
	if err == nil {
		return nil
	}
	if regular {
		if cut := f.file.Truncate(size); cut != nil {
			f.torn = true
			err = errors.Join(err, cut)
		}
	}
	return fmt.Errorf("writing documents: %w", err)
}

// prepare sees to it that the open file is the one of the configured name and
// has room, and returns its size. The size is asked each time, because somebody
// may have truncated the file.
func (f *File) prepare() (int64, error) {
	if f.file == nil || f.reopen.Swap(false) {
		if err := f.open(); err != nil {
			return 0, err
		}
	} else if named, err := os.Stat(f.options.Path); err != nil || !os.SameFile(named, f.info) {
		if err := f.open(); err != nil {
			return 0, err
		}
		f.options.Log.Warn("an output file was removed or renamed; a new one is written", "file", f.options.Path)
	}
	if !f.info.Mode().IsRegular() {
		return 0, nil
	}
	info, err := f.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("asking for the size of an output file: %w", err)
	}
	if info.Size() > 0 && f.options.Rotation.due(info.Size()+int64(len(f.buffer)), time.Since(f.born)) {
		return f.rotate(info.Size())
	}
	return info.Size(), nil
}

// rotatePause is how long a rotation that failed is not tried again.
const rotatePause = time.Minute

// rotate begins a new file and returns its size. Where the old one cannot be
// moved away it is written on, which loses nothing, and that is said.
func (f *File) rotate(size int64) (int64, error) {
	if time.Now().Before(f.rotateAfter) {
		return size, nil
	}
	if err := f.rotator.moveAway(); err != nil {
		f.rotateAfter = time.Now().Add(rotatePause)
		f.options.Log.Error("an output file cannot be rotated and grows on; it is tried again in a minute", "file", f.options.Path, "error", err)
		return size, nil
	}
	if err := f.open(); err != nil {
		return 0, err
	}
	f.rotator.wake()
	return 0, nil
}

// Close implements Writer.
func (f *File) Close() error {
	var failures []error
	if f.file != nil {
		if f.info.Mode().IsRegular() && f.options.Sync {
			failures = append(failures, f.file.Sync())
		}
		failures = append(failures, f.file.Close())
	}
	f.rotator.close()
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("closing an output file: %w", err)
	}
	return nil
}
