package source

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

const (
	// maxLine is the longest line that is taken for a record. The kernel's
	// records have at most 8970 characters; enrichment adds to that.
	maxLine = 128 << 10
	// logBuffer is how much of a log is split into lines at a time.
	logBuffer = 512 << 10
)

// Log is a Source over one recorded audit log: the lines that auditd writes,
// plain or compressed with gzip. It holds a bounded part of it in memory.
type Log struct {
	reader io.Reader
	closer io.Closer

	buffer     []byte
	start, end int
	line       int64
	skipping   int64 // bytes of an overlong line passed over so far
	overlong   Message
	messages   []Message
	done       error

	interrupted atomic.Bool
	count       counters
}

var _ Source = (*Log)(nil)

// NewLog reads a log from r, which Close closes if it is an io.Closer. Whether
// it is compressed is seen from its first bytes.
func NewLog(r io.Reader) (*Log, error) {
	l := &Log{buffer: make([]byte, logBuffer), messages: make([]Message, 0, 4096)}
	if closer, ok := r.(io.Closer); ok {
		l.closer = closer
	}
	buffered := bufio.NewReaderSize(r, 64<<10)
	l.reader = buffered
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("reading the log's beginning: %w", err), l.Close())
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("reading the log as gzip: %w", err), l.Close())
		}
		l.reader = unzipped
	}
	return l, nil
}

// Receive implements Source. It does not wait for a log that still grows.
func (l *Log) Receive(time.Duration) ([]Message, error) {
	l.messages = l.messages[:0]
	for len(l.messages) == 0 {
		if l.interrupted.Load() {
			return nil, ErrInterrupted
		}
		if l.done != nil {
			return l.last()
		}
		l.fill()
		l.split()
	}
	return l.messages, nil
}

// fill moves what is left of the buffer to its beginning and reads on.
func (l *Log) fill() {
	copy(l.buffer, l.buffer[l.start:l.end])
	l.end -= l.start
	l.start = 0
	n, err := l.reader.Read(l.buffer[l.end:])
	l.end += n
	l.count.bytes.Add(uint64(n))
	if err != nil {
		l.done = err
	}
}

// split makes messages of the whole lines in the buffer.
func (l *Log) split() {
	for {
		length := bytes.IndexByte(l.buffer[l.start:l.end], '\n')
		if length < 0 {
			break
		}
		l.add(l.buffer[l.start:l.start+length], false)
		l.start += length + 1
	}
	if l.end-l.start > maxLine {
		l.skipOverlong()
	}
}

// skipOverlong gives up the line at the buffer's beginning, which is too long
// to be a record, but for a piece that shows what it was.
func (l *Log) skipOverlong() {
	rest := l.buffer[l.start:l.end]
	if l.skipping == 0 {
		l.overlong.Data = append([]byte(nil), rest[:256]...)
	}
	l.skipping += int64(len(rest))
	l.start = l.end
}

// add appends one line as a message.
func (l *Log) add(line []byte, torn bool) {
	l.line++
	l.count.messages.Add(1)
	if l.skipping > 0 || len(line) > maxLine {
		beginning := line[:min(256, len(line))]
		if l.skipping > 0 {
			beginning = l.overlong.Data
		}
		l.messages = append(l.messages, Message{
			Data: beginning, Line: l.line, TooLong: l.skipping + int64(len(line)), Torn: torn,
		})
		l.skipping = 0
		return
	}
	l.messages = append(l.messages, Message{Data: bytes.TrimSuffix(line, []byte{'\r'}), Line: l.line, Torn: torn})
}

// last hands out a line without a line ending at the log's end, then the end.
func (l *Log) last() ([]Message, error) {
	if l.start < l.end || l.skipping > 0 {
		l.add(l.buffer[l.start:l.end], true)
		l.start = l.end
		return l.messages, nil
	}
	if errors.Is(l.done, io.EOF) {
		return nil, io.EOF
	}
	if errors.Is(l.done, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("after line %d: the compressed log is cut off: %w", l.line, l.done)
	}
	return nil, fmt.Errorf("after line %d: reading the log: %w", l.line, l.done)
}

// Interrupt implements Source.
func (l *Log) Interrupt() { l.interrupted.Store(true) }

// Stats implements Source.
func (l *Log) Stats() Stats { return l.count.stats() }

// Close closes the underlying reader.
func (l *Log) Close() error {
	if l.closer == nil {
		return nil
	}
	if err := l.closer.Close(); err != nil {
		return fmt.Errorf("closing the log: %w", err)
	}
	return nil
}
