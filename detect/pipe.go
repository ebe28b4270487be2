package detect

import (
	"context"
	"math"

	"tripline/detect/eql"
)

// pipe is a compiled pipe: head or tail of the results.
type pipe struct {
	tail  bool
	count int
}

// pipeState is a pipe of a rule in an engine.
type pipeState struct {
	pipe
	// passed is how many results a head has let through.
	passed int
	// results are what a tail keeps, the oldest first, from index start on.
	results []result
	start   int
}

// result is a match that waits for the end of the input.
type result struct {
	events []Event
	key    string
}

// pipes compiles the pipes of the query.
func (c *compiler) pipes() ([]pipe, error) {
	var pipes []pipe
	for _, source := range c.query.Pipes {
		if !c.finite {
			return nil, c.unsupported(source.Pos, "pipe "+source.Name)
		}
		count, ok := source.Arguments[0].(*eql.Literal)
		if !ok {
			return nil, c.query.ErrorAt(source.Pos, "", "pipe %s takes one whole number", source.Name)
		}
		pipes = append(pipes, pipe{tail: source.Name == "tail", count: int(min(count.Integer, math.MaxInt))})
	}
	return pipes, nil
}

// pass sends a match, whose events are e.matched, through a rule's pipes from
// one on and to the callback.
func (e *Engine) pass(r *ruleState, from int, key string) {
	for i := from; i < len(r.pipes); i++ {
		p := &r.pipes[i]
		if p.tail {
			e.keepResult(r, p, key)
			return
		}
		if p.passed >= p.count {
			return
		}
		p.passed++
		if p.passed == p.count && i == 0 {
			r.done = true
		}
	}
	r.counters.Matches++
	e.values = appendKeyValues(e.values[:0], key)
	e.onMatch(Match{Rule: r.compiled.rule, Events: e.matched, JoinKeys: e.values})
	clear(e.values)
}

// keepResult adds e.matched to what a tail keeps, in place of the oldest if it
// is full.
func (e *Engine) keepResult(r *ruleState, p *pipeState, key string) {
	if p.count == 0 {
		return
	}
	if len(p.results)-p.start >= p.count {
		e.dropFirst(r, p)
	}
	kept := result{events: make([]Event, len(e.matched)), key: key}
	copy(kept.events, e.matched)
	for _, ev := range kept.events {
		if ev != nil {
			e.makeRoomForEvent(r)
			ev.Retain()
			r.retained++
			e.retained++
		}
	}
	p.results = append(p.results, kept)
}

// dropFirst forgets the oldest result of a tail.
func (e *Engine) dropFirst(r *ruleState, p *pipeState) {
	e.releaseResult(r, p.results[p.start])
	p.results[p.start] = result{}
	p.start++
	if p.start > len(p.results)/2 {
		p.results = p.results[:copy(p.results, p.results[p.start:])]
		p.start = 0
	}
}

func (e *Engine) releaseResult(r *ruleState, kept result) {
	for _, ev := range kept.events {
		if ev != nil {
			ev.Release()
			r.retained--
			e.retained--
		}
	}
}

// dropResult drops the oldest result that waits in any pipe of a rule; false if
// there is none.
func (e *Engine) dropResult(r *ruleState) bool {
	for i := range r.pipes {
		if p := &r.pipes[i]; p.start < len(p.results) {
			e.dropFirst(r, p)
			return true
		}
	}
	return false
}

// flush sends what the tails of a rule keep on its way.
func (e *Engine) flush(ctx context.Context, r *ruleState) {
	for i := range r.pipes {
		p := &r.pipes[i]
		for p.start < len(p.results) {
			if ctx.Err() != nil {
				return
			}
			kept := p.results[p.start]
			p.results[p.start] = result{}
			p.start++
			e.matched = append(e.matched[:0], kept.events...)
			e.pass(r, i+1, kept.key)
			clear(e.matched)
			e.releaseResult(r, kept)
		}
		p.results, p.start = nil, 0
	}
}
