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

	// padding is how a stream of frames is laid out, found at the second frame.
	padding padding
	version uint32 // of the first frame
	gap     int    // bytes up to the next frame, if they are padded
}

// padding says whether frames have all the same length.
type padding uint8

const (
	paddingUnknown padding = iota
	// paddingNone is as the header says, frame after frame.
	paddingNone
	// paddingFull is what auditd and audispd really do: each frame's data has the
	// room of the longest record, whatever stands behind it.
	paddingFull
)

// paddedData is that room, MAX_AUDIT_MESSAGE_LENGTH of libaudit.h.
const paddedData = 8970

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
	if !d.skipPadding() {
		return false, nil
	}
	rest := d.buffer[d.start:d.end]
	if len(rest) < frameHeader {
		return false, nil
	}
	version, header := binary.NativeEndian.Uint32(rest), int(binary.NativeEndian.Uint32(rest[4:]))
	kind, size := binary.NativeEndian.Uint32(rest[8:]), int(binary.NativeEndian.Uint32(rest[12:]))
	if header < frameHeader || header > maxFrameHeader || kind > 0xffff || size < 0 || size > MaxLine {
		return false, fmt.Errorf("the stream has neither lines nor frames of an audit daemon: "+
			"header of %d bytes, record type %d, %d bytes of data; set format = string in the plugin's configuration", header, kind, size)
	}
	if len(rest) < header+size {
		return false, nil
	}
	d.start += header + size
	d.version, d.gap = version, max(0, paddedData-size)
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

// skipPadding goes to the next frame; false when what is there does not reach so
// far.
func (d *dispatched) skipPadding() bool {
	if d.padding == paddingUnknown && d.gap > 0 {
		rest := d.buffer[d.start:d.end]
		if len(rest) < frameHeader {
			return false
		}
		d.padding = paddingFull
		header := binary.NativeEndian.Uint32(rest[4:])
		if binary.NativeEndian.Uint32(rest) == d.version && header >= frameHeader && header <= maxFrameHeader {
			d.padding = paddingNone
		}
	}
	if d.padding != paddingFull {
		return true
	}
	skipped := min(d.gap, d.end-d.start)
	d.start += skipped
	d.gap -= skipped
	return d.gap == 0
}

// rest is lines.rest; a frame that is not whole is nothing.
func (d *dispatched) rest() bool {
	if d.binary {
		d.messages = d.messages[:0]
		return false
	}
	return d.lines.rest()
}
