package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

const (
	// mark begins every record. After damage the next one is looked for.
	mark = "\xf5TLr"
	// headerSize is that of mark, length and checksum.
	headerSize = 12
	// MaxRecord is the size in bytes of the largest record.
	MaxRecord = 32 << 20
)

// checksum is over the length and the record, so that a length that lies does
// not pass either.
func checksum(length, record []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(length, table), table, record)
}

// appendFrame appends a framed record.
func appendFrame(dst, record []byte) []byte {
	dst = append(dst, mark...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record))) //nolint:gosec // at most MaxRecord
	dst = binary.LittleEndian.AppendUint32(dst, checksum(dst[len(dst)-4:], record))
	return append(dst, record...)
}

// frame is what is found at a place of a segment.
type frame struct {
	// record is nil where the bytes are damaged.
	record []byte
	// size is how many bytes the frame or the damage has. 0 says that more bytes
	// are needed to tell, at least need.
	size, need int
}

// next reads the frame at the beginning of data, which is not empty. atEnd says
// that the segment ends with data.
func next(data []byte, atEnd bool) frame {
	if whole := wholeFrame(data); whole.size > 0 || whole.need > 0 && !atEnd {
		return whole
	}
	for at := 1; ; at++ { // damage: up to the next record that is whole
		found := bytes.Index(data[at:], []byte(mark))
		if found < 0 {
			break
		}
		at += found
		if one := wholeFrame(data[at:]); one.size > 0 || one.need > 0 && !atEnd {
			return frame{size: at}
		}
	}
	if atEnd {
		return frame{size: len(data)}
	}
	// The mark may be cut by the end of data.
	return frame{size: max(1, len(data)-len(mark)+1)}
}

// wholeFrame reads a frame that begins with data: its size is 0 where there is
// none, and need is set where there may be one in more bytes.
func wholeFrame(data []byte) frame {
	if !bytes.HasPrefix(data, []byte(mark)[:min(len(data), len(mark))]) {
		return frame{}
	}
	if len(data) < headerSize {
		return frame{need: headerSize}
	}
	length := int(binary.LittleEndian.Uint32(data[4:]))
	if length > MaxRecord {
		return frame{}
	}
	if len(data) < headerSize+length {
		return frame{need: headerSize + length}
	}
	record := data[headerSize : headerSize+length : headerSize+length]
	if binary.LittleEndian.Uint32(data[8:]) != checksum(data[4:8], record) {
		return frame{}
	}
	return frame{record: record, size: headerSize + length}
}
