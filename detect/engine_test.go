package detect_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"tripline/detect"
)

const ms = 1_000_000

// newEngine compiles queries for one engine that collects its matches.
func newEngine(t testing.TB, schema detect.Schema, limits detect.Limits, queries ...string) (*detect.Engine, *[]string) {
	t.Helper()
	var rules []*detect.Compiled
	for _, query := range queries {
		rules = append(rules, compile(t, schema, query))
	}
	matches := new([]string)
	engine := detect.NewEngine(rules, limits, func(m detect.Match) {
		*matches = append(*matches, matchText(m))
	})
	return engine, matches
}

func TestPendingLimitOfARule(t *testing.T) {
	schema := newTestSchema()
	engine, matches := newEngine(t, schema, detect.Limits{PendingPerRule: 3}, "sequence by x [a where true] [b where true]")
	var all []*testEvent
	process := func(i int, category string) {
		ev := newEvent(t, schema, start+int64(len(all))*ms, "event.category", category, "x", i)
		ev.name = fmt.Sprint(category, i)
		all = append(all, ev)
		engine.Process(ev)
	}
	for i := range 5 {
		process(i, "a")
	}
	for i := range 5 {
		process(i, "b")
	}
	if want := []string{"a2 b2", "a3 b3", "a4 b4"}; !reflect.DeepEqual(*matches, want) {
		t.Errorf("matches are %q, want %q", *matches, want)
	}
	if stats := engine.Stats(); stats.Evicted != 2 || stats.Pending != 0 || stats.Rules[0].Evicted != 2 {
		t.Errorf("stats are %+v", stats)
	}
	engine.Close()
	for _, ev := range all {
		if ev.retained != 0 {
			t.Errorf("%s is retained %d times", ev.name, ev.retained)
		}
	}
}

func TestPendingLimitOfAllRulesSparesTheQuietOne(t *testing.T) {
	schema := newTestSchema()
	engine, matches := newEngine(t, schema, detect.Limits{PendingTotal: 4},
		"sequence by x [quiet where true] [end where true]", "sequence by x [busy where true] [end where true]")
	process := func(i int, category string, at int64) {
		ev := newEvent(t, schema, start+at*ms, "event.category", category, "x", i)
		ev.name = fmt.Sprint(category, i)
		engine.Process(ev)
	}
	process(1, "quiet", 0)
	for i := range 10 {
		process(10+i, "busy", int64(1+i))
	}
	process(1, "end", 20)
	process(19, "end", 21)
	if want := []string{"quiet1 end1", "busy19 end19"}; !reflect.DeepEqual(*matches, want) {
		t.Errorf("matches are %q, want %q", *matches, want)
	}
	if stats := engine.Stats(); stats.Evicted != 7 || stats.Rules[0].Evicted != 0 || stats.Pending != 2 {
		t.Errorf("stats are %+v", stats)
	}
	engine.Close()
	if stats := engine.Stats(); stats.Pending != 0 {
		t.Errorf("%d sequences are pending after Close", stats.Pending)
	}
}

func TestKeysPerEventAreBounded(t *testing.T) {
	schema := newTestSchema()
	engine, _ := newEngine(t, schema, detect.Limits{KeysPerEvent: 10}, "sequence by k, s [a where true] [b where true]")
	var many []any
	for i := range 100 {
		many = append(many, fmt.Sprint(i))
	}
	ev := newEvent(t, schema, start, "event.category", "a", "k", many, "s", many)
	engine.Process(ev)
	if stats := engine.Stats(); stats.Pending != 10 || stats.KeysDropped != 1 || ev.retained != 10 {
		t.Errorf("stats are %+v, retained %d", stats, ev.retained)
	}
	engine.Close()
}

func TestMatchCarriesRuleAndJoinKeys(t *testing.T) {
	schema := newTestSchema()
	compiled := compile(t, schema, "sequence by k, ?s, x, host.load, flag [a where true] [b where true]")
	calls := 0
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(m detect.Match) {
		calls++
		want := []detect.Value{detect.String("key"), {}, detect.Int(-7), detect.Float(2.5), detect.Bool(true)}
		if m.Rule != compiled.Rule() || !slices.EqualFunc(m.JoinKeys, want, detect.Value.Equal) {
			t.Errorf("match is %+v, want keys %v", m, want)
		}
	})
	for i, category := range []string{"a", "b"} {
		engine.Process(newEvent(t, schema, start+int64(i)*ms, "event.category", category,
			"k", "key", "x", -7, "host.load", 2.5, "flag", true))
	}
	if calls != 1 {
		t.Errorf("%d matches, want 1", calls)
	}
}

