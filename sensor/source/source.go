package source

import (
	"errors"
	"time"
)

// ErrInterrupted is what Receive returns after Interrupt.
var ErrInterrupted = errors.New("the source was interrupted")

// Message is one raw audit record.
type Message struct {
	// Type is the audit record type (linux/audit.h) of a netlink message, or 0
	// when Data is one line of an audit log, whose text names the type.
	Type uint16
	// Data is the record's text without a header or line ending. It is a view
	// into the source's buffer, valid until the next Receive.
	Data []byte
	// Line counts the lines of a log from 1; 0 for netlink messages.
	Line int64
	// Torn says that the line had no line ending at the end of its log: the log
	// was cut inside it, or is still being written.
	Torn bool
	// TooLong is the length in bytes of a log line that is longer than any
	// record; Data then holds only its beginning.
	TooLong int64
}

// Source hands out audit records in the order in which they arrived.
type Source interface {
	// Receive waits until there are messages, at most for the given time, and
	// returns them. No messages and no error means that the time is over.
	// The slice and its data are valid until the next call. At the end of a
	// recorded log the error is io.EOF, after Interrupt it is ErrInterrupted.
	// A wait below zero has no bound.
	Receive(wait time.Duration) ([]Message, error)
	// Interrupt makes the current and every later Receive return
	// ErrInterrupted. It may be called from any goroutine.
	Interrupt()
	// Stats are the counters so far. It may be called from any goroutine.
	Stats() Stats
	// Close frees the source and puts back what opening it changed.
	Close() error
}

// Stats count what a source has seen since it was opened.
type Stats struct {
	// Messages and Bytes count what was received.
	Messages, Bytes uint64
	// Overruns counts how often the kernel said that the receive buffer was
	// full (ENOBUFS); how many records were lost each time it does not say.
	Overruns uint64
	// Truncated counts messages longer than the receive buffer's slot.
	Truncated uint64
	// Foreign counts messages that did not come from the kernel; they are
	// dropped. The owner of the audit socket gets none.
	Foreign uint64
	// Failures counts receive calls that failed for a reason that passes.
	Failures uint64
}
