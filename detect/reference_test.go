package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// The reference says what a sequence query matches by the plainest means: it
// keeps every partial sequence in a list that it scans from start to end, has
// no index, no lists by key and frees nothing early.

type reference struct {
	stages  []referenceStage
	until   *referenceStage
	maxSpan int64 // milliseconds, 0 for none
	// all has every event of the stream, for the negative stages.
	all     []*referenceEvent
	partial []*referencePartial
	matches []string
}

type referenceStage struct {
	category string
	// least is what the field x must be at least.
	least int64
	// optional says that a missing key equals a missing key.
	optional bool
	negative bool
}

type referencePartial struct {
	stage  int
	key    string
	events []*testEvent
}

// place orders events: time, tiebreaker with a missing one last, arrival.
func (r *reference) before(a, b *testEvent, arrival map[*testEvent]int) bool {
	if a.time != b.time {
		return a.time < b.time
	}
	if a.hasTiebreaker != b.hasTiebreaker {
		return a.hasTiebreaker
	}
	if a.hasTiebreaker && a.tiebreaker != b.tiebreaker {
		return a.tiebreaker < b.tiebreaker
	}
	return arrival[a] < arrival[b]
}

func (s *referenceStage) keys(ev *referenceEvent) []string {
	if !slices.Contains(ev.categories, s.category) {
		return nil
	}
	if ev.x < s.least {
		return nil
	}
	if len(ev.keys) == 0 && s.optional {
		return []string{"(missing)"}
	}
	distinct := slices.Clone(ev.keys)
	slices.Sort(distinct)
	return slices.Compact(distinct)
}

// referenceEvent is an event with its content in plain Go.
type referenceEvent struct {
	*testEvent
	categories []string
	keys       []string
	x          int64
}

