package detect

// processSequence lets the current event fill stages of a sequence, from the
// last stage to the first, so that it never fills two stages of one sequence,
// and then end sequences if it is an until event.
func (e *Engine) processSequence(r *ruleState) {
	e.letPass(r)
	if r.compiled.negatives {
		e.noteNegatives(r)
	}
	stages := r.compiled.stages
	for i := r.compiled.plan.last; i >= 0; i-- {
		if stages[i].negative || !e.beginKeys(r, i) {
			continue
		}
		for n := 0; ; n++ {
			key, ok := e.nextKey(r, n)
			if !ok {
				break
			}
			if i == r.compiled.plan.first {
				e.begin(r, key)
			} else {
				e.advance(r, i, key)
			}
		}
	}
	if r.compiled.until != nil && e.beginKeys(r, len(stages)) {
		e.end(r)
	}
}

// letPass reports and frees what the current event's time decides.
func (e *Engine) letPass(r *ruleState) {
	if r.held.oldest != nil {
		e.release(r, e.now.time)
	}
	if r.list.oldest != nil {
		e.expire(r, e.now.time)
	}
}

// beginKeys reports whether the current event matches a stage and prepares its
// join keys.
func (e *Engine) beginKeys(r *ruleState, number int) bool {
	if !e.matches(r, number) {
		return false
	}
	if !e.keys.start(e.current, r.compiled.stage(number).keys) {
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
	first := r.compiled.plan.first
	if first == r.compiled.plan.last {
		e.beginAndComplete(r, key)
		return
	}
	p := e.find(r, first, key)
	if p != nil {
		if p.last.compare(e.now) > 0 && !r.isAhead(p, e.now.time) {
			return
		}
		r.counters.Overwritten++
		r.list.remove(p)
		e.releaseEvents(r, p)
	} else {
		e.makeRoom(r)
		p = e.take(r, first, key)
		r.file(p)
		e.pending++
	}
	r.counters.Started++
	p.start = e.now.time
	if r.compiled.negatives {
		p.absence = r.leadingAbsence(key, milliseconds(e.now.time))
	}
	e.keep(r, p)
	r.list.append(p)
}

// take returns an empty pending sequence of a stage and key, which is not in
// any list yet.
func (e *Engine) take(r *ruleState, stage int, key []byte) *pending {
	p := r.list.take(len(r.compiled.stages) - 1)
	p.key, p.stage = string(key), stage
	return p
}

// keep adds the current event to a sequence.
func (e *Engine) keep(r *ruleState, p *pending) {
	kept := e.current
	if keeper, ok := kept.(Keeper); ok {
		kept = keeper.Keep()
	} else {
		kept.Retain()
	}
	p.events = append(p.events, kept)
	p.last = e.now
	r.retained++
	e.retained++
}

// releaseEvents lets go of the events of a sequence.
func (e *Engine) releaseEvents(r *ruleState, p *pending) {
	for i, ev := range p.events {
		ev.Release()
		p.events[i] = nil
	}
	r.retained -= len(p.events)
	e.retained -= len(p.events)
	p.events = p.events[:0]
}

// advance lets the current event fill a stage, other than the first, of the
// sequence that waits for it.
func (e *Engine) advance(r *ruleState, stage int, key []byte) {
	plan := &r.compiled.plan
	waiting := r.waiting[plan.previous[stage]]
	p := waiting[string(key)]
	if p == nil || p.last.compare(e.now) >= 0 {
		return
	}
	if r.isTooOld(p, e.now.time) {
		r.counters.Expired++
		e.drop(r, p)
		return
	}
	r.spoil(p, stage, e.now.time)
	if stage == plan.last {
		e.complete(r, p)
		return
	}
	e.makeRoomForEvent(r)
	if waiting[p.key] != p {
		return // it was the oldest itself
	}
	r.unfile(p)
	if former := r.waiting[stage][p.key]; former != nil {
		r.counters.Overwritten++
		e.drop(r, former)
	}
	p.stage = stage
	r.file(p)
	e.keep(r, p)
}

// complete ends a pending sequence whose last positive stage the current event
// fills, as a match unless a negative stage speaks against it.
func (e *Engine) complete(r *ruleState, p *pending) {
	r.unfile(p)
	r.list.remove(p)
	e.pending--
	if r.compiled.negatives {
		e.judge(r, p)
		return
	}
	e.matched = append(append(e.matched[:0], p.events...), e.current)
	e.report(r, p.key)
	e.discard(r, p)
}

// end ends the sequences with the current event's keys that it does not
// precede.
func (e *Engine) end(r *ruleState) {
	for n := 0; ; n++ {
		key, ok := e.nextKey(r, n)
		if !ok {
			return
		}
		for stage, waiting := range r.waiting {
			if r.compiled.stages[stage].negative {
				continue
			}
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
		if !r.compiled.stages[p.stage].negative {
			r.counters.Expired++
		}
		e.drop(r, p)
	}
}
