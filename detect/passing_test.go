package detect_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"tripline/detect"
)

// TestPass has an engine that is told of the events which it does not want find the
// same as one that meets them all, and count the same.
func TestPass(t *testing.T) {
	for _, queries := range [][]string{
		{`process where event.action == "a" and x > 1`},
		{`sequence by k with maxspan=3s [process where event.action == "a"] [network where event.action in ("b", "c")]`},
		{`sequence by k with maxspan=2s [process where event.action == "a"] ![network where event.action == "b"]`},
		{`sequence by k with maxspan=2s ![file where true] [process where event.action == "a"] [process where event.action == "c"]`},
		{`sequence by k [process where event.action == "a"] [process where event.action == "b"] until [file where event.action == "c"]`},
		{`any where event.action == "a"`, `file where x == 1`},
		{`sequence with maxspan=1s [any where event.action == "b"] [process where true]`},
	} {
		t.Run(queries[0], func(t *testing.T) {
			schema := newTestSchema()
			whole, want := newEngine(t, schema, detect.Limits{PendingPerRule: 5, PendingTotal: 8}, queries...)
			passing, got := newEngine(t, schema, detect.Limits{PendingPerRule: 5, PendingTotal: 8}, queries...)
			random, passed, now := rand.New(rand.NewPCG(1, 1)), 0, int64(0)
			for i := range 5000 {
				now += int64(random.IntN(600)-50) * 1e6
				category := []string{"process", "network", "file", "iam"}[random.IntN(4)]
				action := []string{"a", "b", "c", "d"}[random.IntN(4)]
				event := newEvent(t, schema, now, "event.category", category, "event.action", action,
					"k", fmt.Sprint(random.IntN(9)), "x", random.IntN(4))
				event.name = fmt.Sprint(i)
				whole.Process(event)
				if passing.Wants(category, action) {
					passing.Process(event)
				} else {
					passing.Pass(category, now)
					passed++
				}
			}
			whole.Finish()
			passing.Finish()
			if !slices.Equal(*got, *want) || len(*want) == 0 || passed == 0 {
				t.Errorf("%d matches, want %d; %d events passed", len(*got), len(*want), passed)
			}
			if a, b := passing.Stats(), whole.Stats(); !sameCounters(&a, &b) {
				t.Errorf("counted %+v, want %+v", a, b)
			}
		})
	}
}

// sameCounters compares all but the rules, which are different ones.
func sameCounters(a, b *detect.Stats) bool {
	for _, one := range [...]*detect.Stats{a, b} {
		for i := range one.Rules {
			one.Rules[i].Rule = nil
		}
	}
	return reflect.DeepEqual(a, b)
}

// TestWantsAll has an engine want every event whose turn it has to find itself, and
// those whose category is another field.
func TestWantsAll(t *testing.T) {
	schema := newTestSchema()
	const query = `process where event.action == "a"`
	ordering, _ := newEngine(t, schema, detect.Limits{Tolerance: 1}, query)
	rule := newRule(query)
	rule.EventCategoryOverride = "event.type"
	overriding, err := detect.Compile(rule, schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []*detect.Engine{ordering, detect.NewEngine([]*detect.Compiled{overriding}, detect.Limits{}, func(detect.Match) {})} {
		if !engine.Wants("file", "b") {
			t.Error("an event is not wanted")
		}
	}
}
