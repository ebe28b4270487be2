package detect

// processSequence lets the current event fill stages of a sequence, from the
// last stage to the first, so that it never fills two stages of one sequence,
// and then end sequences if it is an until event.
func (e *Engine) processSequence(r *ruleState) {
	e.expire(r, e.now.time)
	stages := r.compiled.stages
	for i := len(stages) - 1; i >= 0; i-- {
		if !e.beginKeys(r, &stages[i]) {
			continue
		}
		for n := 0; ; n++ {
			key, ok := e.nextKey(r, n)
			if !ok {
				break
			}
			if i == 0 {
				e.begin(r, key)
			} else {
				e.advance(r, i, key)
			}
		}
	}
	if until := r.compiled.until; until != nil && e.beginKeys(r, until) {
		e.end(r)
	}
}

// beginKeys reports whether the current event matches a stage and prepares its
// join keys.
func (e *Engine) beginKeys(r *ruleState, s *stage) bool {
	if !s.matches(e.current) {
		return false
	}
	if !e.keys.start(e.current, s.keys) {
		r.counters.KeysMissing++
		return false
	}
	return true
}

// nextKey returns the next join key of the current event; n is how many came
// before.
func (e *Engine) nextKey(r *ruleState, n int) ([]byte, bool) {
	key, ok := e.keys.next()
	if ok && n == e.limits.KeysPerEvent {
		r.counters.KeysDropped++
		return nil, false
	}
	return key, ok
}

// begin starts a sequence with the current event. A pending one of the same key
// gives way, unless the current event is late.
func (e *Engine) begin(r *ruleState, key []byte) {
	p := r.waiting[0][string(key)]
	if p != nil {
		if p.last.compare(e.now) > 0 && !r.isAhead(p, e.now.time) {
			return
		}
		r.counters.Overwritten++
		r.list.remove(p)
		p.release()
	} else {
		e.makeRoom(r)
		p = r.list.take(len(r.compiled.stages) - 1)
		p.key = string(key)
		p.stage = 0
		r.waiting[0][p.key] = p
		e.pending++
	}
	r.counters.Started++
	p.start = e.now.time
	e.keep(p)
	r.list.append(p)
}

// keep adds the current event to a sequence.
func (e *Engine) keep(p *pending) {
	e.current.Retain()
	p.events = append(p.events, e.current)
	p.last = e.now
}

// advance lets the current event fill a stage, other than the first, of the
// sequence that waits for it.
func (e *Engine) advance(r *ruleState, stage int, key []byte) {
	p := r.waiting[stage-1][string(key)]
	if p == nil || p.last.compare(e.now) >= 0 {
		return
	}
	if r.isTooOld(p, e.now.time) {
		r.counters.Expired++
		e.drop(r, p)
		return
	}
	if stage == len(r.compiled.stages)-1 {
		e.matched = append(append(e.matched[:0], p.events...), e.current)
		e.report(r, p.key)
		e.drop(r, p)
		return
	}
	delete(r.waiting[stage-1], p.key)
	if former := r.waiting[stage][p.key]; former != nil {
		r.counters.Overwritten++
		e.drop(r, former)
	}
	p.stage = stage
	r.waiting[stage][p.key] = p
	e.keep(p)
}

// end ends the sequences with the current event's keys that it does not
// precede.
func (e *Engine) end(r *ruleState) {
	for n := 0; ; n++ {
		key, ok := e.nextKey(r, n)
		if !ok {
			return
		}
		for _, waiting := range r.waiting {
			if p := waiting[string(key)]; p != nil && p.last.compare(e.now) <= 0 {
				r.counters.Ended++
				e.drop(r, p)
			}
		}
	}
}

// isTooOld reports whether an event at a time comes beyond the maxspan of a
// pending sequence.
func (r *ruleState) isTooOld(p *pending, time int64) bool {
	return r.compiled.maxSpan > 0 && milliseconds(time)-milliseconds(p.start) > r.compiled.maxSpan
}

// isAhead reports whether a pending sequence began further in the future than
// the maxspan: the clock was set back since.
func (r *ruleState) isAhead(p *pending, time int64) bool {
	return r.compiled.maxSpan > 0 && milliseconds(p.start)-milliseconds(time) > r.compiled.maxSpan
}

// expire frees the sequences that no event from a time on can complete.
func (e *Engine) expire(r *ruleState, now int64) {
	for p := r.list.oldest; p != nil && r.isTooOld(p, now); p = r.list.oldest {
		r.counters.Expired++
		e.drop(r, p)
	}
}

// makeRoom evicts pending sequences until one more fits the limits.
func (e *Engine) makeRoom(r *ruleState) {
	if r.list.length >= e.limits.PendingPerRule {
		e.evict(r)
	}
	if e.pending < e.limits.PendingTotal {
		return
	}
	most := r
	for _, other := range e.rules {
		if other.list.length > most.list.length {
			most = other
		}
	}
	e.evict(most)
}

// evict drops a rule's oldest pending sequence.
func (e *Engine) evict(r *ruleState) {
	r.counters.Evicted++
	e.drop(r, r.list.oldest)
}

// drop takes a pending sequence away and releases its events.
func (e *Engine) drop(r *ruleState, p *pending) {
	delete(r.waiting[p.stage], p.key)
	r.list.remove(p)
	r.list.give(p)
	e.pending--
}
