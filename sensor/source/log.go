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
	// LogBuffer is the size of the buffers that a Log reads into. It holds more than
	// the longest line.
	LogBuffer = 192 << 10
	// logPart is how much is read at a time: with what is made of it, a part of a
	// processor's cache.
	logPart = 64 << 10
)

// Log is a Source over one recorded audit log: the lines that auditd writes,
// plain or compressed with gzip. It holds a bounded part of it in memory.
type Log struct {
	reader io.Reader
	closer io.Closer

	lines lines
	done  error

	interrupted atomic.Bool
	count       counters
}

var _ Source = (*Log)(nil)

// NewLog reads a log from r, which Close closes if it is an io.Closer. Whether
// it is compressed is seen from its first bytes.
func NewLog(r io.Reader) (*Log, error) {
	l := &Log{}
	l.lines = newLines(LogBuffer, &l.count)
	l.lines.part = logPart
	l.lines.messages = make([]Message, 0, 1024)
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

// LogPart is a part of a log: whole lines, which are still to be split.
type LogPart struct {
	// Text has the lines with their endings, none where Odd is the whole part.
	Text []byte
	// Line is the number of the first line of Text.
	Line int64
	// Odd is the line before Text, if that is longer than any record and only known by
	// its beginning. Its number is one less than Line.
	Odd *Message
	// Torn says that Text is the log's last line and lacks its ending.
	Torn bool
}

// ReceiveText is Receive for who splits the lines itself, and tells Passed how many
// there were before the next call. It reads into a buffer of the caller's, of LogBuffer
// bytes, which is not to be changed before the next call has another or the log has
// ended.
func (l *Log) ReceiveText(buffer []byte) (LogPart, error) {
	l.lines.moveTo(buffer)
	for {
		if l.interrupted.Load() {
			return LogPart{}, ErrInterrupted
		}
		if l.done != nil {
			return l.lastText()
		}
		_, l.done = l.lines.fill(l.reader)
		if part, some := l.lines.text(); some {
			return part, nil
		}
	}
}

// Passed counts the lines of a text.
func (l *Log) Passed(lines int) {
	l.lines.line += int64(lines)
	l.count.messages.Add(uint64(lines))
}

// lastText hands out a line without a line ending at the log's end, then the end.
func (l *Log) lastText() (LogPart, error) {
	messages, err := l.last()
	if err != nil {
		return LogPart{}, err
	}
	last := &messages[0]
	if last.TooLong > 0 {
		return LogPart{Odd: last, Line: last.Line + 1}, nil
	}
	l.lines.line-- // who splits the text counts it
	l.count.messages.Add(^uint64(0))
	return LogPart{Text: last.Data, Line: last.Line, Torn: true}, nil
}

// Receive implements Source. It does not wait for a log that still grows.
func (l *Log) Receive(time.Duration) ([]Message, error) {
	for {
		if l.interrupted.Load() {
			return nil, ErrInterrupted
		}
		if l.done != nil {
			return l.last()
		}
		_, l.done = l.lines.fill(l.reader)
		l.lines.split()
		if len(l.lines.messages) > 0 {
			return l.lines.messages, nil
		}
	}
}

// last hands out a line without a line ending at the log's end, then the end.
func (l *Log) last() ([]Message, error) {
	if l.lines.rest() {
		return l.lines.messages, nil
	}
	if errors.Is(l.done, io.EOF) {
		return nil, io.EOF
	}
	if errors.Is(l.done, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("after line %d: the compressed log is cut off: %w", l.lines.line, l.done)
	}
	return nil, fmt.Errorf("after line %d: reading the log: %w", l.lines.line, l.done)
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
