package detect

import "time"

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
// order of their time; an event that comes late is matched as far as the order
// of its own sequence allows, and a clock that jumps costs no more than the
// sequences that were pending. One goroutine uses an engine at a time.
type Engine struct {
	rules   []*ruleState
	index   *index
	limits  Limits
	onMatch func(Match)

	events uint64
	// swept is the time of the last sweep over all rules, in nanoseconds.
	swept int64
	// pending is the number of pending sequences of all rules.
	pending int

	// current is the event in work and now its place in the stream.
	current Event
	now     order
	keys    keyReader
	matched []Event
	values  []Value
	// visit is the method value of process, made once.
	visit func(*ruleState)
}

// ruleState is a rule and its pending sequences.
type ruleState struct {
	compiled *Compiled
	// waiting has for each stage but the last the sequences that matched it
	// last, by their encoded join key.
	waiting  []map[string]*pending
	list     pendingList
	counters Counters
	// seen is the arrival of the last event that the rule met.
	seen uint64
}

// sweepInterval is how much event time passes between two sweeps over the
// rules that got no events themselves.
const sweepInterval = int64(time.Second)

// NewEngine makes an engine for rules that were compiled for the same schema.
// It calls onMatch during Process, for each match in the order of its last
// event; onMatch must not call the engine.
func NewEngine(rules []*Compiled, limits Limits, onMatch func(Match)) *Engine {
	e := &Engine{limits: limits.withDefaults(), onMatch: onMatch}
	for _, compiled := range rules {
		state := &ruleState{compiled: compiled}
		if compiled.sequence {
			state.waiting = make([]map[string]*pending, len(compiled.stages)-1)
			for i := range state.waiting {
				state.waiting[i] = make(map[string]*pending)
			}
		}
		e.rules = append(e.rules, state)
	}
	e.index = newIndex(e.rules)
	e.visit = e.process
	return e
}

// Process matches one event against the rules. The event must stay as it is
// until Process returns or, if the engine retained it, until it releases it.
func (e *Engine) Process(ev Event) {
	e.events++
	e.current, e.now = ev, orderOf(ev, e.events)
	switch {
	case e.now.time < e.swept: // the clock was set back, or the event is late
		e.swept = e.now.time
	case uint64(e.now.time-e.swept) >= uint64(sweepInterval):
		e.Advance(e.now.time)
	}
	e.index.visit(ev, e.visit)
	e.current = nil
}

// process lets one rule meet the current event, once.
func (e *Engine) process(r *ruleState) {
	if r.seen == e.events {
		return
	}
	r.seen = e.events
	if r.compiled.sequence {
		e.processSequence(r)
		return
	}
	if r.compiled.stages[0].matches(e.current) {
		e.matched = append(e.matched[:0], e.current)
		e.report(r, "")
	}
}

// report calls back with e.matched as the events of a match.
func (e *Engine) report(r *ruleState, key string) {
	r.counters.Matches++
	e.values = appendKeyValues(e.values[:0], key)
	e.onMatch(Match{Rule: r.compiled.rule, Events: e.matched, JoinKeys: e.values})
	clear(e.matched)
	clear(e.values)
}

// Advance tells the engine that the stream has reached a time, in nanoseconds
// since the Unix epoch, so that sequences beyond their maxspan are freed
// although no event comes. Events that are still to come should not be older.
func (e *Engine) Advance(now int64) {
	e.swept = now
	for _, r := range e.rules {
		e.expire(r, now)
	}
}

// Finish tells the engine that the stream has ended, and reports what waited
// for its end: sequences that only a later event could have ruled out, samples,
// and the results that a pipe held back. After it the engine takes no events;
// Close still has to be called. A stream that is cut off and not at its end is
// closed without it.
func (e *Engine) Finish() {}

// Close releases all events that the engine retained.
func (e *Engine) Close() {
	for _, r := range e.rules {
		for r.list.oldest != nil {
			e.drop(r, r.list.oldest)
		}
		r.list.unused = nil
	}
}

// Pending is how many sequences wait for their next event now.
func (e *Engine) Pending() int { return e.pending }

// Stats returns the counters so far.
func (e *Engine) Stats() Stats {
	stats := Stats{Events: e.events, Rules: make([]RuleStats, 0, len(e.rules))}
	for _, r := range e.rules {
		one := RuleStats{Rule: r.compiled.rule, Counters: r.counters}
		one.Pending = r.list.length
		stats.Rules = append(stats.Rules, one)
		stats.add(one.Counters)
	}
	return stats
}
