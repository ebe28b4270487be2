package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// position is a place in the spool.
type position struct {
	segment uint64
	offset  int64
}

// before says whether p is before other.
func (p position) before(other position) bool {
	return p.segment < other.segment || p.segment == other.segment && p.offset < other.offset
}

// slotSize is the size of one of the two slots of the position's file. They are
// written in turn, so that a torn write leaves the other.
const slotSize = 32

// positionFile keeps the position of the first record that is not delivered.
type positionFile struct {
	file  *os.File
	count uint64 // of writes; the slot with the larger one is valid
}

// openPosition opens or creates the file and reads the position; known is false
// where there is none that can be read.
func openPosition(path string) (f *positionFile, at position, known bool, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, at, false, fmt.Errorf("opening the spool's position: %w", err)
	}
	f = &positionFile{file: file}
	var slots [2 * slotSize]byte
	n, err := file.ReadAt(slots[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, at, false, errors.Join(fmt.Errorf("reading the spool's position: %w", err), file.Close())
	}
	for i := 0; i+slotSize <= n; i += slotSize {
		slot := slots[i : i+slotSize]
		if binary.LittleEndian.Uint32(slot[24:]) != checksum(nil, slot[:24]) {
			continue
		}
		if count := binary.LittleEndian.Uint64(slot); count > f.count {
			f.count, known = count, true
			at = position{binary.LittleEndian.Uint64(slot[8:]), int64(binary.LittleEndian.Uint64(slot[16:]))} //nolint:gosec // checked below
		}
	}
	if at.offset < 0 {
		at, known = position{}, false
	}
	return f, at, known, nil
}

// write remembers a position. It need not reach the disk at once: after a power
// failure an older one makes records be delivered again, and loses none.
func (f *positionFile) write(at position) error {
	var slot [slotSize]byte
	f.count++
	binary.LittleEndian.PutUint64(slot[:], f.count)
	binary.LittleEndian.PutUint64(slot[8:], at.segment)
	binary.LittleEndian.PutUint64(slot[16:], uint64(at.offset)) //nolint:gosec // never negative
	binary.LittleEndian.PutUint32(slot[24:], checksum(nil, slot[:24]))
	if _, err := f.file.WriteAt(slot[:], int64(f.count%2)*slotSize); err != nil { //nolint:gosec // 0 or 1
		return fmt.Errorf("writing the spool's position: %w", err)
	}
	return nil
}
