package detect_test

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tripline/detect"
	"tripline/detect/eql"
)

var (
	referenceFactor = flag.Int("reference.factor", 1, "how many times as many random queries are compared with the reference")
	referenceSeed   = flag.Uint64("reference.seed", 1, "the seed of the random queries")
)

// referenceRounds is how many random queries to try where a number is usual.
func referenceRounds(usual int) uint64 {
	if testing.Short() {
		usual /= 10
	}
	return uint64(usual * *referenceFactor)
}

// printed is a query as the printer writes it, which must read back as the same.
func printed(t testing.TB, text string) string {
	t.Helper()
	query, err := eql.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	once := eql.Print(query)
	again, err := eql.Parse(once)
	if err != nil {
		t.Fatalf("Parse(%s): %v\nprinted from %s", once, err, text)
	}
	if twice := eql.Print(again); twice != once {
		t.Fatalf("%s\nprinted %s\nand then %s", text, once, twice)
	}
	return once
}

// run is an engine with one rule, what it matched and its events.
type run struct {
	*detect.Engine
	rule   *detect.Compiled
	events []*referenceEvent
	got    []string
}

// newRun compiles a query, as written or as printed, for a new engine.
func newRun(t *testing.T, random *rand.Rand, schema detect.Schema, query *referenceQuery, limits detect.Limits, events []*referenceEvent) *run {
	t.Helper()
	text := printed(t, query.text)
	if random.IntN(2) == 0 {
		text = query.text
	}
	r := &run{rule: compileFinite(t, schema, text, query.finite() || random.IntN(2) == 0), events: events}
	r.Engine = detect.NewEngine([]*detect.Compiled{r.rule}, limits, func(m detect.Match) { r.got = append(r.got, matchedText(m)) })
	return r
}

func compileFinite(t *testing.T, schema detect.Schema, text string, finite bool) *detect.Compiled {
	t.Helper()
	compiled, err := detect.CompileWith(newRule(text), schema, detect.CompileOptions{Finite: finite})
	if err != nil {
		t.Fatalf("CompileWith(%s): %v", text, err)
	}
	return compiled
}

// process gives the engine some events, and now and then the time alone.
func (r *run) process(random *rand.Rand, events []*referenceEvent) {
	for _, ev := range events {
		if random.IntN(4) == 0 {
			r.Advance(ev.time)
		}
		r.Process(ev.testEvent)
	}
}

// end ends the stream; no event may be retained any more.
func (r *run) end(t *testing.T) {
	t.Helper()
	r.Finish()
	r.Close()
	for _, ev := range r.events {
		if ev.retained != 0 {
			t.Fatalf("%s is retained %d times after Close", ev.name, ev.retained)
		}
	}
}

func TestEngineAgreesWithReference(t *testing.T) {
	schema := newTestSchema()
	rounds := referenceRounds(4000)
	matches := make(map[string]int)
	for seed := range rounds {
		random := rand.New(rand.NewPCG(*referenceSeed, seed))
		query := randomQuery(random)
		events := randomEvents(t, random, schema, 10+random.IntN(60))
		if query.kind == "sample" {
			events = events[:10+random.IntN(len(events)-9)]
		}
		r := newRun(t, random, schema, query, detect.Limits{}, events)
		r.process(random, events)
		r.end(t)
		if want := referenceMatches(query, events); !slices.Equal(r.got, want) {
			t.Fatalf("seed %d: %s\n got %v\nwant %v", seed, query.text, r.got, want)
		}
		for _, feature := range query.features() {
			matches[feature] += len(r.got)
		}
	}
	for _, feature := range slices.Sorted(maps.Keys(matches)) {
		t.Logf("%d matches of queries with %s", matches[feature], feature)
		if matches[feature] < int(rounds)/1000 {
			t.Errorf("too few matches in %d rounds", rounds)
		}
	}
}

// TestToleranceMakesOrderIrrelevant gives events in an order that is disturbed
// within the tolerance: the matches are those of the events in order.
func TestToleranceMakesOrderIrrelevant(t *testing.T) {
	schema := newTestSchema()
	matches := 0
	rounds := referenceRounds(500)
	for seed := range rounds {
		random := rand.New(rand.NewPCG(*referenceSeed, seed))
		query := randomQuery(random)
		events := randomEvents(t, random, schema, 20+random.IntN(20))
		delay := make(map[*referenceEvent]int64)
		for i, ev := range events {
			ev.tiebreaker, ev.hasTiebreaker = int64(i), true // arrival must not decide
			delay[ev] = ev.time + random.Int64N(10*ms)
		}
		want := referenceMatches(query, events)
		disturbed := slices.Clone(events)
		slices.SortStableFunc(disturbed, func(a, b *referenceEvent) int { return int(delay[a] - delay[b]) })
		r := newRun(t, random, schema, query, detect.Limits{Tolerance: 10 * ms}, events)
		for _, ev := range disturbed {
			r.Process(ev.testEvent)
		}
		late := r.Stats().Late
		r.end(t)
		if !slices.Equal(r.got, want) || late != 0 {
			t.Fatalf("seed %d: %s, %d late\n got %v\nwant %v", seed, query.text, late, r.got, want)
		}
		matches += len(want)
	}
	if matches < int(rounds) {
		t.Errorf("only %d matches in %d rounds", matches, rounds)
	}
}
