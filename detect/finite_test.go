package detect_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"tripline/detect"
)

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
