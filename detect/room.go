package detect

// makeRoom evicts what is oldest until one more pending sequence, with one
// event, fits the limits.
func (e *Engine) makeRoom(r *ruleState) {
	if r.size() >= e.limits.PendingPerRule {
		e.evict(r)
	}
	if e.pending >= e.limits.PendingTotal {
		e.evict(e.largest(r, (*ruleState).size))
	}
	e.makeRoomForEvent(r)
}

// makeRoomForEvent evicts what is oldest until one more retained event fits the
// limits.
func (e *Engine) makeRoomForEvent(r *ruleState) {
	for r.retained >= e.limits.EventsPerRule && e.evict(r) {
	}
	for e.retained >= e.limits.EventsTotal && e.evict(e.largest(r, (*ruleState).events)) {
	}
}

// size is how many pending sequences a rule has, those held back included.
func (r *ruleState) size() int { return r.list.length + r.held.length }

// events is how many events a rule keeps.
func (r *ruleState) events() int { return r.retained }

// largest returns the rule that has most of something, r itself if no other
// has more.
func (e *Engine) largest(r *ruleState, size func(*ruleState) int) *ruleState {
	most := r
	for _, other := range e.rules {
		if size(other) > size(most) {
			most = other
		}
	}
	return most
}

// evict drops what a rule keeps longest: a pending sequence, one that is held
// back, or else a result that waits in a pipe. It returns false if there is
// none.
func (e *Engine) evict(r *ruleState) bool {
	oldest, held := r.list.oldest, r.held.oldest
	switch {
	case oldest != nil && (held == nil || oldest.start <= held.start):
		e.drop(r, oldest)
	case held != nil:
		e.unhold(r, held)
	default:
		if !e.dropResult(r) {
			return false
		}
	}
	r.counters.Evicted++
	return true
}

// drop takes a pending sequence away and releases its events.
func (e *Engine) drop(r *ruleState, p *pending) {
	r.unfile(p)
	r.list.remove(p)
	e.pending--
	e.discard(r, p)
}

// discard releases the events of a pending sequence that is in no list.
func (e *Engine) discard(r *ruleState, p *pending) {
	e.releaseEvents(r, p)
	r.list.give(p)
}
