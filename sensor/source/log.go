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

// ReceiveInto is Receive, but reads into a buffer of the caller's, of LogBuffer
// bytes. The messages' data stays valid as long as the caller does not change the
// buffer, which is not to be done before the next call has another or the log has
// ended; the slice of messages is valid until the next call. Text is the part of the
// buffer that has the messages' whole lines.
func (l *Log) ReceiveInto(buffer []byte) (messages []Message, text []byte, err error) {
	l.lines.moveTo(buffer)
	messages, err = l.Receive(-1)
	return messages, l.lines.buffer[:l.lines.start], err
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
