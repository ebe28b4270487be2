package packages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The form of rpm's own database, see rpm's lib/backend/ndb/rpmpkg.c: pages of
// slots, each of which says where a package's header begins, in blocks of 16 bytes.
const (
	ndbMagic, ndbSlotMagic, ndbBlobMagic = 'R' | 'p'<<8 | 'm'<<16 | 'P'<<24, 'S' | 'l'<<8 | 'o'<<16 | 't'<<24, 'B' | 'l'<<8 | 'b'<<16 | 'S'<<24
	ndbPage, ndbBlock                    = 4096, 16
	ndbPagesLimit                        = 4096
)

// readNDB calls one with the header of each package in an ndb database, the form
// of rpm of SUSE.
func readNDB(file io.ReaderAt, one func(blob []byte) error) error {
	page := make([]byte, ndbPage)
	if _, err := file.ReadAt(page, 0); err != nil {
		return err
	}
	pages := binary.LittleEndian.Uint32(page[12:])
	if binary.LittleEndian.Uint32(page) != ndbMagic || pages == 0 || pages > ndbPagesLimit {
		return errors.New("it is no ndb database")
	}
	for number := range pages {
		if _, err := file.ReadAt(page, int64(number)*ndbPage); err != nil {
			return err
		}
		for at := 0; at < ndbPage; at += ndbBlock {
			slot := page[at:]
			if number == 0 && at < 2*ndbBlock || binary.LittleEndian.Uint32(slot) != ndbSlotMagic || binary.LittleEndian.Uint32(slot[4:]) == 0 {
				continue
			}
			blob, err := ndbBlob(file, int64(binary.LittleEndian.Uint32(slot[8:]))*ndbBlock)
			if err != nil {
				return err
			}
			if err := one(blob); err != nil {
				return err
			}
		}
	}
	return nil
}

func ndbBlob(file io.ReaderAt, at int64) ([]byte, error) {
	head := make([]byte, ndbBlock)
	if _, err := file.ReadAt(head, at); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[12:])
	if binary.LittleEndian.Uint32(head) != ndbBlobMagic || size > blobLimit {
		return nil, errors.New("a package's header is damaged")
	}
	blob := make([]byte, size)
	if n, err := file.ReadAt(blob, at+ndbBlock); err != nil {
		return nil, fmt.Errorf("a package's header ends after %d of %d bytes: %w", n, size, err)
	}
	return blob, nil
}
