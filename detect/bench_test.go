package detect

// Benchmarks and allocation tests use events of fixed arrays, so that what is
// measured is the engine.

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
)

const (
	fieldCategory FieldID = iota
	fieldType
	fieldAction
	fieldUser
	fieldExecutable
	fieldEntity
	fieldCount
)

type arraySchema struct{}

func (arraySchema) Field(name string) (Field, bool) {
	for id, known := range (arraySchema{}).FieldNames() {
		if known == name {
			return Field{ID: FieldID(id), Type: TypeString, Costly: FieldID(id) == fieldExecutable}, true
		}
	}
	return Field{}, false
}

func (arraySchema) FieldNames() []string {
	return []string{"event.category", "event.type", "event.action", "user.id", "process.executable", "process.entity_id"}
}

type arrayEvent struct {
	time   int64
	values [fieldCount]Value
}

func (e *arrayEvent) Time() int64               { return e.time }
func (e *arrayEvent) Tiebreaker() (int64, bool) { return 0, false }
func (e *arrayEvent) Value(id FieldID) Value    { return e.values[id] }
func (e *arrayEvent) Retain()                   {}
func (e *arrayEvent) Release()                  {}

func connection(user, entity string) *arrayEvent {
	e := new(arrayEvent)
	e.values[fieldCategory] = String("network")
	e.values[fieldType] = String("start")
	e.values[fieldAction] = String("connection_attempted")
	e.values[fieldUser] = String(user)
	e.values[fieldExecutable] = String("/usr/local/bin/something")
	e.values[fieldEntity] = String(entity)
	return e
}

func newSession(entity string) *arrayEvent {
	e := connection("0", entity)
	e.values[fieldCategory] = String("process")
	e.values[fieldType] = String("change")
	e.values[fieldAction] = String("session_id_change")
	return e
}

const rootConnects = `sequence by process.entity_id with maxspan=1m
[network where event.type == "start" and event.action == "connection_attempted" and user.id == "0" and
    not process.executable : ("/bin/ssh", "/sbin/ssh", "/usr/lib/systemd/systemd", "/usr/sbin/sshd")]
[process where event.action == "session_id_change" and user.id == "0" and
    not process.executable : ("/bin/ssh", "/sbin/ssh", "/usr/lib/systemd/systemd", "/usr/sbin/sshd")]`

func rootConnectsEngine(tb testing.TB, limits Limits) *Engine {
	tb.Helper()
	rule := new(Rule)
	rule.Query = rootConnects
	compiled, err := Compile(rule, arraySchema{})
	if err != nil {
		tb.Fatal(err)
	}
	return NewEngine([]*Compiled{compiled}, limits, func(Match) {})
}

func TestNoAllocationPerEvent(t *testing.T) {
	engine := rootConnectsEngine(t, Limits{})
	failing, other, overwriting := connection("1000", "e"), newSession("f"), connection("0", "g")
	unmatched := connection("0", "g")
	unmatched.values[fieldCategory] = String("file")
	engine.Process(overwriting)
	for name, ev := range map[string]*arrayEvent{
		"of another category":           unmatched,
		"that fails a condition":        failing,
		"whose key is not pending":      other,
		"that overwrites a pending one": overwriting,
	} {
		if n := testing.AllocsPerRun(100, func() { engine.Process(ev) }); n != 0 {
			t.Errorf("an event %s costs %v allocations", name, n)
		}
	}
}

// distinctRules returns an engine with the default rule and many that differ
// from it in their actions, functions and keys.
func distinctRules(tb testing.TB, n int) *Engine {
	tb.Helper()
	queries := []string{rootConnects}
	for i := 1; i < n; i++ {
		queries = append(queries, fmt.Sprintf(`sequence by process.entity_id with maxspan=1m
			[network where event.type == "start" and event.action == "action_%d" and length(process.executable) > %d]
			![file where startsWith(process.executable, "/tmp/%d")]
			[process where event.action == "other_%d" and not process.executable : "/bin/%d*"]`, i, i, i, i, i))
	}
	var rules []*Compiled
	for _, query := range queries {
		rule := new(Rule)
		rule.Query = query
		compiled, err := Compile(rule, arraySchema{})
		if err != nil {
			tb.Fatal(err)
		}
		rules = append(rules, compiled)
	}
	return NewEngine(rules, Limits{}, func(Match) {})
}

