package output

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueueBytes bounds the memory of what waits in one queue.
	maxQueueBytes = 16 << 20
	// maxBatch is how many documents a BatchWriter is given at once.
	maxBatch = 256
	// abandonAfter is how long a writer may take to return once its context
	// ended. One that is stuck in the kernel never does.
	abandonAfter = 500 * time.Millisecond
)

// Stats count what a queue has done.
type Stats struct {
	// Accepted counts documents that were taken into the queue.
	Accepted uint64
	// Written counts delivered documents.
	Written uint64
	// Dropped counts documents given up because the queue was full.
	Dropped uint64
	// Failed counts documents that could not be delivered at all.
	Failed uint64
	// Retried counts attempts that failed and were made again.
	Retried uint64
	// Waiting is how many documents wait now, in memory and on disk, the one that
	// is being written included.
	Waiting uint64
	// Queued is how many of them are in the queue in memory, of at most Capacity.
	Queued, Capacity int
	// Lag is for how long the oldest of them has waited.
	Lag time.Duration
	// Writer is what the writer itself counts; zero where it does not.
	Writer Counters
}

// entry is a document in the queue and when it came, as time since the queue's
// start, so that a clock that is set changes nothing.
type entry struct {
	document Document
	added    time.Duration
}

// Queue feeds one writer from a bounded queue on a goroutine of its own.
type Queue struct {
	writer  Writer
	entries chan entry
	done    chan struct{}
	stop    context.CancelFunc
	closing sync.Once
	report  func(error)
	start   time.Time

	accepted, written, dropped, failed atomic.Uint64
	writing                            atomic.Uint64 // documents that are being written
	oldest                             atomic.Int64  // when the first of them was added
	bytes                              atomic.Int64
}

// NewQueue starts the goroutine, which ends with Close. At most capacity
// documents wait, and no more than 16 MiB of them; report is called, from that
// goroutine, with every error of the writer.
func NewQueue(writer Writer, capacity int, report func(error)) *Queue {
	ctx, cancel := context.WithCancel(context.Background())
	q := &Queue{
		writer: writer, entries: make(chan entry, capacity), done: make(chan struct{}),
		stop: cancel, report: report, start: time.Now(),
	}
	go q.run(ctx)
	return q
}

// Add hands over one document and never waits: a full queue drops it, counts
// it and says false.
func (q *Queue) Add(document Document) bool {
	size := document.size()
	if total := q.bytes.Add(size); total <= maxQueueBytes || total == size {
		select {
		case q.entries <- entry{document, time.Since(q.start)}:
			q.accepted.Add(1)
			return true
		default:
		}
	}
	q.bytes.Add(-size)
	q.dropped.Add(1)
	document.done()
	return false
}

func (d Document) size() int64 { return int64(len(d.JSON) + len(d.Text)) }

func (q *Queue) run(ctx context.Context) {
	defer close(q.done)
	batch := make([]Document, 0, maxBatch)
	for first := range q.entries {
		batch = append(batch[:0], first.document)
		for more := true; more && len(batch) < maxBatch; {
			select {
			case next, ok := <-q.entries:
				if more = ok; ok {
					batch = append(batch, next.document)
				}
			default:
				more = false
			}
		}
		q.oldest.Store(int64(first.added))
		q.writing.Store(uint64(len(batch)))
		q.write(ctx, batch)
		q.writing.Store(0)
		for i := range batch {
			q.bytes.Add(-batch[i].size())
			batch[i].done()
		}
		clear(batch)
	}
}

// write delivers a batch and counts. A writer that panics costs its batch and
// nothing else.
func (q *Queue) write(ctx context.Context, batch []Document) {
	counted := 0
	count := func(n int, err error, of int) {
		q.written.Add(uint64(n))
		counted += of
		if err != nil {
			q.failed.Add(uint64(of - n))
			q.report(err)
		}
	}
	defer func() {
		if reason := recover(); reason != nil {
			q.failed.Add(uint64(len(batch) - counted))
			q.report(fmt.Errorf("internal error in the output %s, please report it: %v\n%s", q.writer.Name(), reason, debug.Stack()))
		}
	}()
	if writer, ok := q.writer.(BatchWriter); ok {
		n, err := writer.WriteBatch(ctx, batch)
		count(n, err, len(batch))
		return
	}
	for i := range batch {
		if err := q.writer.Write(ctx, batch[i]); err != nil {
			count(0, err, 1)
			continue
		}
		count(1, nil, 1)
	}
}

// errAbandoned says that a writer is stuck for good.
var errAbandoned = errors.New("the output does not come back; what waits for it is lost")

// Close delivers what waits, until ctx ends, and closes the writer. Nothing may
// be added after it was called. A writer that does not return even though its
// context ended is left behind, and its documents count as failed.
func (q *Queue) Close(ctx context.Context) error {
	q.closing.Do(func() { close(q.entries) })
	defer q.stop()
	select {
	case <-q.done:
	case <-ctx.Done():
		q.stop()
		select {
		case <-q.done:
		case <-time.After(abandonAfter):
			q.failed.Add(uint64(len(q.entries)) + q.writing.Load())
			return fmt.Errorf("closing %s: %w", q.writer.Name(), errAbandoned)
		}
	}
	return q.writer.Close()
}

// Name is the writer's name.
func (q *Queue) Name() string { return q.writer.Name() }

// Reopen makes a writer with a file open it anew, see Reopener.
func (q *Queue) Reopen() {
	if file, ok := q.writer.(Reopener); ok {
		file.Reopen()
	}
}

// Stats are the counters so far.
func (q *Queue) Stats() Stats {
	stats := Stats{
		Accepted: q.accepted.Load(), Written: q.written.Load(), Dropped: q.dropped.Load(), Failed: q.failed.Load(),
		Waiting: uint64(len(q.entries)), Queued: len(q.entries), Capacity: cap(q.entries),
	}
	if writing := q.writing.Load(); writing > 0 {
		stats.Waiting += writing
		stats.Lag = time.Since(q.start) - time.Duration(q.oldest.Load())
	}
	if counted, ok := q.writer.(Counted); ok {
		stats.Writer = counted.Counters()
		stats.Retried = stats.Writer.Retried
		stats.Failed += stats.Writer.Rejected
		if stats.Writer.Deferred {
			stats.Written = stats.Writer.Delivered
			stats.Waiting += stats.Writer.Waiting
			stats.Lag = max(stats.Lag, stats.Writer.Lag)
		}
	}
	return stats
}
