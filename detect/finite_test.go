package detect_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// runFinite returns the matches of a query over events that have an end.
func runFinite(t testing.TB, schema detect.Schema, query string, limits detect.Limits, events []*testEvent) ([]string, detect.Stats) {
	t.Helper()
	compiled, err := detect.CompileWith(newRule(query), schema, detect.CompileOptions{Finite: true})
	if err != nil {
		t.Fatalf("Compile(%s): %v", query, err)
	}
	var got []string
	engine := detect.NewEngine([]*detect.Compiled{compiled}, limits, func(m detect.Match) { got = append(got, matchText(m)) })
	for _, ev := range events {
		engine.Process(ev)
	}
	engine.Finish()
	stats := engine.Stats()
	engine.Close()
	for _, ev := range events {
		if ev.retained != 0 {
			t.Fatalf("%s: %s is retained %d times after Close", query, ev.name, ev.retained)
		}
	}
	return got, stats
}

// TestToleranceMakesOrderIrrelevant gives events in an order that is disturbed
// within the tolerance: the matches are those of the events in order.
func TestToleranceMakesOrderIrrelevant(t *testing.T) {
	schema := newTestSchema()
	matches := 0
	for seed := range 500 {
		random := rand.New(rand.NewPCG(uint64(seed), 4))
		query, _ := randomQuery(random)
		var events []*testEvent
		for i, ev := range randomEvents(t, random, schema) {
			ev.tiebreaker, ev.hasTiebreaker = int64(i), true // arrival must not decide
			events = append(events, ev.testEvent)
		}
		want, _ := runFinite(t, schema, query, detect.Limits{}, events)
		delay := make(map[*testEvent]int64)
		for _, ev := range events {
			delay[ev] = ev.time + random.Int64N(10*ms)
		}
		slices.SortStableFunc(events, func(a, b *testEvent) int { return int(delay[a] - delay[b]) })
		got, stats := runFinite(t, schema, query, detect.Limits{Tolerance: 10 * ms}, events)
		if !slices.Equal(got, want) || stats.Late != 0 {
			t.Fatalf("seed %d: %s, %d late\n got %v\nwant %v", seed, query, stats.Late, got, want)
		}
		matches += len(got)
	}
	if matches < 500 {
		t.Errorf("only %d matches", matches)
	}
}

func TestBufferIsBounded(t *testing.T) {
	schema := newTestSchema()
	compiled := compile(t, schema, "a where true")
	var got []string
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{Tolerance: 1000 * ms, Buffered: 2}, func(m detect.Match) {
		got = append(got, matchText(m))
	})
	var events []*testEvent
	for _, i := range []int{3, 1, 2, 0, 4} {
		ev := newEvent(t, schema, start+int64(i)*ms, "event.category", "a")
		ev.name = fmt.Sprint(i)
		events = append(events, ev)
		engine.Process(ev)
	}
	if want := []string{"1", "0", "2"}; !slices.Equal(got, want) || engine.Stats().Late != 1 {
		t.Errorf("matches are %v, want %v; %d late", got, want, engine.Stats().Late)
	}
	engine.Close()
	for _, ev := range events {
		if ev.retained != 0 {
			t.Errorf("%s is retained %d times", ev.name, ev.retained)
		}
	}
}

// TestSamplesAgreeWithReference compares samples with trying every choice of
// events in order.
func TestSamplesAgreeWithReference(t *testing.T) {
	schema := newTestSchema()
	matches := 0
	for seed := range 1000 {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		query := "sample by k"
		var stages []referenceStage
		for range 2 + random.IntN(3) {
			s := referenceStage{category: string(rune('a' + random.IntN(2))), least: int64(random.IntN(4))}
			query += fmt.Sprintf(" [%s where x >= %d]", s.category, s.least)
			stages = append(stages, s)
		}
		all := randomEvents(t, random, schema)
		all = all[:5+random.IntN(15)]
		var events []*testEvent
		for _, ev := range all {
			events = append(events, ev.testEvent)
		}
		var want []string
		for _, key := range []string{"p", "q", "r"} {
			if chosen := firstChoice(stages, all, key, nil); chosen != nil {
				want = append(want, strings.Join(chosen, " "))
			}
		}
		got, _ := runFinite(t, schema, query, detect.Limits{}, events)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %s\n got %v\nwant %v", seed, query, got, want)
		}
		matches += len(got)
	}
	if matches < 500 {
		t.Errorf("only %d matches", matches)
	}
}

