package normalize

// waiting is an event's place among those that wait for records or for their turn.
type waiting struct {
	node     *node
	time     int64 // milliseconds
	sequence uint64

	// chain links those of one bucket of the table, previous and next those of a
	// queue.
	chain, previous, next *waiting
	place, due            int64

	// event has the records; while it is nil they are the run of that number in
	// block.
	event *Event
	block *LogBlock
	run   int32
	// ended says that the event's end was there, early see closedEvents.has.
	ended, early bool
}

// is says that the event is that of a node, time and sequence number.
func (w *waiting) is(host *node, time int64, sequence uint64) bool {
	return w.sequence == sequence && w.time == time && w.node == host
}

// table finds pending events by node, time and sequence number. Its chains run
// through the events, so that it never allocates.
type table struct {
	buckets []*waiting
	count   int
}

func newTable(capacity int) table {
	size := 16
	for size < capacity && size < 1<<20 {
		size *= 2
	}
	return table{buckets: make([]*waiting, size)}
}

// bucket is where the events of a sequence number and a time are.
func (t *table) bucket(time int64, sequence uint64) **waiting {
	return &t.buckets[mix(time, sequence)&uint64(len(t.buckets)-1)]
}

// mix spreads what differs between events over all bits.
func mix(time int64, sequence uint64) uint64 {
	h := (sequence ^ uint64(time)<<20) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

func (t *table) find(host *node, time int64, sequence uint64) *waiting {
	for event := *t.bucket(time, sequence); event != nil; event = event.chain {
		if event.is(host, time, sequence) {
			return event
		}
	}
	return nil
}

func (t *table) add(event *waiting) {
	bucket := t.bucket(event.time, event.sequence)
	event.chain, *bucket = *bucket, event
	t.count++
}

func (t *table) remove(event *waiting) {
	for link := t.bucket(event.time, event.sequence); *link != nil; link = &(*link).chain {
		if *link == event {
			*link, event.chain = event.chain, nil
			t.count--
			return
		}
	}
}

// fifo holds pending events in the order in which they began.
type fifo struct {
	head, tail *waiting
}

func (f *fifo) push(event *waiting) {
	event.previous = f.tail
	if f.tail == nil {
		f.head = event
	} else {
		f.tail.next = event
	}
	f.tail = event
}

func (f *fifo) remove(event *waiting) {
	if event.previous == nil {
		f.head = event.next
	} else {
		event.previous.next = event.next
	}
	if event.next == nil {
		f.tail = event.previous
	} else {
		event.next.previous = event.previous
	}
	event.previous, event.next = nil, nil
}

// closedEvents remembers the events that were emitted last, so that records which
// come after them do not make them twice. Sequence numbers follow each other, so
// that a place for each of the last ones is found by the number itself.
type closedEvents struct {
	slots [4096]closedEvent
}

type closedEvent struct {
	node     *node
	time     int64
	sequence uint64
	early    bool
}

func (c *closedEvents) add(event *waiting) {
	*c.slot(event.node, event.sequence) = closedEvent{event.node, event.time, event.sequence, event.early}
}

// has says whether an event was emitted, and whether that was early: before records
// of it that may be left out, and need not be.
func (c *closedEvents) has(host *node, time int64, sequence uint64) (closed, early bool) {
	slot := c.slot(host, sequence)
	return slot.node == host && slot.time == time && slot.sequence == sequence, slot.early
}

// slot keeps the numbers of different nodes, which often are near each other,
// apart.
func (c *closedEvents) slot(host *node, sequence uint64) *closedEvent {
	return &c.slots[(sequence+host.number*1021)%uint64(len(c.slots))]
}