func TestNoAllocationInFunctions(t *testing.T) {
	ev := connection("0", "e")
	for _, condition := range []string{
		`length(process.executable) > 100`, `startsWith~(process.executable, "/BIN")`, `endsWith(process.executable, "x")`,
		`stringContains~(process.executable, "SSHD")`, `indexOf(process.executable, "q") >= 0`, `substring(process.executable, 1, 4) == "bin"`,
		`between(process.executable, "/usr/", "/some") == "x"`, `number(user.id) + 1 > 5`, `cidrMatch(user.id, "10.0.0.0/8")`,
		`process.executable regex "/bin/.*"`, `null == (number(user.id) > -1)`, `process.executable regex~ ("/tmp/.*", "/dev/shm/.*")`,
	} {
		rule := new(Rule)
		rule.Query = "any where " + condition
		compiled, err := Compile(rule, arraySchema{})
		if err != nil {
			t.Fatal(err)
		}
		matches := 0
		engine := NewEngine([]*Compiled{compiled}, Limits{}, func(Match) { matches++ })
		if n := testing.AllocsPerRun(100, func() { engine.Process(ev) }); n != 0 || matches > 0 {
			t.Errorf("%s: %v allocations, %d matches", condition, n, matches)
		}
	}
}

func BenchmarkFirstConditionFails300Rules(b *testing.B) {
	engine := distinctRules(b, 300)
	ev := connection("1000", "e")
	ev.values[fieldType] = String("info")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

func BenchmarkOtherCategory300Rules(b *testing.B) {
	engine := distinctRules(b, 300)
	ev := connection("0", "e")
	ev.values[fieldCategory] = String("registry")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

// BenchmarkNegativeStages300Rules has every event meet the negative stage of
// all rules.
func BenchmarkNegativeStages300Rules(b *testing.B) {
	engine := distinctRules(b, 300)
	ev := connection("0", "e")
	ev.values[fieldCategory] = String("file")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

func BenchmarkFirstConditionFails(b *testing.B) {
	engine := rootConnectsEngine(b, Limits{})
	ev := connection("1000", "e")
	ev.values[fieldType] = String("info")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

func BenchmarkOtherCategory(b *testing.B) {
	engine := rootConnectsEngine(b, Limits{})
	ev := connection("0", "e")
	ev.values[fieldCategory] = String("file")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

// BenchmarkLiveKeys has one of 100 events advance one of 100,000 pending
// sequences, and start it anew.
func BenchmarkLiveKeys(b *testing.B) {
	const live = 100_000
	engine := rootConnectsEngine(b, Limits{PendingPerRule: live, PendingTotal: live})
	begin := make([]*arrayEvent, live)
	complete := make([]*arrayEvent, live)
	for i := range begin {
		entity := "entity-" + strconv.Itoa(i)
		begin[i], complete[i] = connection("0", entity), newSession(entity)
		engine.Process(begin[i])
	}
	failing := connection("1000", "e")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		switch n % 100 {
		case 0:
			engine.Process(complete[n/100%live])
		case 1:
			engine.Process(begin[n/100%live])
		default:
			engine.Process(failing)
		}
		n++
	}
}

const (
	benchmarkPattern = "/usr/*/python?.*/site-*"
	benchmarkText    = "/usr/local/lib64/python3.11/site-packages/requests/api.py"
)

func BenchmarkWildcard(b *testing.B) {
	w := newWildcard(benchmarkPattern, true)
	b.ReportAllocs()
	for b.Loop() {
		if !w.match(benchmarkText) {
			b.Fatal("no match")
		}
	}
}

func BenchmarkWildcardAsRegexp(b *testing.B) {
	r := regexp.MustCompile(`(?is)^/usr/.*/python.\..*/site-.*$`)
	b.ReportAllocs()
	for b.Loop() {
		if !r.MatchString(benchmarkText) {
			b.Fatal("no match")
		}
	}
}
