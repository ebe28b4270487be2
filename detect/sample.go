package detect

import (
	"cmp"
	"context"
	"slices"
)

// A sample keeps, for each key, the first events of each stage, as many as it
// has stages: one of them is free for the stage whatever the others take. At
// the end of the input it chooses a different event for each stage.

// member says for which stage an event of a sample was kept, and tells events
// apart.
type member struct {
	stage   int
	arrival uint64
}

// maxSampleStages is the number of stages of the longest sample.
const maxSampleStages = 50

// processSample keeps the current event for the stages that it matches.
func (e *Engine) processSample(r *ruleState) {
	stages := r.compiled.stages
	for i := range stages {
		if !e.beginKeys(r, i) {
			continue
		}
		for n := 0; ; n++ {
			key, ok := e.nextKey(r, n)
			if !ok {
				break
			}
			e.keepMember(r, i, key)
		}
	}
}

func (e *Engine) keepMember(r *ruleState, stage int, key []byte) {
	p := r.waiting[0][string(key)]
	if p == nil {
		e.makeRoom(r)
		p = e.take(r, 0, key)
		p.start = e.now.time
		r.file(p)
		r.list.append(p)
		e.pending++
		r.counters.Started++
	} else {
		kept := 0
		for _, one := range p.members {
			if one.stage == stage {
				kept++
			}
		}
		if kept >= len(r.compiled.stages) {
			return
		}
		e.makeRoomForEvent(r)
		if r.waiting[0][string(key)] != p {
			return // it was the oldest itself
		}
	}
	p.members = append(p.members, member{stage: stage, arrival: e.now.arrival})
	e.keep(r, p)
}

// finishSample reports the samples of a rule in the order of their keys.
func (e *Engine) finishSample(ctx context.Context, r *ruleState) {
	var all []*pending
	for p := r.list.oldest; p != nil; p = p.newer {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *pending) int {
		return slices.CompareFunc(appendKeyValues(nil, a.key), appendKeyValues(nil, b.key), compareKeyValues)
	})
	for _, p := range all {
		if ctx.Err() != nil {
			return
		}
		if r.waiting[0][p.key] != p {
			continue // it gave way to a result that a pipe keeps
		}
		if chosen := p.choose(len(r.compiled.stages)); chosen != nil {
			e.matched = append(e.matched[:0], chosen...)
			e.report(r, p.key)
		}
		e.drop(r, p)
	}
}

// compareKeyValues orders the values of keys: null first, then by kind where
// the values of two kinds have no order.
func compareKeyValues(a, b Value) int {
	if sign, ok := compareScalars(a, b); ok {
		return sign
	}
	return cmp.Compare(a.kind, b.kind)
}

// choose returns a different event for each stage, for the first stages the
// earliest that leave one for the others; nil if there are none.
func (p *pending) choose(stages int) []Event {
	c := &chooser{candidates: make([][]int, stages), arrivals: make(map[uint64]int), taken: make(map[int]int)}
	for i, one := range p.members {
		if _, ok := c.arrivals[one.arrival]; !ok {
			c.arrivals[one.arrival] = i
		}
		c.candidates[one.stage] = append(c.candidates[one.stage], c.arrivals[one.arrival])
	}
	for stage := range stages {
		if !c.place(stage, make(map[int]bool)) {
			return nil
		}
	}
	events := make([]Event, stages)
	for stage := range stages {
		events[stage] = p.events[c.settle(stage)]
	}
	return events
}

// chooser matches stages with events, each named by the index of its first
// member.
type chooser struct {
	candidates [][]int
	arrivals   map[uint64]int
	// taken has the stage of each event that is taken.
	taken map[int]int
	// settled is how many stages, from the first on, keep their event.
	settled int
}

// place finds an event for a stage, if need be by moving other stages that are
// not settled to another of theirs.
func (c *chooser) place(stage int, tried map[int]bool) bool {
	for _, candidate := range c.candidates[stage] {
		if tried[candidate] {
			continue
		}
		tried[candidate] = true
		holder, taken := c.taken[candidate]
		if !taken || holder >= c.settled && c.place(holder, tried) {
			c.taken[candidate] = stage
			return true
		}
	}
	return false
}

// settle gives a stage, for which all before it are settled, the earliest event
// that leaves one for each stage after it.
func (c *chooser) settle(stage int) int {
	own := -1
	for candidate, holder := range c.taken {
		if holder == stage {
			own = candidate
		}
	}
	c.settled = stage + 1
	for _, candidate := range c.candidates[stage] {
		if candidate == own {
			break
		}
		holder, taken := c.taken[candidate]
		if taken && holder < stage {
			continue
		}
		delete(c.taken, own)
		c.taken[candidate] = stage
		if !taken || c.place(holder, map[int]bool{candidate: true}) {
			return candidate
		}
		c.taken[candidate], c.taken[own] = holder, stage
	}
	return own
}