func (r *reference) process(ev *referenceEvent, arrival map[*testEvent]int) {
	for stage := len(r.stages) - 1; stage >= 0; stage-- {
		if r.stages[stage].negative {
			continue
		}
		keys := r.stages[stage].keys(ev)
		for _, key := range keys {
			r.fill(stage, key, ev, arrival)
		}
	}
	if r.until == nil {
		return
	}
	for _, key := range r.until.keys(ev) {
		r.partial = slices.DeleteFunc(r.partial, func(p *referencePartial) bool {
			last := p.events[len(p.events)-1]
			return p.key == key && !r.before(ev.testEvent, last, arrival)
		})
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

func (r *reference) fill(stage int, key string, ev *referenceEvent, arrival map[*testEvent]int) {
	previous, next := r.positive(stage-1, -1), r.positive(stage+1, 1)
	filled := &referencePartial{stage: stage, key: key, events: []*testEvent{ev.testEvent}}
	if previous >= 0 {
		p := r.take(previous, key, ev, arrival)
		if p == nil || r.maxSpan > 0 && ev.time/1e6-p.events[0].time/1e6 > r.maxSpan {
			return
		}
		filled.events = append(slices.Clone(p.events), ev.testEvent)
	}
	switch {
	case next >= 0:
		r.replace(filled)
	case r.holds(filled):
		r.matches = append(r.matches, r.text(filled))
	}
}

// take takes away the partial sequence that an event can follow; nil if there
// is none.
func (r *reference) take(stage int, key string, ev *referenceEvent, arrival map[*testEvent]int) *referencePartial {
	for i, p := range r.partial {
		if p.stage == stage && p.key == key && r.before(p.events[len(p.events)-1], ev.testEvent, arrival) {
			r.partial = slices.Delete(r.partial, i, i+1)
			return p
		}
	}
	return nil
}

// absent returns the times, in milliseconds, of the events of a negative stage
// between two times, both excluded.
func (r *reference) absent(stage int, key string, after, before int64) []int64 {
	var times []int64
	for _, ev := range r.all {
		if time := ev.time / 1e6; time > after && time < before && slices.Contains(r.stages[stage].keys(ev), key) {
			times = append(times, time)
		}
	}
	return times
}

// holds reports whether the negative stages allow a complete sequence.
func (r *reference) holds(p *referencePartial) bool {
	const farAway = int64(1) << 40
	start, end := p.events[0].time/1e6, p.events[len(p.events)-1].time/1e6
	var leading, trailing []int64
	next := 0
	for i, stage := range r.stages {
		switch {
		case !stage.negative:
			next++
		case next == 0:
			leading = append(leading, r.absent(i, p.key, -farAway, start)...)
		case next == len(p.events):
			trailing = append(trailing, r.absent(i, p.key, end, farAway*1000)...)
		case len(r.absent(i, p.key, p.events[next-1].time/1e6, p.events[next].time/1e6)) > 0:
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

func (r *reference) text(p *referencePartial) string {
	var names []string
	next := 0
	for _, stage := range r.stages {
		if stage.negative {
			names = append(names, "-")
			continue
		}
		names = append(names, p.events[next].name)
		next++
	}
	return strings.Join(names, " ")
}

// replace adds a partial sequence in place of the one of its stage and key.
func (r *reference) replace(next *referencePartial) {
	r.partial = slices.DeleteFunc(r.partial, func(p *referencePartial) bool { return p.stage == next.stage && p.key == next.key })
	r.partial = append(r.partial, next)
}

// randomQuery makes a sequence query and its reference.
func randomQuery(random *rand.Rand) (string, *reference) {
	r := new(reference)
	optional := random.IntN(3) == 0
	var query strings.Builder
	query.WriteString("sequence by ")
	if optional {
		query.WriteString("?")
	}
	query.WriteString("k")
	if random.IntN(4) > 0 {
		r.maxSpan = int64(1 + random.IntN(30))
		fmt.Fprintf(&query, " with maxspan=%dms", r.maxSpan)
	}
	query.WriteString(" ")
	stage := func() referenceStage {
		s := referenceStage{category: string(rune('a' + random.IntN(3))), least: int64(random.IntN(3)), optional: optional}
		fmt.Fprintf(&query, "[%s where x >= %d] ", s.category, s.least)
		return s
	}
	stages := 2 + random.IntN(3)
	positive := random.IntN(stages)
	for i := range stages {
		negative := i != positive && r.maxSpan > 0 && random.IntN(3) == 0
		if negative {
			query.WriteString("!")
		}
		s := stage()
		s.negative = negative
		r.stages = append(r.stages, s)
		if !negative && random.IntN(5) == 0 {
			query.WriteString("with runs=2 ")
			r.stages = append(r.stages, s)
		}
	}
	if random.IntN(3) == 0 {
		query.WriteString("until ")
		until := stage()
		r.until = &until
	}
	return query.String(), r
}

// randomEvents makes a stream in the order of its events.
func randomEvents(t *testing.T, random *rand.Rand, schema detect.Schema) []*referenceEvent {
	events := make([]*referenceEvent, 60+random.IntN(60))
	now, sequence := start, int64(0)
	for i := range events {
		ev := &referenceEvent{x: int64(random.IntN(4))}
		for range 1 + random.IntN(10)/9 {
			ev.categories = append(ev.categories, string(rune('a'+random.IntN(3))))
		}
		for range []int{0, 1, 1, 1, 1, 2, 3}[random.IntN(7)] {
			ev.keys = append(ev.keys, string(rune('p'+random.IntN(3))))
		}
		var categories, keys []any
		for _, category := range ev.categories {
			categories = append(categories, category)
		}
		for _, key := range ev.keys {
			keys = append(keys, key)
		}
		now += int64(random.IntN(3)) * int64(random.IntN(4)) * 1_000_000
		ev.testEvent = newEvent(t, schema, now, "event.category", categories, "k", keys, "x", int(ev.x))
		ev.name = fmt.Sprintf("e%d", i)
		if sequence++; random.IntN(2) == 0 {
			ev.tiebreaker, ev.hasTiebreaker = sequence, true
		}
		events[i] = ev
	}
	arrival := make(map[*testEvent]int)
	for i, ev := range events {
		arrival[ev.testEvent] = i
	}
	slices.SortStableFunc(events, func(a, b *referenceEvent) int {
		if new(reference).before(a.testEvent, b.testEvent, arrival) {
			return -1
		}
		return 1
	})
	return events
}

// lastTime is the time of the last event of a match.
func lastTime(m detect.Match) int64 {
	for _, ev := range slices.Backward(m.Events) {
		if ev != nil {
			return ev.Time()
		}
	}
	return 0
}

func TestEngineAgreesWithReference(t *testing.T) {
	rounds := 5000
	if testing.Short() {
		rounds = 300
	}
	schema := newTestSchema()
	matches := 0
	for seed := range rounds {
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		query, want := randomQuery(random)
		events := randomEvents(t, random, schema)
		want.all = events
		var got []string
		var last int64
		engine := detect.NewEngine([]*detect.Compiled{compile(t, schema, query)}, detect.Limits{}, func(m detect.Match) {
			got = append(got, matchText(m))
			time := lastTime(m)
			if time < last {
				t.Errorf("seed %d: %s: %s comes after a later match", seed, query, matchText(m))
			}
			last = time
		})
		arrival := make(map[*testEvent]int)
		for i, ev := range events {
			arrival[ev.testEvent] = i
			if random.IntN(4) == 0 {
				engine.Advance(ev.time)
			}
			engine.Process(ev.testEvent)
			want.process(ev, arrival)
		}
		engine.Finish()
		engine.Close()
		for _, ev := range events {
			if ev.retained != 0 {
				t.Fatalf("seed %d: %s is retained %d times after Close", seed, ev.name, ev.retained)
			}
		}
		// One event may complete sequences of several keys, in the order of its values.
		slices.Sort(got)
		slices.Sort(want.matches)
		if !slices.Equal(got, want.matches) {
			t.Fatalf("seed %d: %s\n got %v\nwant %v", seed, query, got, want.matches)
		}
		matches += len(got)
	}
	if matches < rounds*2 {
		t.Errorf("only %d matches in %d rounds: the test is too tame", matches, rounds)
	}
}
