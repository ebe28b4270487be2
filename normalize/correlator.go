package normalize

import (
	"bytes"
	"sync/atomic"
	"time"
)

// Correlator joins audit records into events: those of the same node, time and
// sequence number, in whatever order and however mixed with others they arrive.
//
// An event is complete with its EOE record once it has what its system call must
// leave; with its only record where a program wrote that; and else when time
// shows that nothing more will come. A Correlator is used by one goroutine at a
// time; Stats may be called by any.
type Correlator struct {
	options   Options
	tolerance int64 // milliseconds
	counters  counters
	nodes     nodes
	table     table
	closed    closedEvents
	sockets   madeSockets
	passing   passingCalls
	reports   reports
	likeness  likenesses
	kept      keptEvents
	halves    atomic.Uint64 // see callReader
	recorded  *LogResolver  // the resolver of a log, nil where there is another
	abridged  Abridgement
	last      *waiting // the event of the latest record, which the next often has too
	free      []*Event
	places    []*waiting // unused ones
	blocks    int        // how many blocks have events that wait

	// order has the pending events of an ordered correlator, queue those of
	// another.
	order timeOrder
	queue fifo

	// clock is an ordered correlator's time, see node.align; else the latest time
	// given to Advance.
	clock   int64
	started bool
}

// Abridgement says which records are left out of a stream on purpose, because of
// their number.
type Abridgement uint8

const (
	// Unabridged is a stream with all records.
	Unabridged Abridgement = iota
	// WithoutEnds has no EOE records. An event then ends with its PROCTITLE record,
	// which the kernel writes right before.
	WithoutEnds
	// WithoutTitles has no PROCTITLE records either. An event then ends when it has
	// what follows its SYSCALL record for sure: nothing for a setsid and a socket, an
	// address for a connect, the counted PATH records for calls with paths. One of
	// which that is not known ends when Tolerance is over, and so do the events of its
	// process that follow meanwhile.
	WithoutTitles
)

// Abridge tells a correlator without Ordered what is left out of the records that
// are added from now on. Some of them may still come. Events that need nothing more
// are emitted.
func (c *Correlator) Abridge(to Abridgement) {
	if c.abridged = to; to == Unabridged {
		return
	}
	for w := c.queue.head; w != nil; {
		next := w.next
		event := w.event
		w.ended = w.ended || to == WithoutEnds && event.record(TypeProctitle) != nil
		if event.complete(to) && !c.overtakes(event) {
			w.early = true
			c.queue.remove(w)
			c.finish(w, false)
		}
		w = next
	}
}

// NewCorrelator makes a Correlator.
func NewCorrelator(options Options) *Correlator {
	options = options.withDefaults()
	recorded, _ := options.Resolver.(*LogResolver)
	return &Correlator{
		options:   options,
		recorded:  recorded,
		tolerance: max(1, int64(options.Tolerance/time.Millisecond)),
		table:     newTable(options.MaxPending),
	}
}

// Stats gives the counters.
func (c *Correlator) Stats() Stats {
	stats := c.counters.stats()
	stats.ForgottenSockets = c.sockets.evicted.Load()
	return stats
}

// Pending is the number of events that wait for records or for their turn.
func (c *Correlator) Pending() int { return c.table.count }

// Add takes the next record. What is kept of it is copied.
func (c *Correlator) Add(record Record) {
	c.counters.records.Add(1)
	c.counters.bytes.Add(uint64(len(record.Body) + len(record.Enriched)))
	c.add(&record)
}

// add takes a record that was counted.
func (c *Correlator) add(record *Record) {
	host := c.nodes.find(record.Node)
	w := c.find(host, record.Time, record.Sequence)
	if w == nil {
		if w = c.open(host, record.Time, record.Sequence, 1); w == nil {
			return
		}
	}
	c.last = w
	event := c.whole(w)
	c.append(w, record)
	if c.options.Ordered {
		c.drain()
		return
	}
	if event.complete(c.abridged) && !c.overtakes(event) {
		w.early = c.abridged != Unabridged
		c.queue.remove(w)
		c.finish(w, false)
	}
}

// lookBack is how many pending events are looked at for one of the same process.
// Where more wait, as in no stream that is abridged for long, an event waits for its
// end or its time.
const lookBack = 32

