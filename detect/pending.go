package detect

// pending is a sequence that has begun and waits for its next event, or for the
// end of its span; or the memory of a negative stage; or the events of a sample
// that share a key. It keeps its events retained.
type pending struct {
	// filed is the rule in whose waiting it is, nil while it is in none.
	filed *ruleState
	// key is the encoded join key, as of keyReader.
	key string
	// stage is the stage that was matched last, or the negative stage whose
	// memory it is.
	stage int
	// start is the time of the first event in nanoseconds or, in the memory of
	// a negative stage, of the latest.
	start int64
	// last is the place of the event that was matched last.
	last order
	// events are the matched events in the order of the positive stages; the first has
	// its place in memory.
	events []Event
	memory [1]Event
	// older and newer chain all pending sequences of a rule by their start, or
	// all that are held back by their last event; older chains the unused ones.
	older, newer *pending

	absence absence
	// members has the stage and the arrival of each event of a sample.
	members []member
	// sameBefore and sameAfter chain those of one key that are held back.
	sameBefore, sameAfter *pending
}

// absence is what a sequence knows of the events of negative stages. Times are
// in milliseconds.
type absence struct {
	// spoiled says that an event came between two that must have none between
	// them. The sequence goes on, but never matches.
	spoiled bool
	// before is the time of the latest event of a leading negative stage before
	// the start or, in the memory of a negative stage, of the latest event that
	// came before another millisecond than the last.
	before    int64
	hasBefore bool
	// held says that the sequence is complete but for its trailing stages, and
	// sure that no event can rule it out any more.
	held, sure bool
	// origin is the time from which the span of a held sequence counts.
	origin int64
}

// reset empties a pending sequence for reuse, but for its released events.
func (p *pending) reset() {
	p.key, p.stage, p.absence = "", 0, absence{}
	p.members = p.members[:0]
}

// pendingList is a rule's pending sequences in order, and the memory of former
// ones for reuse.
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
		p = new(pending)
		if p.events = p.memory[:0]; stages > len(p.memory) {
			p.events = make([]Event, 0, min(stages, usual))
		}
		return p
	}
	l.unused = p.older
	p.older = nil
	return p
}

// give returns the memory of a pending sequence that is not in the list and
// has no events.
func (l *pendingList) give(p *pending) {
	p.reset()
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
