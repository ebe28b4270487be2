package detect_test

import "slices"

// process lets an event fill stages, from the last to the first, and then end
// sequences if it is an until event.
func (r *reference) process(ev *referenceEvent) {
	for stage := len(r.stages) - 1; stage >= 0; stage-- {
		if r.stages[stage].negative {
			continue
		}
		for _, key := range r.keysOf(r.stages[stage], ev) {
			r.fill(stage, key, ev)
		}
	}
	if r.until == nil {
		return
	}
	for _, key := range r.keysOf(r.until, ev) {
		r.partial = slices.DeleteFunc(r.partial, func(p *referencePartial) bool { return p.key == key })
	}
}

// positive is the nearest positive stage from a stage on, in steps of 1 or -1;
// -1 if there is none.
func (r *reference) positive(stage, step int) int {
	for ; stage >= 0 && stage < len(r.stages); stage += step {
		if !r.stages[stage].negative {
			return stage
		}
	}
	return -1
}

func (r *reference) fill(stage int, key string, ev *referenceEvent) {
	previous, next := r.positive(stage-1, -1), r.positive(stage+1, 1)
	filled := &referencePartial{stage: stage, key: key, events: []*referenceEvent{ev}}
	if previous >= 0 {
		p := r.take(previous, key)
		if p == nil || r.maxSpan > 0 && ev.milliseconds()-p.events[0].milliseconds() > r.maxSpan {
			return
		}
		filled.events = append(slices.Clone(p.events), ev)
	}
	switch {
	case next >= 0:
		r.take(stage, key) // a newer one overwrites it
		r.partial = append(r.partial, filled)
	case r.holds(filled):
		r.matches = append(r.matches, r.match(filled))
	}
}

// take takes away the partial sequence of a stage and key; nil if there is none.
func (r *reference) take(stage int, key string) *referencePartial {
	for i, p := range r.partial {
		if p.stage == stage && p.key == key {
			r.partial = slices.Delete(r.partial, i, i+1)
			return p
		}
	}
	return nil
}

// present returns the times, in milliseconds, of the events of a negative stage
// between two times, both excluded.
func (r *reference) present(stage int, key string, after, before int64) []int64 {
	var times []int64
	for _, ev := range r.events {
		if time := ev.milliseconds(); time > after && time < before && slices.Contains(r.keysOf(r.stages[stage], ev), key) {
			times = append(times, time)
		}
	}
	return times
}

// holds reports whether the negative stages allow a complete sequence.
func (r *reference) holds(p *referencePartial) bool {
	const never, always = int64(-1) << 50, int64(1) << 50
	start, end := p.events[0].milliseconds(), p.events[len(p.events)-1].milliseconds()
	var leading, trailing []int64
	next := 0
	for i, stage := range r.stages {
		switch {
		case !stage.negative:
			next++
		case next == 0:
			leading = append(leading, r.present(i, p.key, never, start)...)
		case next == len(p.events):
			trailing = append(trailing, r.present(i, p.key, end, always)...)
		case len(r.present(i, p.key, p.events[next-1].milliseconds(), p.events[next].milliseconds())) > 0:
			return false
		}
	}
	first, last := r.stages[0].negative, r.stages[len(r.stages)-1].negative
	switch {
	case first && last:
		return len(leading) == 0 || len(trailing) == 0 || slices.Min(trailing)-slices.Max(leading) > r.maxSpan
	case first:
		return len(leading) == 0 || end-slices.Max(leading) > r.maxSpan
	case last:
		return len(trailing) == 0 || slices.Min(trailing)-start > r.maxSpan
	}
	return true
}

func (r *reference) match(p *referencePartial) referenceMatch {
	match := referenceMatch{key: p.key}
	next := 0
	for _, stage := range r.stages {
		if stage.negative {
			match.events = append(match.events, nil)
			continue
		}
		match.events = append(match.events, p.events[next])
		next++
	}
	return match
}