// firstChoice chooses a different event for each stage by trying all.
func firstChoice(stages []referenceStage, all []*referenceEvent, key string, chosen []string) []string {
	if len(chosen) == len(stages) {
		return chosen
	}
	for _, ev := range all {
		if slices.Contains(chosen, ev.name) || !slices.Contains(stages[len(chosen)].keys(ev), key) {
			continue
		}
		if whole := firstChoice(stages, all, key, append(slices.Clone(chosen), ev.name)); whole != nil {
			return whole
		}
	}
	return nil
}

func TestUnsupportedErrorNamesTheFeature(t *testing.T) {
	for query, feature := range map[string]string{
		"a where true | tail 5":                         "pipe tail",
		"a where true | head 5":                         "pipe head",
		"sample by k [a where true] [b where true]":     "sample",
		"sequence [a where true] [a where true]|head 1": "pipe head",
	} {
		_, err := detect.Compile(newRule(query), newTestSchema())
		var unsupported *detect.UnsupportedError
		if !errors.As(err, &unsupported) || unsupported.Feature != feature {
			t.Errorf("%s: %v, want feature %s", query, err, feature)
		}
	}
}

func TestDoneAfterHead(t *testing.T) {
	schema := newTestSchema()
	compiled, err := detect.CompileWith(newRule("a where true | head 2"), schema, detect.CompileOptions{Finite: true})
	if err != nil {
		t.Fatal(err)
	}
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) {})
	for i, want := range []bool{false, true, true} {
		engine.Process(newEvent(t, schema, start+int64(i)*ms, "event.category", "a"))
		if engine.Done() != want {
			t.Errorf("Done after %d events is %t", i+1, !want)
		}
	}
	engine.Close()
}

// TestKeptEventsAreBounded runs queries that keep many events with room for few.
func TestKeptEventsAreBounded(t *testing.T) {
	schema := newTestSchema()
	for _, query := range []string{
		"sequence by x [a where true] with runs=5 [b where true]",
		"sequence by x with maxspan=1h [a where true] with runs=3 ![n where true]",
		"sample by x [a where true] [a where true] [b where true]",
		"a where true | tail 1000",
		"sequence by x [a where true] [a where true] | tail 1000",
		"sample by x [a where true] [a where true] | tail 1000",
	} {
		for _, limits := range []detect.Limits{{EventsPerRule: 10}, {EventsTotal: 10}, {EventsPerRule: 1}, {PendingPerRule: 3}, {PendingTotal: 1}} {
			var events []*testEvent
			for i := range 200 {
				ev := newEvent(t, schema, start+int64(i)*ms, "event.category", "a", "x", i%17)
				ev.name = fmt.Sprint(i)
				events = append(events, ev)
			}
			kept := 0
			compiled, err := detect.CompileWith(newRule(query), schema, detect.CompileOptions{Finite: true})
			if err != nil {
				t.Fatal(err)
			}
			engine := detect.NewEngine([]*detect.Compiled{compiled}, limits, func(detect.Match) {})
			for _, ev := range events {
				engine.Process(ev)
				kept = 0
				for _, one := range events {
					kept += one.retained
				}
				if most := max(limits.EventsPerRule, limits.EventsTotal); most > 0 && kept > most+5 {
					t.Fatalf("%s with %+v keeps %d events", query, limits, kept)
				}
			}
			engine.Finish()
			engine.Close()
			for _, ev := range events {
				if ev.retained != 0 {
					t.Fatalf("%s with %+v: %s is retained %d times after Close", query, limits, ev.name, ev.retained)
				}
			}
			if engine.Stats().Evicted == 0 && limits.EventsTotal+limits.EventsPerRule > 0 {
				t.Errorf("%s with %+v: nothing is counted as evicted", query, limits)
			}
		}
	}
}
