package detect

import "container/heap"

// reorder holds events back for a stated time, so that they are processed in
// their order although they arrive out of it.
type reorder struct {
	waiting eventHeap
	// newest is the latest time that any event had, or that the stream reached.
	newest int64
	// passed is the place of the last event that was processed.
	passed order
}

// waitingEvent is a retained event and its place.
type waitingEvent struct {
	place order
	event Event
}

// eventHeap has the first event at its root.
type eventHeap []waitingEvent

// Len is the number of events.
func (h eventHeap) Len() int { return len(h) }

// Less reports whether an event comes before another.
func (h eventHeap) Less(i, j int) bool { return h[i].place.compare(h[j].place) < 0 }

// Swap exchanges two events.
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push adds an event at the end, for the package heap.
func (h *eventHeap) Push(one any) {
	if waiting, ok := one.(waitingEvent); ok {
		*h = append(*h, waiting)
	}
}

// Pop takes the last event, for the package heap.
func (h *eventHeap) Pop() any {
	last := (*h)[len(*h)-1]
	(*h)[len(*h)-1] = waitingEvent{}
	*h = (*h)[:len(*h)-1]
	return last
}

// HeldBack is how many events wait to be put in order, for which Advance has to
// be called although no event comes.
func (e *Engine) HeldBack() int { return len(e.reorder.waiting) }

// accept takes an event that arrived: into the buffer or, if it is later than
// is tolerated or nothing is, to the rules.
func (e *Engine) accept(ev Event, place order) {
	o := &e.reorder
	late := place.time < o.newest && o.newest-place.time > e.limits.Tolerance
	if e.limits.Tolerance > 0 && place.compare(o.passed) < 0 && o.passed.arrival > 0 {
		late = true
	}
	o.newest = max(o.newest, place.time)
	if late {
		e.late++
	}
	if late || e.limits.Tolerance == 0 {
		e.processInOrder(ev, place)
		return
	}
	if len(o.waiting) >= e.limits.Buffered {
		e.processFirst()
	}
	ev.Retain()
	heap.Push(&o.waiting, waitingEvent{place: place, event: ev})
	e.processReady()
}

// processReady processes the events before which no event can come any more.
func (e *Engine) processReady() {
	o := &e.reorder
	for len(o.waiting) > 0 && o.newest-o.waiting[0].place.time > e.limits.Tolerance {
		e.processFirst()
	}
}

// processFirst processes the first event of the buffer.
func (e *Engine) processFirst() {
	first, ok := heap.Pop(&e.reorder.waiting).(waitingEvent)
	if !ok {
		return
	}
	e.reorder.passed = first.place
	e.processInOrder(first.event, first.place)
	first.event.Release()
}
