package output

import (
	"context"
	"sync"
	"sync/atomic"
)

// Document is one alert or event on its way out.
type Document struct {
	// JSON is the document on one line, without a line ending. Nobody may
	// change it once it was handed to a queue.
	JSON []byte
	// Text is the same for a person, with a line ending, already safe to show
	// on a terminal. It is empty where no output asked for it.
	Text []byte
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

// Stats count what a queue has done.
type Stats struct {
	// Written counts delivered documents.
	Written uint64
	// Dropped counts documents given up because the queue was full.
	Dropped uint64
	// Failed counts documents that the writer could not deliver at all.
	Failed uint64
	// Waiting is how many documents wait now, the one that is being written
	// included.
	Waiting uint64
}

// Queue feeds one writer from a bounded queue on a goroutine of its own.
type Queue struct {
	writer    Writer
	documents chan Document
	done      chan struct{}
	stop      context.CancelFunc
	closing   sync.Once
	report    func(error)

	written, dropped, failed atomic.Uint64
	writing                  atomic.Bool
}

// NewQueue starts the goroutine, which ends with Close. At most capacity
// documents wait; report is called, from that goroutine, with every error of
// the writer.
func NewQueue(writer Writer, capacity int, report func(error)) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{
		writer: writer, documents: make(chan Document, capacity), done: make(chan struct{}),
		stop: cancel, report: report,
	}
	go q.run(ctx)
	return q
}

// Add hands over one document and never waits: a full queue drops it, counts
// it and says false.
func (q *Queue) Add(document Document) bool {
	select {
	case q.documents <- document:
		return true
	default:
		q.dropped.Add(1)
		return false
	}
}

func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	for document := range q.documents {
		q.writing.Store(true)
		err := q.writer.Write(ctx, document)
		q.writing.Store(false)
		if err != nil {
			q.failed.Add(1)
			q.report(err)
			continue
		}
		q.written.Add(1)
	}
}

// Close delivers what waits, until ctx ends, and closes the writer. Nothing may
// be added after it was called.
func (q *Queue) Close(ctx context.Context) error {
	q.closing.Do(func() { close(q.documents) })
	select {
	case <-q.done:
	case <-ctx.Done():
		q.stop()
		<-q.done
	}
	q.stop()
	return q.writer.Close()
}

// Name is the writer's name.
func (q *Queue) Name() string { return q.writer.Name() }

// Stats are the counters so far.
func (q *Queue) Stats() Stats {
	stats := Stats{Written: q.written.Load(), Dropped: q.dropped.Load(), Failed: q.failed.Load(), Waiting: uint64(len(q.documents))}
	if q.writing.Load() {
		stats.Waiting++
	}
	return stats
}
