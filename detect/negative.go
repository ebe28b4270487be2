package detect

// noteNegatives remembers the current event for the negative stages that it
// matches. Negative stages go by time alone, in milliseconds.
func (e *Engine) noteNegatives(r *ruleState) {
	stages := r.compiled.stages
	for i := range stages {
		if !stages[i].negative || !e.beginKeys(r, i) {
			continue
		}
		for n := 0; ; n++ {
			key, ok := e.nextKey(r, n)
			if !ok {
				break
			}
			if i > r.compiled.plan.last {
				e.ruleOut(r, key)
			} else {
				e.note(r, i, key)
			}
		}
	}
	e.release(r, e.now.time)
}

// note keeps the current event's time as that of the latest of a negative
// stage, and the time of the latest before it in another millisecond.
func (e *Engine) note(r *ruleState, stage int, key []byte) {
	p := r.waiting[stage][string(key)]
	now := milliseconds(e.now.time)
	switch {
	case p == nil:
		e.makeRoom(r)
		p = e.take(r, stage, key)
		r.file(p)
		e.pending++
	case now > milliseconds(p.start) || r.isAhead(p, e.now.time):
		p.absence.before, p.absence.hasBefore = milliseconds(p.start), now > milliseconds(p.start)
		r.list.remove(p)
	case now < milliseconds(p.start):
		if !p.absence.hasBefore || now > p.absence.before {
			p.absence.before, p.absence.hasBefore = now, true
		}
		return
	default:
		return
	}
	p.start, p.last = e.now.time, e.now
	r.list.append(p)
}

// latestBefore returns the time of the latest event of a negative stage and key
// before a time; false if there is none within the maxspan.
func (r *ruleState) latestBefore(stage int, key string, time int64) (int64, bool) {
	p := r.waiting[stage][key]
	switch {
	case p == nil:
		return 0, false
	case milliseconds(p.start) < time:
		return milliseconds(p.start), true
	default:
		return p.absence.before, p.absence.hasBefore && p.absence.before < time
	}
}

// leadingAbsence says what a sequence that starts at a time must know of the
// leading negative stages.
func (r *ruleState) leadingAbsence(key []byte, start int64) absence {
	var known absence
	for _, stage := range r.compiled.plan.leading {
		if time, ok := r.latestBefore(stage, string(key), start); ok && (!known.hasBefore || time > known.before) {
			known.before, known.hasBefore = time, true
		}
	}
	return known
}

// spoil marks a sequence if an event of a negative stage lies strictly between
// its last event and a time at which a stage is filled.
func (r *ruleState) spoil(p *pending, stage int, now int64) {
	for _, negative := range r.compiled.plan.between[stage] {
		time, ok := r.latestBefore(negative, p.key, milliseconds(now))
		if ok && time > milliseconds(p.last.time) {
			p.absence.spoiled = true
		}
	}
}

// beginAndComplete starts a sequence that has one positive stage.
func (e *Engine) beginAndComplete(r *ruleState, key []byte) {
	e.makeRoom(r)
	p := e.take(r, r.compiled.plan.first, key)
	p.start = e.now.time
	p.absence = r.leadingAbsence(key, milliseconds(e.now.time))
	r.counters.Started++
	e.judge(r, p)
}

// judge decides about a sequence of which only trailing negative stages may be
// open; it is in no list, and the current event is its last.
//
// An event of a leading stage rules the sequence out if it is within the
// maxspan of the sequence's end. With leading and trailing stages both, one of
// each rules it out if they are within the maxspan of each other.
func (e *Engine) judge(r *ruleState, p *pending) {
	plan, known, end := &r.compiled.plan, &p.absence, milliseconds(e.now.time)
	within := known.hasBefore && end-known.before <= r.compiled.maxSpan
	switch {
	case known.spoiled || within && len(plan.trailing) == 0:
		r.counters.RuledOut++
		e.discard(r, p)
		return
	case len(plan.trailing) == 0:
		e.keep(r, p)
		e.reportPending(r, p)
		return
	case len(plan.leading) > 0:
		known.sure = !within
		known.origin = known.before
	default:
		known.origin = milliseconds(p.start)
	}
	e.makeRoomForEvent(r)
	e.keep(r, p)
	e.hold(r, p)
	e.release(r, e.now.time)
}

// reportPending reports a sequence that is in no list, and frees it.
func (e *Engine) reportPending(r *ruleState, p *pending) {
	e.matched = e.matched[:0]
	next := 0
	for i := range r.compiled.stages {
		if r.compiled.stages[i].negative {
			e.matched = append(e.matched, nil)
			continue
		}
		e.matched = append(e.matched, p.events[next])
		next++
	}
	e.report(r, p.key)
	e.discard(r, p)
}
