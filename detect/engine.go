package detect

import (
	"context"
	"math"
	"time"
)

// Match is a rule that matched. It is valid until the callback that received
// it returns; who keeps an event longer retains it.
type Match struct {
	Rule *Rule
	// Events are the matched events in stage order; one for an event query. A
	// negative stage has nil, as it stands for no event.
	Events []Event
	// JoinKeys are the values that the events of a sequence or sample share; a
	// missing optional key is the zero Value. An event query has none.
	JoinKeys []Value
}

// Engine matches a stream of events against rules. Events are expected in the
// order of their time; those that come late are put in order as far as
// Limits.Tolerance says. One that comes later still is matched as far as the
// order of its own sequence allows, and a clock that jumps costs no more than
// the sequences that were pending. One goroutine uses an engine at a time.
type Engine struct {
	rules   []*ruleState
	index   *index
	limits  Limits
	onMatch func(Match)

	events uint64
	// swept is the time of the last sweep over all rules, in nanoseconds.
	swept int64
	// pending is the number of pending sequences of all rules, and retained
	// that of the events that they keep, each counted as often as it is kept.
	pending  int
	retained int
	reorder  reorder
	// late is how many events came later than is tolerated.
	late uint64

	// current is the event in work, category its category, and now its place
	// in the stream.
	current  Event
	category Value
	now      order
	// met are the rules that it meets. verdict is what is known of events like it, nil
	// where nothing is.
	met      []*ruleState
	verdict  *verdict
	verdicts []verdict
	recent   recentlyFound
	keys     keyReader
	matched  []Event
	values   []Value
}

// ruleState is a rule and its pending sequences.
type ruleState struct {
	compiled *Compiled
	// first is the number of the rule's first stage among those of all rules.
	first int
	// waiting has for each stage but the last the sequences that matched it
	// last, by their encoded join key.
	waiting []map[string]*pending
	list    pendingList
	// held has the sequences that wait for the end of their span alone;
	// heldByKey has the newest of them for each key.
	held      pendingList
	heldByKey map[string]*pending
	pipes     []pipeState
	// done says that the rule's pipes let no more results through.
	done bool
	// retained is how many events the rule keeps.
	retained int
	counters Counters
	// seen is the arrival of the last event that the rule met.
	seen uint64
}

// sweepInterval is how much event time passes between two sweeps over the
// rules that got no events themselves.
const sweepInterval = int64(time.Second)

// NewEngine makes an engine for rules that were compiled for the same schema.
// It calls onMatch during Process, Advance and Finish, for each match of a rule
// in the order of its last event; onMatch must not call the engine.
func NewEngine(rules []*Compiled, limits Limits, onMatch func(Match)) *Engine {
	e := &Engine{limits: limits.withDefaults(), onMatch: onMatch}
	e.reorder.newest = math.MinInt64
	for _, compiled := range rules {
		e.rules = append(e.rules, newRuleState(compiled))
	}
	e.arrange()
	return e
}

// arrange makes what depends on which rules there are.
func (e *Engine) arrange() {
	e.index = newIndex(e.rules)
	e.verdicts = nil
	stages := 0
	for _, r := range e.rules {
		r.first = stages
		stages += len(r.compiled.stages) + 1 // until is one more
	}
}

func newRuleState(compiled *Compiled) *ruleState {
	r := &ruleState{compiled: compiled}
	switch {
	case compiled.sample:
		r.waiting = []map[string]*pending{make(map[string]*pending)}
	case compiled.sequence:
		r.waiting = make([]map[string]*pending, compiled.plan.last)
		for i := range r.waiting {
			r.waiting[i] = make(map[string]*pending)
		}
	}
	if len(compiled.plan.trailing) > 0 {
		r.heldByKey = make(map[string]*pending)
	}
	for _, one := range compiled.pipes {
		r.pipes = append(r.pipes, pipeState{pipe: one})
		r.done = r.done || !one.tail && one.count == 0
	}
	return r
}

