package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// walk calls back for each record from a position on, and with a nil record for
// each damaged place, until the callback says false. The record is the callback's
// to keep; end is the position behind it.
func (s *Spool) walk(from position, each func(end position, record []byte) bool) error {
	for _, one := range s.segments {
		if one.number < from.segment {
			continue
		}
		offset := int64(0)
		if one.number == from.segment {
			offset = from.offset
		}
		if offset >= one.size {
			continue
		}
		goOn, err := s.walkSegment(one, offset, each)
		if err != nil || !goOn {
			return err
		}
	}
	return nil
}

// walkSegment is walk within a segment.
func (s *Spool) walkSegment(one segment, offset int64, each func(position, []byte) bool) (goOn bool, err error) {
	file, err := os.Open(s.path(one.number))
	if errors.Is(err, fs.ErrNotExist) { // somebody removed it
		return each(position{one.number, one.size}, nil), nil
	}
	if err != nil {
		return false, fmt.Errorf("reading a spool: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	want := int64(readSize)
	for offset < one.size {
		data := make([]byte, min(want, one.size-offset))
		n, err := file.ReadAt(data, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, fmt.Errorf("reading a spool: %w", err)
		}
		if n == 0 { // somebody cut the file: what was there is lost
			return each(position{one.number, one.size}, nil), nil
		}
		data = data[:n]
		atEnd := offset+int64(n) >= one.size || n < cap(data)
		want = readSize
		for len(data) > 0 {
			found := next(data, atEnd)
			if found.size == 0 {
				want = max(readSize, int64(found.need))
				break
			}
			data = data[found.size:]
			offset += int64(found.size)
			if !each(position{one.number, offset}, found.record) {
				return false, nil
			}
		}
	}
	return true, nil
}
