package packages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// blobLimit bounds, in bytes, the header of one package.
const blobLimit = 64 << 20

// The parts of a Berkeley DB hash file that rpm uses, see db_page.h of Berkeley
// DB: the pages of the hash table have pairs of a key and a value, and a value
// that is large is a chain of overflow pages.
const (
	berkeleyMagic                                    = 0x061561
	pageHashUnsorted, pageHash, pageOverflow         = 2, 13, 7
	pageHeader                                       = 26
	pageNext, pageEntries, pageFill, pageType        = 16, 20, 22, 25
	itemOffPage                                      = 3
	metaMagic, metaPageSize, metaLastPage, metaBytes = 12, 20, 32, 72
)

// readBerkeley calls one with the header of each package in a Berkeley DB, the
// form of rpm up to RHEL 8.
func readBerkeley(file io.ReaderAt, one func(blob []byte) error) error {
	meta := make([]byte, metaBytes)
	if _, err := file.ReadAt(meta, 0); err != nil {
		return err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(meta[metaMagic:]) != berkeleyMagic {
		order = binary.BigEndian
	}
	size, last := order.Uint32(meta[metaPageSize:]), order.Uint32(meta[metaLastPage:])
	if order.Uint32(meta[metaMagic:]) != berkeleyMagic || size < 512 || size > 64<<10 || size&(size-1) != 0 {
		return errors.New("it is no Berkeley DB hash")
	}
	b := berkeley{file: file, order: order, page: make([]byte, size), last: last}
	page := make([]byte, size)
	for number := uint32(1); number <= last; number++ {
		if _, err := file.ReadAt(page, int64(number)*int64(size)); err != nil {
			return fmt.Errorf("page %d: %w", number, err)
		}
		if kind := page[pageType]; kind != pageHash && kind != pageHashUnsorted {
			continue
		}
		if err := b.values(page, one); err != nil {
			return fmt.Errorf("page %d: %w", number, err)
		}
	}
	return nil
}

type berkeley struct {
	file  io.ReaderAt
	order binary.ByteOrder
	page  []byte
	last  uint32
}

// values calls one with each large value of a page of the table. Small ones are
// rpm's own counter.
func (b *berkeley) values(page []byte, one func([]byte) error) error {
	count := int(b.order.Uint16(page[pageEntries:]))
	if pageHeader+2*count > len(page) {
		return errors.New("it is damaged")
	}
	for i := 1; i < count; i += 2 { // every second is a value
		at := int(b.order.Uint16(page[pageHeader+2*i:]))
		if at+12 > len(page) || page[at] != itemOffPage {
			continue
		}
		blob, err := b.chain(b.order.Uint32(page[at+4:]), b.order.Uint32(page[at+8:]))
		if err != nil {
			return err
		}
		if err := one(blob); err != nil {
			return err
		}
	}
	return nil
}

// chain reads a value of so many bytes from overflow pages.
func (b *berkeley) chain(number, size uint32) ([]byte, error) {
	if size > blobLimit {
		return nil, fmt.Errorf("a package's header has %d bytes", size)
	}
	blob := make([]byte, 0, size)
	for number != 0 && len(blob) < int(size) {
		if number > b.last {
			return nil, errors.New("an overflow page is missing")
		}
		if _, err := b.file.ReadAt(b.page, int64(number)*int64(len(b.page))); err != nil {
			return nil, err
		}
		fill := int(b.order.Uint16(b.page[pageFill:]))
		if b.page[pageType] != pageOverflow || fill == 0 || pageHeader+fill > len(b.page) {
			return nil, errors.New("an overflow page is damaged")
		}
		blob = append(blob, b.page[pageHeader:pageHeader+fill]...)
		number = b.order.Uint32(b.page[pageNext:])
	}
	return blob, nil
}
