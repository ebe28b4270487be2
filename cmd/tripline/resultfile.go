package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// How the files that commands write begin.
const (
	archiveStart = "\x1f\x8b" // gzip, RFC 1952
	pageStart    = "<!DOCTYPE html>"
)

// mayReplace refuses a name for a result that something else has: a device, a folder,
// or a file that is no earlier result. Results are put into place by renaming, which
// would take away even /dev/null.
func mayReplace(path, start, kind string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return &usageError{fmt.Errorf("%s is there and is no regular file; choose another name", path)}
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	found := make([]byte, len(start))
	n, err := io.ReadFull(file, found)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("looking at %s: %w", path, err)
	}
	if n > 0 && !bytes.Equal(found, []byte(start)) {
		return &usageError{fmt.Errorf("%s is there and is no %s; choose another name", path, kind)}
	}
	return nil
}
