package detect

// pending is a sequence that has begun and waits for its next event. It keeps
// its matched events retained.
type pending struct {
	// key is the encoded join key, as of keyReader.
	key string
	// stage is the stage that was matched last.
	stage int
	// start is the time of the first event in nanoseconds.
	start int64
	// last is the place of the event that was matched last.
	last order
	// events are the matched events in stage order.
	events []Event
	// older and newer chain all pending sequences of a rule by their start;
	// older chains the unused ones.
	older, newer *pending
}

// release lets go of the matched events.
func (p *pending) release() {
	for i, ev := range p.events {
		ev.Release()
		p.events[i] = nil
	}
	p.events = p.events[:0]
}

// pendingList is a rule's pending sequences in the order in which they began,
// and the memory of former ones for reuse.
type pendingList struct {
	oldest, newest *pending
	unused         *pending
	length         int
}

// take returns an empty pending sequence that is not in the list yet.
func (l *pendingList) take(stages int) *pending {
	p := l.unused
	if p == nil {
		const usual = 4 // more grow as they match
		return &pending{events: make([]Event, 0, min(stages, usual))}
	}
	l.unused = p.older
	p.older = nil
	return p
}

// give returns the memory of a pending sequence that is not in the list.
func (l *pendingList) give(p *pending) {
	p.release()
	p.key = ""
	p.older = l.unused
	l.unused = p
}

// append adds a pending sequence as the newest.
func (l *pendingList) append(p *pending) {
	p.older, p.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = p
	} else {
		l.oldest = p
	}
	l.newest = p
	l.length++
}

// remove takes a pending sequence out of the list.
func (l *pendingList) remove(p *pending) {
	if p.older != nil {
		p.older.newer = p.newer
	} else {
		l.oldest = p.newer
	}
	if p.newer != nil {
		p.newer.older = p.older
	} else {
		l.newest = p.older
	}
	p.older, p.newer = nil, nil
	l.length--
}
