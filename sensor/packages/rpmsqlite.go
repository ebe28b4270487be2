package packages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// sqlite reads tables of an SQLite file from their first row to the last, see the
// file format on sqlite.org. It takes no lock and does not look into a write-ahead
// log, so that what is being installed may not be seen yet.
type sqlite struct {
	file   io.ReaderAt
	size   int // of a page
	usable int // of it without what is reserved
	steps  int // pages that may still be read
}

const (
	sqliteMagic           = "SQLite format 3\x00"
	sqliteHeader          = 100
	pageInterior, pageRow = 5, 13
	// sqlitePagesLimit bounds the pages that are read, so that a damaged file does
	// not lead round in circles.
	sqlitePagesLimit = 1 << 22
)

var errSQLite = errors.New("the SQLite file is damaged")

// readSQLite calls one with the header of each package, the form of rpm from
// Fedora 33 and RHEL 9 on.
func readSQLite(file io.ReaderAt, one func(blob []byte) error) error {
	head := make([]byte, sqliteHeader)
	if _, err := file.ReadAt(head, 0); err != nil {
		return err
	}
	s := sqlite{file: file, size: int(binary.BigEndian.Uint16(head[16:])), steps: sqlitePagesLimit}
	if s.size == 1 {
		s.size = 64 << 10
	}
	s.usable = s.size - int(head[20])
	if string(head[:len(sqliteMagic)]) != sqliteMagic || s.size < 512 || s.size&(s.size-1) != 0 || s.usable < 480 {
		return errors.New("it is no SQLite file")
	}
	root := int64(0)
	err := s.rows(1, 0, func(row []byte) error {
		// type, name, tbl_name, rootpage, sql
		if columns := columnsOf(row); len(columns) >= 4 && string(columns[0].data) == "table" && strings.EqualFold(string(columns[1].data), "Packages") {
			root = columns[3].number()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if root <= 0 {
		return errors.New("it has no table of packages")
	}
	return s.rows(root, 0, func(row []byte) error {
		columns := columnsOf(row) // hnum, blob
		if len(columns) < 2 {
			return errSQLite
		}
		return one(columns[1].data)
	})
}

// rows calls one with each row below a page of a table.
func (s *sqlite) rows(number int64, depth int, one func([]byte) error) error {
	const deepest = 32
	s.steps--
	if s.steps < 0 || depth > deepest || number < 1 {
		return errSQLite
	}
	page := make([]byte, s.size)
	if _, err := s.file.ReadAt(page, (number-1)*int64(s.size)); err != nil {
		return fmt.Errorf("page %d: %w", number, err)
	}
	start := 0
	if number == 1 {
		start = sqliteHeader
	}
	kind, count := page[start], int(binary.BigEndian.Uint16(page[start+3:]))
	cells := start + 8
	if kind == pageInterior {
		cells += 4
	}
	if kind != pageInterior && kind != pageRow || cells+2*count > s.size {
		return errSQLite
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(page[cells+2*i:]))
		if at+4 > s.size {
			return errSQLite
		}
		if kind == pageInterior {
			if err := s.rows(int64(binary.BigEndian.Uint32(page[at:])), depth+1, one); err != nil {
				return err
			}
			continue
		}
		row, err := s.payload(page[at:])
		if err != nil {
			return err
		}
		if err := one(row); err != nil {
			return err
		}
	}
	if kind == pageInterior {
		return s.rows(int64(binary.BigEndian.Uint32(page[start+8:])), depth+1, one)
	}
	return nil
}

// payload reads a row that begins in a page and goes on in overflow pages.
func (s *sqlite) payload(cell []byte) ([]byte, error) {
	length, n := varint(cell)
	_, m := varint(cell[n:]) // the row's number
	cell = cell[n+m:]
	if n == 0 || m == 0 || length > blobLimit {
		return nil, errSQLite
	}
	local, most := int(length), s.usable-35
	if local > most {
		least := (s.usable-12)*32/255 - 23
		if local = least + (int(length)-least)%(s.usable-4); local > most {
			local = least
		}
	}
	if local > len(cell) || int(length) > local && local+4 > len(cell) {
		return nil, errSQLite
	}
	row := append(make([]byte, 0, length), cell[:local]...)
	if int(length) == local {
		return row, nil
	}
	page := make([]byte, s.size)
	for next := int64(binary.BigEndian.Uint32(cell[local:])); len(row) < int(length); next = int64(binary.BigEndian.Uint32(page)) {
		s.steps--
		if s.steps < 0 || next < 1 {
			return nil, errSQLite
		}
		if _, err := s.file.ReadAt(page, (next-1)*int64(s.size)); err != nil {
			return nil, fmt.Errorf("page %d: %w", next, err)
		}
		row = append(row, page[4:min(s.usable, 4+int(length)-len(row))]...)
	}
	return row, nil
}

// column is one value of a row.
type column struct {
	kind uint64
	data []byte
}

// columnsOf splits a row; nil where it is damaged.
func columnsOf(row []byte) (all []column) {
	size, n := varint(row)
	if n == 0 || size > uint64(len(row)) || size < uint64(n) {
		return nil
	}
	types, data := row[n:size], row[size:]
	for len(types) > 0 {
		kind, n := varint(types)
		length := columnSize(kind)
		if n == 0 || length > uint64(len(data)) {
			return nil
		}
		all = append(all, column{kind, data[:length]})
		types, data = types[n:], data[length:]
	}
	return all
}

// columnSize is how many bytes a value of a serial type has.
func columnSize(kind uint64) uint64 {
	if kind >= 12 {
		return (kind - 12) / 2
	}
	return [...]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
}

// number is the value of a column of whole numbers.
func (c column) number() (n int64) {
	switch {
	case c.kind == 9:
		return 1
	case c.kind == 0 || c.kind > 6:
		return 0
	}
	for _, b := range c.data {
		n = n<<8 | int64(b)
	}
	return n
}

// varint reads a number of one to nine bytes; n is 0 where it is cut off.
func varint(data []byte) (value uint64, n int) {
	for n < len(data) && n < 9 {
		b := data[n]
		n++
		if n == 9 {
			return value<<8 | uint64(b), n
		}
		value = value<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return value, n
		}
	}
	return 0, 0
}
