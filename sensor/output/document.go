package output

import (
	"context"
	"time"
)

// Kind says what a document is.
type Kind uint8

// The kinds of documents.
const (
	// KindAlert is a match of a rule.
	KindAlert Kind = iota
	// KindHealth is an alert about the sensor itself.
	KindHealth
	// KindEvent is an event as the rules see it.
	KindEvent
	// KindEvidence is what was gathered for an alert, and follows it.
	KindEvidence
)

// String is the kind in one word, as it stands in messages of syslog.
func (k Kind) String() string {
	switch k {
	case KindAlert:
		return "alert"
	case KindHealth:
		return "health"
	case KindEvidence:
		return "evidence"
	case KindEvent:
		return "event"
	}
	return "unknown"
}

// Severity is how urgent a document is, in the numbers of RFC 5424, section
// 6.2.1: a smaller number is more urgent.
type Severity uint8

// The severities that documents have.
const (
	SeverityCritical Severity = 2
	SeverityError    Severity = 3
	SeverityWarning  Severity = 4
	SeverityNotice   Severity = 5
	SeverityInfo     Severity = 6
)

// RuleSeverity maps the severity of a detection rule: critical to critical,
// high to error, medium to warning, low to notice. What is not known is a
// warning.
func RuleSeverity(name string) Severity {
	switch name {
	case "critical":
		return SeverityCritical
	case "high":
		return SeverityError
	case "low":
		return SeverityNotice
	}
	return SeverityWarning
}

// Document is one alert or event on its way out.
type Document struct {
	// JSON is the document on one line, without a line ending. Nobody may
	// change it once it was handed to a queue.
	JSON []byte
	// Text is the same for a person, with a line ending, already safe to show
	// on a terminal. It is empty where no output asked for it.
	Text []byte
	// ID names the document for ever: the same alert has the same id wherever
	// and however often it is sent. Empty for documents without one.
	ID string
	// Kind says what the document is.
	Kind Kind
	// Severity is how urgent it is.
	Severity Severity
	// Time is when it was made.
	Time time.Time
	// Done, if set, is called once, from any goroutine, when a queue is done with the
	// document: delivered, given up or dropped. It may not wait.
	Done func()
}

// done says that a queue is done with the document.
func (d *Document) done() {
	if d.Done != nil {
		d.Done()
	}
}

// Writer is where documents go in the end. A Queue calls it from one goroutine.
type Writer interface {
	// Name says in messages which output this is.
	Name() string
	// Write delivers one document. It returns when the document is delivered or
	// when ctx ends; an error means that it was not delivered.
	Write(ctx context.Context, document Document) error
	// Close delivers what was held back and frees the output.
	Close() error
}

// BatchWriter is a Writer for which several documents at once are cheaper.
type BatchWriter interface {
	Writer
	// WriteBatch delivers documents in their order and returns how many of the
	// first were delivered, fewer than all only with an error. The slice is the
	// caller's again afterwards.
	WriteBatch(ctx context.Context, documents []Document) (int, error)
}

// Reopener is a Writer with a file that somebody else may have moved away.
type Reopener interface {
	// Reopen makes the next write go to a file of the configured name. It never
	// waits and may be called from any goroutine.
	Reopen()
}

// Counted is a Writer that counts more than its queue can.
type Counted interface {
	// Counters may be called from any goroutine.
	Counters() Counters
}

// Counters are what a writer itself knows of its deliveries.
type Counters struct {
	// Deferred says that Write only stores documents, durably, and that they are
	// delivered later: then Delivered, Waiting and Lag are of that delivery.
	Deferred bool
	// Delivered counts documents that the receiver has, also those that an
	// earlier run of the sensor stored.
	Delivered uint64
	// Waiting is how many documents are stored and not delivered.
	Waiting uint64
	// Bytes is the size of what is stored.
	Bytes int64
	// Lag is the age of the oldest document that is not delivered.
	Lag time.Duration
	// Retried counts attempts that failed and were made again.
	Retried uint64
	// Rejected counts documents that the receiver refuses for good, and stored
	// ones that can no longer be read.
	Rejected uint64
	// Reduced counts documents that were too large for the receiver and were
	// sent without some of their parts.
	Reduced uint64
	// Trouble says what keeps the output from delivering now; empty when nothing
	// does.
	Trouble string
}
