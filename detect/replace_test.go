package detect_test

import (
	"reflect"
	"testing"

	"tripline/detect"
)

func TestReplaceKeepsWhatIsUnchanged(t *testing.T) {
	schema := newTestSchema()
	rule := func(id, query string) *detect.Compiled {
		r := &detect.Rule{}
		r.RuleID, r.Name, r.Query = id, id, query
		compiled, err := detect.Compile(r, schema)
		if err != nil {
			t.Fatal(err)
		}
		return compiled
	}
	const query = "sequence by k [a where true] [b where true]"
	const other = "sequence by k [a where x >= 0] [b where true]"
	var matches []string
	engine := detect.NewEngine([]*detect.Compiled{rule("kept", query), rule("edited", query), rule("removed", query)},
		detect.Limits{}, func(m detect.Match) { matches = append(matches, m.Rule.RuleID) })
	first := newEvent(t, schema, start, "event.category", "a", "k", "1", "x", 1)
	engine.Process(first)
	if first.retained != 3 || engine.Pending() != 3 {
		t.Fatalf("%d pending, retained %d times", engine.Pending(), first.retained)
	}
	if unchanged := engine.Replace([]*detect.Compiled{rule("added", query), rule("edited", other), rule("kept", query)}); unchanged != 1 {
		t.Errorf("%d rules are unchanged, want 1", unchanged)
	}
	if first.retained != 1 || engine.Pending() != 1 {
		t.Errorf("%d pending, retained %d times", engine.Pending(), first.retained)
	}
	engine.Process(newEvent(t, schema, start+ms, "event.category", "b", "k", "1", "x", 1))
	if want := []string{"kept"}; !reflect.DeepEqual(matches, want) {
		t.Errorf("matches are %q, want %q", matches, want)
	}
	engine.Process(newEvent(t, schema, start+2*ms, "event.category", "a", "k", "1", "x", 1))
	engine.Process(newEvent(t, schema, start+3*ms, "event.category", "b", "k", "1", "x", 1))
	if want := []string{"kept", "added", "edited", "kept"}; !reflect.DeepEqual(matches, want) {
		t.Errorf("matches are %q, want %q", matches, want)
	}
	engine.Close()
	if first.retained != 0 {
		t.Errorf("after Close the event is retained %d times", first.retained)
	}
}

func TestReplaceWithNothing(t *testing.T) {
	schema := newTestSchema()
	engine, matches := newEngine(t, schema, detect.Limits{}, "sequence by k [a where true] [b where true]")
	event := newEvent(t, schema, start, "event.category", "a", "k", "1")
	engine.Process(event)
	engine.Replace(nil)
	engine.Process(newEvent(t, schema, start+ms, "event.category", "b", "k", "1"))
	if len(*matches) != 0 || event.retained != 0 || engine.Pending() != 0 {
		t.Errorf("%q, retained %d times, %d pending", *matches, event.retained, engine.Pending())
	}
}
