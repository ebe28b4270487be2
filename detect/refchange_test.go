package detect_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tripline/detect"
)

// TestExceptionsAgreeWithReference puts exceptions before a rule and takes them
// away in the middle of a stream. What an exception holds for does not exist for
// the rule while it is in force; what was pending goes on.
func TestExceptionsAgreeWithReference(t *testing.T) {
	schema := newTestSchema()
	exempted, matches := uint64(0), 0
	rounds := referenceRounds(800)
	for seed := range rounds {
		random := rand.New(rand.NewPCG(*referenceSeed, seed))
		query, condition := randomQuery(random), randomCondition(random, 1)
		events := randomEvents(t, random, schema, 20+random.IntN(30))
		from := random.IntN(len(events))
		to := from + random.IntN(len(events)-from)
		for _, ev := range events[from:to] {
			ev.exempt = condition.holds(ev.fields)
		}
		exception, err := detect.CompileException(condition.text, schema)
		if err != nil {
			t.Fatalf("CompileException(%s): %v", condition.text, err)
		}
		r := newRun(t, random, schema, query, detect.Limits{}, events)
		r.process(random, events[:from])
		unchanged := r.Replace([]*detect.Compiled{r.rule.Except(exception)})
		r.process(random, events[from:to])
		unchanged += r.Replace([]*detect.Compiled{r.rule})
		r.process(random, events[to:])
		r.end(t)
		if want := referenceMatches(query, events); !slices.Equal(r.got, want) || unchanged != 2 {
			t.Fatalf("seed %d: %s\nexcept for events %d to %d: %s\n got %v\nwant %v", seed, query.text, from, to, condition.text, r.got, want)
		}
		exempted += exception.Exempted()
		matches += len(r.got)
	}
	if exempted < rounds*2 || matches < int(rounds) {
		t.Errorf("only %d events were exempt, and %d matches, in %d rounds", exempted, matches, rounds)
	}
}

// TestReplaceAgreesWithReference exchanges rules in the middle of a stream: one
// stays, one comes, one goes. The one that stays knows the whole stream, the one
// that comes what follows, and the one that goes what was before.
func TestReplaceAgreesWithReference(t *testing.T) {
	schema := newTestSchema()
	matches := 0
	rounds := referenceRounds(400)
	for seed := range rounds {
		random := rand.New(rand.NewPCG(*referenceSeed, seed))
		events := randomEvents(t, random, schema, 20+random.IntN(30))
		at := random.IntN(len(events))
		got := make(map[*detect.Rule][]string)
		var queries []*referenceQuery
		var rules []*detect.Compiled
		for range 3 {
			query := randomQuery(random)
			queries = append(queries, query)
			rules = append(rules, compileFinite(t, schema, query.text, query.finite()))
		}
		stays, comes, goes := rules[0], rules[1], rules[2]
		engine := detect.NewEngine([]*detect.Compiled{goes, stays}, detect.Limits{}, func(m detect.Match) {
			got[m.Rule] = append(got[m.Rule], matchedText(m))
		})
		r := &run{Engine: engine, events: events}
		r.process(random, events[:at])
		if unchanged := engine.Replace([]*detect.Compiled{stays, comes}); unchanged != 1 {
			t.Fatalf("seed %d: %d rules are unchanged", seed, unchanged)
		}
		r.process(random, events[at:])
		r.end(t)
		for i, stream := range [][]*referenceEvent{events, events[at:]} {
			if want := referenceMatches(queries[i], stream); !slices.Equal(got[rules[i].Rule()], want) {
				t.Fatalf("seed %d: rule %d, replaced before %d: %s\n got %v\nwant %v", seed, i, at, queries[i].text, got[rules[i].Rule()], want)
			}
			matches += len(got[rules[i].Rule()])
		}
		// What waited for its end when the rule went is not reported.
		want := referenceMatches(queries[2], events[:at])
		if left := got[goes.Rule()]; !slices.Equal(left, want[:min(len(left), len(want))]) {
			t.Fatalf("seed %d: the rule that went before %d: %s\n got %v\nof %v", seed, at, queries[2].text, left, want)
		}
	}
	if matches < int(rounds)*2 {
		t.Errorf("only %d matches in %d rounds", matches, rounds)
	}
}