// Process matches one event against the rules. The event must stay as it is
// until Process returns or, if the engine retained it, until it releases it.
func (e *Engine) Process(ev Event) {
	e.events++
	e.accept(ev, orderOf(ev, e.events))
}

// processInOrder lets the rules meet an event whose turn it is.
func (e *Engine) processInOrder(ev Event, place order) {
	e.keepSwept(place.time)
	e.current, e.now = ev, place
	e.processIndexed()
	e.current, e.category, e.verdict = nil, Value{}, nil
}

// keepSwept sweeps over all rules if the last time is long ago.
func (e *Engine) keepSwept(now int64) {
	switch {
	case now < e.swept: // the clock was set back, or the event is late
		e.swept = now
	case uint64(now-e.swept) >= uint64(sweepInterval):
		e.sweep(now)
	}
}

// process lets one rule meet the current event, once.
func (e *Engine) process(r *ruleState) {
	if r.seen == e.now.arrival || r.done {
		return
	}
	r.seen = e.now.arrival
	switch {
	case r.compiled.sequence:
		e.processSequence(r)
	case r.compiled.sample:
		e.processSample(r)
	case e.matches(r, 0):
		e.matched = append(e.matched[:0], e.current)
		e.report(r, "")
	}
}

// report sends e.matched as the events of a match to the callback or, if the
// rule has pipes, into them.
func (e *Engine) report(r *ruleState, key string) {
	for i, event := range e.matched {
		if kept, ok := event.(Kept); ok {
			e.matched[i] = kept.Whole()
		}
	}
	e.pass(r, 0, key)
	clear(e.matched)
}

// Advance tells the engine that the stream has reached a time, in nanoseconds
// since the Unix epoch, so that sequences beyond their maxspan are freed, and
// those that waited for its end are reported, although no event comes. Events
// that are still to come should not be older, or by no more than
// Limits.Tolerance.
func (e *Engine) Advance(now int64) {
	e.reorder.newest = max(e.reorder.newest, now)
	e.processReady()
	e.sweep(now - e.limits.Tolerance)
}

// sweep frees and reports what a time decides, for all rules.
func (e *Engine) sweep(now int64) {
	e.swept = now
	for _, r := range e.rules {
		e.release(r, now)
		e.expire(r, now)
	}
}

// Done reports whether no rule can match any more, because each has a pipe that
// lets no more results through.
func (e *Engine) Done() bool {
	for _, r := range e.rules {
		if !r.done {
			return false
		}
	}
	return true
}

// Finish tells the engine that the stream has ended, and reports what waited
// for its end: sequences that only a later event could have ruled out, samples,
// and the results that a pipe held back. After it the engine takes no events;
// Close still has to be called. A stream that is cut off and not at its end is
// closed without it.
func (e *Engine) Finish() { _ = e.FinishContext(context.Background()) } // which never ends

// FinishContext is Finish, but gives up soon after the context ends and returns
// its error.
func (e *Engine) FinishContext(ctx context.Context) error {
	for len(e.reorder.waiting) > 0 && ctx.Err() == nil {
		e.processFirst()
	}
	for _, r := range e.rules {
		e.releaseAll(ctx, r)
		if r.compiled.sample {
			e.finishSample(ctx, r)
		}
		e.flush(ctx, r)
	}
	return ctx.Err()
}

// Close releases all events that the engine retained.
func (e *Engine) Close() {
	for _, one := range e.reorder.waiting {
		one.event.Release()
	}
	e.reorder.waiting = nil
	for _, r := range e.rules {
		e.forget(r)
	}
}

// Pending is how many sequences wait for their next event now.
func (e *Engine) Pending() int { return e.pending }

// Stats returns the counters so far.
func (e *Engine) Stats() Stats {
	stats := Stats{Events: e.events, Late: e.late, Rules: make([]RuleStats, 0, len(e.rules))}
	for _, r := range e.rules {
		one := RuleStats{Rule: r.compiled.rule, Counters: r.counters}
		one.Pending = r.size()
		stats.Rules = append(stats.Rules, one)
		stats.add(one.Counters)
	}
	return stats
}
