package normalize

import "container/heap"

// timeOrder holds pending events by their place in time. Nearly all come in order
// and wait in a queue; those that do not are in a heap.
type timeOrder struct {
	inOrder fifo
	others  eventHeap
	count   int
}

func (o *timeOrder) len() int { return o.count }

// first is the event whose place is the first; there is one.
func (o *timeOrder) first() *waiting {
	if o.takesOther() {
		return o.others[0]
	}
	return o.inOrder.head
}

func (o *timeOrder) push(event *waiting) {
	o.count++
	if last := o.inOrder.tail; last == nil || last.before(event) {
		o.inOrder.push(event)
		return
	}
	heap.Push(&o.others, event)
}

func (o *timeOrder) pop() *waiting {
	o.count--
	if o.takesOther() {
		return heap.Pop(&o.others).(*waiting)
	}
	first := o.inOrder.head
	o.inOrder.remove(first)
	return first
}

// takesOther says that the first event is in the heap.
func (o *timeOrder) takesOther() bool {
	return len(o.others) > 0 && (o.inOrder.head == nil || o.others[0].before(o.inOrder.head))
}

// before orders by time, sequence number and, so that the order of equals is the
// same on every run, node.
func (w *waiting) before(other *waiting) bool {
	if w.place != other.place {
		return w.place < other.place
	}
	if w.sequence != other.sequence {
		return w.sequence < other.sequence
	}
	return w.node.name < other.node.name
}

// eventHeap implements heap.Interface.
type eventHeap []*waiting

func (h eventHeap) Len() int           { return len(h) }
func (h eventHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h eventHeap) Less(i, j int) bool { return h[i].before(h[j]) }

// Push implements heap.Interface.
func (h *eventHeap) Push(event any) { *h = append(*h, event.(*waiting)) }

// Pop implements heap.Interface.
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	event := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return event
}
