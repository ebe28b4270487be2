package syslog

import (
	"strconv"

	"tripline/sensor/output"
)

// encoder makes messages that are no larger than the receiver takes.
type encoder struct {
	origin Origin
	// limit is the size of the largest message in bytes; 0 for none.
	limit   int
	message []byte
}

// encode makes the message of a document, which is valid until the next call.
// sequence is its number. reduced says that parts of it had to be left out.
func (e *encoder) encode(d *output.Document, sequence uint64) (message []byte, reduced bool, err error) {
	e.message = e.origin.append(e.message[:0], d, sequence, d.JSON)
	if e.limit == 0 || len(e.message) <= e.limit {
		return e.message, false, nil
	}
	body, err := reduce(d.JSON, e.limit-(len(e.message)-len(d.JSON)))
	if err != nil {
		return nil, false, err
	}
	e.message = e.origin.append(e.message[:0], d, sequence, body)
	return e.message, true, nil
}

// appendCounted appends a message with its length before it: the octet counting
// of RFC 6587, section 3.4.1.
func appendCounted(dst, message []byte) []byte {
	dst = strconv.AppendInt(dst, int64(len(message)), 10)
	dst = append(dst, ' ')
	return append(dst, message...)
}