// overtakes says whether an event that is complete before its end would come before
// an earlier one of the same process: the order of a process's events is what rules
// are about.
func (c *Correlator) overtakes(event *Event) bool {
	if event.ended || event.previous == nil {
		return false
	}
	actor, _ := event.actor()
	earlier := event.previous
	for range lookBack {
		if earlier == nil {
			return false
		}
		if of, told := earlier.event.actor(); !told || of == actor {
			return true
		}
		earlier = earlier.previous
	}
	return earlier != nil
}

// find finds the pending event of a record, nil when there is none.
func (c *Correlator) find(host *node, millis int64, sequence uint64) *waiting {
	if last := c.last; last != nil && last.is(host, millis, sequence) {
		return last
	}
	return c.table.find(host, millis, sequence)
}

// open begins an event, of which so many records are there; nil where it was emitted
// before.
func (c *Correlator) open(host *node, millis int64, sequence uint64, records uint32) *waiting {
	if closed, early := c.closed.has(host, millis, sequence); closed {
		if !early {
			c.counters.late.Add(uint64(records))
		}
		return nil
	}
	if c.table.count >= c.options.MaxPending {
		c.evict()
	}
	w := c.place()
	w.node, w.time, w.sequence = host, millis, sequence
	c.table.add(w)
	if c.options.Ordered {
		c.align(w)
		c.order.push(w)
		return w
	}
	w.due = notDue
	for oldest := c.queue.head; oldest != nil && oldest.time+maxGap <= w.time; oldest = c.queue.head {
		c.queue.remove(oldest)
		c.finish(oldest, true)
	}
	c.queue.push(w)
	return w
}

// maxGap is how much newer a record must be, in milliseconds, to end an event
// that waits for records, even if nobody calls Advance.
const maxGap = 2000

// take takes an event from the pool.
func (c *Correlator) take() *Event {
	if n := len(c.free); n > 0 {
		event := c.free[n-1]
		c.free[n-1] = nil
		c.free = c.free[:n-1]
		return event
	}
	return &Event{owner: c, host: c.options.Host}
}

// takeOwn takes an event whose records will be copied.
func (c *Correlator) takeOwn() *Event {
	event := c.take()
	event.buffer, event.records = event.ownBuffer[:0], event.ownRecords[:0]
	return event
}

// place takes an unused place; one of an event's own where its records are copied as
// they come.
func (c *Correlator) place() *waiting {
	if !c.options.Ordered {
		event := c.takeOwn()
		event.event = event
		return &event.waiting
	}
	if n := len(c.places); n > 0 {
		w := c.places[n-1]
		c.places = c.places[:n-1]
		return w
	}
	return new(waiting)
}

// whole is the event of a place, with memory of its own.
func (c *Correlator) whole(w *waiting) *Event {
	if w.event != nil {
		return w.event
	}
	if w.block == nil {
		w.event = c.takeOwn()
		w.event.node, w.event.time, w.event.sequence = w.node, w.time, w.sequence
		return w.event
	}
	w.event = c.view(w)
	w.event.own()
	c.leave(w)
	return w.event
}

// append copies a record into its event.
func (c *Correlator) append(w *waiting, record *Record) {
	event := w.event
	if record.Type == TypeEOE {
		w.ended = true
		return
	}
	if event.has(record) {
		c.counters.duplicates.Add(1)
		return
	}
	room := c.options.MaxEventBytes - int(event.size)
	if len(event.records) >= c.options.MaxEventRecords || room <= 0 {
		c.counters.truncated.Add(1)
		return
	}
	if len(record.Body)+len(record.Enriched) <= room {
		event.add(record.Type, record.Body, record.Enriched, record.call)
	} else {
		c.counters.truncated.Add(1)
		body := record.Body[:min(len(record.Body), room)]
		event.add(record.Type, body, record.Enriched[:min(len(record.Enriched), room-len(body))], nil)
	}
	if record.Type.alone() || record.Type == TypeProctitle && c.abridged == WithoutEnds {
		w.ended = true
	}
}

