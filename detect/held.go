package detect

import "context"

// Sequences that only an event of a trailing negative stage can still rule out
// are held back until the span is over. They are released in the order of
// their last events.

// hold adds a sequence, which is in no list, to those held back.
func (e *Engine) hold(r *ruleState, p *pending) {
	p.absence.held = true
	r.held.append(p)
	e.pending++
	if former := r.heldByKey[p.key]; former != nil {
		former.sameAfter, p.sameBefore = p, former
	}
	r.heldByKey[p.key] = p
}

// unhold takes a sequence away from those held back and releases its events.
func (e *Engine) unhold(r *ruleState, p *pending) {
	e.detachHeld(r, p)
	e.discard(r, p)
}

func (e *Engine) detachHeld(r *ruleState, p *pending) {
	r.held.remove(p)
	e.pending--
	switch {
	case p.sameAfter != nil:
		p.sameAfter.sameBefore = p.sameBefore
	case p.sameBefore != nil:
		r.heldByKey[p.key] = p.sameBefore
	default:
		delete(r.heldByKey, p.key)
	}
	if p.sameBefore != nil {
		p.sameBefore.sameAfter = p.sameAfter
	}
	p.sameBefore, p.sameAfter = nil, nil
}

// ruleOut decides about the sequences of a key that the current event, which
// matches a trailing negative stage, comes after.
func (e *Engine) ruleOut(r *ruleState, key []byte) {
	now := milliseconds(e.now.time)
	for p := r.heldByKey[string(key)]; p != nil; {
		before := p.sameBefore
		switch {
		case p.absence.sure || milliseconds(p.last.time) >= now:
		case now-p.absence.origin > r.compiled.maxSpan:
			p.absence.sure = true
		default:
			r.counters.RuledOut++
			e.unhold(r, p)
		}
		p = before
	}
}

// release reports the sequences that were held back and whose span is over at a
// time. If one began so far ahead of it that the clock must have been set back,
// its span is not waited for.
func (e *Engine) release(r *ruleState, now int64) {
	for p := r.held.oldest; p != nil; p = r.held.oldest {
		if !p.absence.sure && milliseconds(now)-p.absence.origin <= r.compiled.maxSpan && !r.isAhead(p, now) {
			return
		}
		e.releaseOne(r, p)
	}
}

// releaseAll reports all sequences that are held back, as no more event comes.
func (e *Engine) releaseAll(ctx context.Context, r *ruleState) {
	for p := r.held.oldest; p != nil && ctx.Err() == nil; p = r.held.oldest {
		e.releaseOne(r, p)
	}
}

func (e *Engine) releaseOne(r *ruleState, p *pending) {
	e.detachHeld(r, p)
	e.reportPending(r, p)
}
