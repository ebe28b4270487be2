package source

import (
	"bytes"
	"io"
)

const (
	// MaxLine is the longest line that is taken for a record. The kernel's
	// records have at most 8970 characters; enrichment adds to that.
	MaxLine = 128 << 10
	// shownOfOverlong is how much of a longer line is kept, to show what it was.
	shownOfOverlong = 256
	// liveBuffer is how much of a growing log is split into lines at a time; it
	// holds more than the longest line.
	liveBuffer = 256 << 10
)

// lines splits what is read into lines, in a buffer that does not grow.
type lines struct {
	buffer     []byte
	start, end int
	part       int // how much is read at a time at most
	line       int64
	skipping   int64 // bytes of an overlong line passed over so far
	overlong   []byte
	messages   []Message
	count      *counters
}

func newLines(size int, count *counters) lines {
	return lines{buffer: make([]byte, size), part: size, count: count}
}

// moveTo goes on in another buffer of at least the same size.
func (l *lines) moveTo(buffer []byte) {
	l.end = copy(buffer, l.buffer[l.start:l.end])
	l.buffer, l.start = buffer, 0
}

// fill drops the messages of the last call, moves what is left of the buffer to
// its beginning and reads once.
func (l *lines) fill(r io.Reader) (int, error) {
	l.messages = l.messages[:0]
	copy(l.buffer, l.buffer[l.start:l.end])
	l.end -= l.start
	l.start = 0
	n, err := r.Read(l.buffer[l.end:min(len(l.buffer), l.end+l.part)])
	l.end += n
	l.count.bytes.Add(uint64(n))
	return n, err
}

// split makes messages of the whole lines in the buffer.
func (l *lines) split() {
	before := l.line
	l.splitAll()
	l.count.messages.Add(uint64(l.line - before))
}

func (l *lines) splitAll() {
	for {
		length := bytes.IndexByte(l.buffer[l.start:l.end], '\n')
		if length < 0 {
			break
		}
		l.add(l.buffer[l.start:l.start+length], false)
		l.start += length + 1
	}
	if l.end-l.start > MaxLine {
		l.skipOverlong()
	}
}

// text takes the whole lines in the buffer as they are; false where there is none.
func (l *lines) text() (part LogPart, some bool) {
	length := bytes.LastIndexByte(l.buffer[l.start:l.end], '\n') + 1
	if length > 0 && l.skipping > 0 {
		end := bytes.IndexByte(l.buffer[l.start:l.end], '\n')
		l.add(l.buffer[l.start:l.start+end], false)
		l.count.messages.Add(1)
		l.start += end + 1
		length -= end + 1
		part.Odd, some = &l.messages[0], true
	}
	part.Text, part.Line = l.buffer[l.start:l.start+length], l.line+1
	l.start += length
	if l.end-l.start > MaxLine {
		l.skipOverlong()
	}
	return part, some || length > 0
}

// skipOverlong gives up the line at the buffer's beginning, which is too long
// to be a record, but for a piece that shows what it was.
func (l *lines) skipOverlong() {
	rest := l.buffer[l.start:l.end]
	if l.skipping == 0 {
		l.overlong = append([]byte(nil), rest[:shownOfOverlong]...)
	}
	l.skipping += int64(len(rest))
	l.start = l.end
}

// add appends one line as a message.
func (l *lines) add(line []byte, torn bool) {
	l.line++
	if l.skipping > 0 || len(line) > MaxLine {
		beginning := line[:min(shownOfOverlong, len(line))]
		if l.skipping > 0 {
			beginning = l.overlong
		}
		l.messages = append(l.messages, Message{
			Data: beginning, Line: l.line, TooLong: l.skipping + int64(len(line)), Torn: torn,
		})
		l.skipping = 0
		return
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	l.messages = append(l.messages, Message{Data: line, Line: l.line, Torn: torn})
}

// rest makes a message of what is left at the end, a line without an ending. It
// reports whether there was one.
func (l *lines) rest() bool {
	l.messages = l.messages[:0]
	if l.start == l.end && l.skipping == 0 {
		return false
	}
	l.add(l.buffer[l.start:l.end], true)
	l.count.messages.Add(1)
	l.start = l.end
	return true
}

// forget drops what is left of a line and counts lines from 1 again.
func (l *lines) forget() {
	l.start, l.end, l.skipping, l.line = 0, 0, 0, 0
}