// Advance tells a correlator without Ordered what time it is, in milliseconds of any
// clock that only goes forward: with one that is set back, events would be awaited
// until it has caught up. Events whose records have been awaited for the tolerance
// are emitted. An ordered correlator knows no time but the log's.
func (c *Correlator) Advance(nowMillis int64) {
	if c.options.Ordered {
		return
	}
	c.clock = nowMillis
	for w := c.queue.tail; w != nil && w.due == notDue; w = w.previous {
		w.due = nowMillis + c.tolerance
	}
	for w := c.queue.head; w != nil && w.due <= nowMillis; w = c.queue.head {
		c.queue.remove(w)
		c.finish(w, true)
	}
}

// notDue marks an event that Advance has not seen yet.
const notDue = int64(1<<63 - 1)

// Flush emits every pending event, in order, as at the end of the input.
func (c *Correlator) Flush() {
	for c.order.len() > 0 {
		c.finish(c.order.pop(), true)
	}
	for w := c.queue.head; w != nil; w = c.queue.head {
		c.queue.remove(w)
		c.finish(w, true)
	}
}

// evict completes the oldest event to make room.
func (c *Correlator) evict() {
	w := c.queue.head
	if c.options.Ordered {
		w = c.order.pop()
	} else {
		c.queue.remove(w)
	}
	if !w.ended {
		c.counters.evicted.Add(1)
	}
	c.finish(w, true)
}

// drain emits the events of an ordered correlator whose time has come.
func (c *Correlator) drain() {
	for c.order.len() > 0 && c.order.first().due <= c.clock {
		c.finish(c.order.pop(), true)
	}
}

// finish emits an event that is in no queue any more.
func (c *Correlator) finish(w *waiting, check bool) {
	c.table.remove(w)
	c.closed.add(w)
	if c.last == w {
		c.last = nil
	}
	known := c.callOf(w)
	if c.passes(w, known) || known == nil && c.passesReport(w) {
		c.vacate(w)
		return
	}
	event := w.event
	if event == nil {
		event = c.view(w)
	}
	if known != nil {
		event.incomplete = lacks(&w.block.runs[w.run], event.call, known)
	} else {
		event.incomplete = check && event.lacks()
	}
	if event.incomplete {
		c.counters.incomplete.Add(1)
	}
	event.references = 1
	switch {
	case len(event.records) == 0:
	case known != nil && c.recorded != nil:
		c.emitCall(w, event, known)
	default:
		c.emit(event)
	}
	if event.kept != nil {
		event.kept.answers = event.answers // some may have come later
	}
	event.Release()
	if c.options.Ordered {
		c.vacate(w)
	}
}

// vacate makes a place of its own free again.
func (c *Correlator) vacate(w *waiting) {
	c.leave(w)
	*w = waiting{}
	c.places = append(c.places, w)
}

// emit hands an event on. A log's processes are told apart by the events before
// them, so that each is looked at here, whether or not anybody asks.
func (c *Correlator) emit(event *Event) {
	if inferrer, ok := c.options.Resolver.(resetter); ok {
		if event.node.restarts(event.records[0].typ, event.time, event.sequence) {
			inferrer.Reset(event.node.name)
		}
		if resolver, recorded := inferrer.(*LogResolver); recorded {
			event.recognize(resolver)
		} else {
			event.identity()
		}
	}
	c.sockets.note(event)
	c.counters.events.Add(1)
	c.options.Emit(event)
}

// emitCall is emit for an event of a log whose call is known: what is done for every
// event needs no details of it.
func (c *Correlator) emitCall(w *waiting, event *Event, known *passingCall) {
	event.isOf(c.recognize(w, event.call, known))
	if known.call == callSocket {
		c.sockets.note(event)
	}
	c.liken(event, &w.block.runs[w.run], known)
	c.counters.events.Add(1)
	c.options.Emit(event)
}

// recycle puts an event that nobody holds back into the pool.
func (c *Correlator) recycle(event *Event) {
	event.reset()
	if len(c.free) < c.options.MaxPending {
		c.free = append(c.free, event)
	}
}

// has says that the event already holds the record.
func (e *Event) has(record *Record) bool {
	for i := range e.records {
		one := &e.records[i]
		if one.typ == record.Type && int(one.end-one.start) == len(record.Body) && bytes.Equal(e.body(one), record.Body) {
			return true
		}
	}
	return false
}
