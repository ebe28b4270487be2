package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// file is one entry of an initial file system: a folder, unless it has data or
// is a character device.
type file struct {
	path    string
	data    []byte
	program bool
	// device is the major and minor number of a character device.
	device [2]uint32
}

// The file types of a mode (cpio(5), inode(7)).
const (
	modeFolder    = 0o040755
	modeFile      = 0o100644
	modeProgram   = 0o100755
	modeCharacter = 0o020666
)

func (f file) mode() uint32 {
	switch {
	case f.device != [2]uint32{}:
		return modeCharacter
	case f.program:
		return modeProgram
	case f.data != nil:
		return modeFile
	}
	return modeFolder
}

// writeImage writes files as every kernel reads an initial file system: a cpio
// archive in the "newc" form, compressed by gzip
// (Documentation/driver-api/early-userspace/buffer-format.rst of Linux).
func writeImage(path string, files []file) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder of the guest's file system: %w", err)
	}
	to, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing the guest's file system: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	packed, err := gzip.NewWriterLevel(to, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := writeArchive(packed, files); err != nil {
		return fmt.Errorf("writing the guest's file system: %w", err)
	}
	return packed.Close()
}

// trailer is the name that ends a cpio archive.
const trailer = "TRAILER!!!"

func writeArchive(to io.Writer, files []file) error {
	for i, f := range files {
		if err := writeEntry(to, i+1, f.mode(), f); err != nil {
			return err
		}
	}
	return writeEntry(to, 0, 0, file{path: trailer})
}

// writeEntry writes one header of 110 characters, the name with its NUL and the
// data, the last two padded to four bytes.
func writeEntry(to io.Writer, inode int, mode uint32, f file) error {
	var entry bytes.Buffer
	fmt.Fprintf(&entry, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		inode, mode, 0, 0, 1, 0, len(f.data), 0, 0, f.device[0], f.device[1], len(f.path)+1, 0)
	entry.WriteString(f.path + "\x00")
	pad(&entry)
	entry.Write(f.data)
	pad(&entry)
	_, err := to.Write(entry.Bytes())
	return err
}

// pad fills up to a multiple of four bytes.
func pad(entry *bytes.Buffer) {
	for entry.Len()%4 != 0 {
		entry.WriteByte(0)
	}
}
