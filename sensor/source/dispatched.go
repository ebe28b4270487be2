package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// dispatched splits what an audit daemon's dispatcher writes to a plugin. Which
// of the two formats it is shows in the first byte: a line begins with a letter, a
// frame with its version, which is 0 or 1.
type dispatched struct {
	lines
	decided, binary bool
}

func newDispatched(count *counters) dispatched {
	return dispatched{lines: newLines(liveBuffer, count)}
}

const (
	// frameHeader is the size of struct audit_dispatcher_header of libaudit.h:
	// version, header length, record type and data length, 4 bytes each in the
	// machine's byte order.
	frameHeader = 16
	// maxFrameHeader is more than any version of the header has or will have.
	maxFrameHeader = 256
)

// split makes messages of what is whole in the buffer. The error says that this
// is neither format, after which nothing can be found any more.
func (d *dispatched) split() error {
	if !d.decided {
		if d.start == d.end {
			return nil
		}
		d.decided = true
		d.binary = d.buffer[d.start] < '\t'
	}
	if !d.binary {
		d.lines.split()
		return nil
	}
	for {
		frame, err := d.frame()
		if err != nil || !frame {
			return err
		}
	}
}

// frame takes the next frame out of the buffer; false when it is not whole yet.
func (d *dispatched) frame() (bool, error) {
	rest := d.buffer[d.start:d.end]
	if len(rest) < frameHeader {
		return false, nil
	}
	header := int(binary.NativeEndian.Uint32(rest[4:]))
	kind := binary.NativeEndian.Uint32(rest[8:])
	size := int(binary.NativeEndian.Uint32(rest[12:]))
	if header < frameHeader || header > maxFrameHeader || kind > 0xffff || size < 0 || size > maxLine {
		return false, fmt.Errorf("standard input has neither lines nor frames of an audit daemon: "+
			"header of %d bytes, record type %d, %d bytes of data; set format = string in the plugin's configuration", header, kind, size)
	}
	if len(rest) < header+size {
		return false, nil
	}
	d.start += header + size
	d.line++
	d.count.messages.Add(1)
	data := bytes.TrimRight(rest[header:header+size], "\x00\n")
	message := Message{Line: d.line, Data: data}
	// The second version of the protocol has the record as a whole line.
	if bytes.HasPrefix(data, []byte("audit(")) {
		message.Type = uint16(kind)
	}
	d.messages = append(d.messages, message)
	return true, nil
}

// rest is lines.rest; a frame that is not whole is nothing.
func (d *dispatched) rest() bool {
	if d.binary {
		d.messages = d.messages[:0]
		return false
	}
	return d.lines.rest()
}