func TestOneEventMeetsSeveralRules(t *testing.T) {
	schema := newTestSchema()
	engine, matches := newEngine(t, schema, detect.Limits{},
		"a where x == 1", "any where x == 1", "b where x == 1", `a where event.action == "p"`,
		`a where event.action == "q"`, "sequence [a where true] [a where true]")
	for i, name := range []string{"one", "two"} {
		ev := newEvent(t, schema, start+int64(i)*ms, "event.category", []any{"a", "c"}, "x", 1, "event.action", "p")
		ev.name = name
		engine.Process(ev)
	}
	var counts []uint64
	for _, rule := range engine.Stats().Rules {
		counts = append(counts, rule.Matches)
	}
	if want := []uint64{2, 2, 0, 2, 0, 1}; !reflect.DeepEqual(counts, want) || len(*matches) != 7 {
		t.Errorf("matches per rule are %d, want %d; %q", counts, want, *matches)
	}
}

func TestConditionsOnCostlyFieldsComeLast(t *testing.T) {
	schema := newTestSchema()
	costly, _ := schema.Field("process.executable")
	for _, query := range []string{
		`any where process.executable : "/bin/*" and x == 1`,
		`any where not process.executable : "/bin/*" and (flag or x == 1)`,
		`any where (process.executable == null or x == 1) and x == 1`,
	} {
		engine, _ := newEngine(t, schema, detect.Limits{}, query)
		ev := newEvent(t, schema, start, "event.category", "a", "x", 2)
		ev.reads = make(map[detect.FieldID]int)
		engine.Process(ev)
		if ev.reads[costly.ID] != 0 {
			t.Errorf("%s: the costly field was read although a cheap condition failed", query)
		}
	}
}

func TestNeeds(t *testing.T) {
	compiled := compile(t, newTestSchema(), `sequence by process.entity_id
		[network where event.type == "start" and event.action == "connection_attempted" and user.id == "0" and not process.executable : "/bin/ssh"]
		[process where (event.action in ("exec", "fork") and ("0" == user.id and x in (1, 2))) and (s == "a" or s == "b")]
		[any where event.action : "Start" and s : "a*" and s : "b" and user.id != "0" and flag == true]
		[file where event.action : "open*" or user.id == "0"] with runs=3
		until [process where event.action == "end"]`)
	want := []detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: []detect.Condition{
			{Field: "event.type", Values: []string{"start"}}, {Field: "user.id", Values: []string{"0"}},
		}},
		{Category: "process", Actions: []string{"exec", "fork"}, Conditions: []detect.Condition{
			{Field: "user.id", Values: []string{"0"}}, {Field: "x", Values: []string{"1", "2"}},
		}},
		{Actions: []string{"Start"}, Conditions: []detect.Condition{{Field: "flag", Values: []string{"true"}}}},
		{Category: "file"},
		{Category: "process", Actions: []string{"end"}},
	}
	if got := compiled.Needs(); !reflect.DeepEqual(got, want) {
		t.Errorf("Needs\n got %+v\nwant %+v", got, want)
	}
	fields := []string{"event.action", "event.category", "event.type", "flag", "process.entity_id", "process.executable", "s", "user.id", "x"}
	if got := compiled.Fields(); !reflect.DeepEqual(got, fields) {
		t.Errorf("Fields\n got %q\nwant %q", got, fields)
	}
}

func TestCategoryFieldOfAnotherSchema(t *testing.T) {
	schema := newTestSchema()
	compiled, err := detect.CompileWith(newRule("a where true"), schema, detect.CompileOptions{CategoryField: "s"})
	if err != nil {
		t.Fatal(err)
	}
	matches := 0
	engine := detect.NewEngine([]*detect.Compiled{compiled, compile(t, schema, "b where true")}, detect.Limits{}, func(detect.Match) { matches++ })
	engine.Process(newEvent(t, schema, start, "s", "a"))
	engine.Process(newEvent(t, schema, start, "event.category", "b"))
	engine.Process(newEvent(t, schema, start, "event.category", "a"))
	if matches != 2 {
		t.Errorf("%d matches, want 2", matches)
	}
	if _, err := detect.CompileWith(newRule("a where true"), schema, detect.CompileOptions{CategoryField: "none"}); err == nil {
		t.Error("a category field that does not exist was accepted")
	}
}
