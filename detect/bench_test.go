package detect

// Benchmarks and allocation tests use events of fixed arrays, so that what is
// measured is the engine.

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
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
func distinctRules(tb testing.TB, n int, limits Limits) *Engine {
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
	return NewEngine(rules, limits, func(Match) {})
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

// BenchmarkNegativeStages300Rules has every event meet the negative stage of
// all rules.
func BenchmarkNegativeStages300Rules(b *testing.B) {
	engine := distinctRules(b, 300, Limits{})
	ev := connection("0", "e")
	ev.values[fieldCategory] = String("file")
	b.ReportAllocs()
	for b.Loop() {
		engine.Process(ev)
	}
}

// cpuTime is how long the process has been running on processors. It does not
// count what else the machine does, as the clock would.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// compareRates measures how many operations a second of one core's time each of
// some ways does, and what multiple that is of the first's.
func compareRates(b *testing.B, unit string, ways []way) {
	b.Helper()
	var first float64
	for _, one := range ways {
		b.Run(one.name, func(b *testing.B) {
			operate := one.prepare(b)
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				operate()
			}
			rate := float64(b.N) / (cpuTime(b) - began).Seconds()
			if first == 0 {
				first = rate
			}
			b.ReportMetric(rate, unit+"/cpu-s")
			b.ReportMetric(rate/first, "times-first")
		})
	}
}

// way is a way to do something: prepare returns what does it once.
type way struct {
	name    string
	prepare func(*testing.B) func()
}

// withRules prepares the same events for an engine with the default rule and for
// one with 300.
func withRules(prepare func(*testing.B, *Engine) func()) []way {
	limits := Limits{PendingPerRule: liveKeys, PendingTotal: liveKeys}
	var ways []way
	for _, n := range []int{1, 300} {
		ways = append(ways, way{fmt.Sprintf("rules=%d", n), func(b *testing.B) func() {
			b.Helper()
			return prepare(b, distinctRules(b, n, limits))
		}})
	}
	return ways
}

// BenchmarkFirstConditionFails has events that have category and action of the
// rule's first stage, but fail the first condition.
func BenchmarkFirstConditionFails(b *testing.B) {
	compareRates(b, "events", withRules(func(_ *testing.B, engine *Engine) func() {
		ev := connection("1000", "e")
		ev.values[fieldType] = String("info")
		return func() {
			ev.time += 1000
			engine.Process(ev)
		}
	}))
}

// BenchmarkOtherCategory has events of a category that no rule is about.
func BenchmarkOtherCategory(b *testing.B) {
	compareRates(b, "events", withRules(func(_ *testing.B, engine *Engine) func() {
		ev := connection("0", "e")
		ev.values[fieldCategory] = String("registry")
		return func() {
			ev.time += 1000
			engine.Process(ev)
		}
	}))
}

const liveKeys = 100_000

// BenchmarkLiveKeys has one of 100 events complete one of 100,000 pending
// sequences, and the next start it anew. The others fail a condition.
func BenchmarkLiveKeys(b *testing.B) {
	compareRates(b, "events", withRules(func(_ *testing.B, engine *Engine) func() {
		begin, complete := make([]*arrayEvent, liveKeys), make([]*arrayEvent, liveKeys)
		for i := range begin {
			entity := "entity-" + strconv.Itoa(i)
			begin[i], complete[i] = connection("0", entity), newSession(entity)
			engine.Process(begin[i])
		}
		failing := connection("1000", "e")
		n, now := 0, int64(0)
		return func() {
			ev := failing
			switch n % 100 {
			case 0:
				ev = complete[n/100%liveKeys]
			case 1:
				ev = begin[n/100%liveKeys]
			}
			n++
			now += 1000
			ev.time = now
			engine.Process(ev)
		}
	}))
}

// BenchmarkManyPatterns compares a list of patterns with trying each of them.
func BenchmarkManyPatterns(b *testing.B) {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789/ "
	random := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	for range 2000 {
		text.WriteByte(letters[random.IntN(len(letters))])
	}
	var patterns []*wildcard
	for i := range 5000 {
		patterns = append(patterns, newWildcard(fmt.Sprintf("*%c%d*b?%c*", letters[i%26], 10_000+i, letters[i/26%26]), true))
	}
	count := func(match func(string) bool) func(*testing.B) func() {
		return func(b *testing.B) func() {
			b.Helper()
			return func() { match(text.String()) }
		}
	}
	one := func(text string) bool {
		return slices.ContainsFunc(patterns, func(pattern *wildcard) bool { return pattern.match(text) })
	}
	compareRates(b, "texts", []way{{"one by one", count(one)}, {"together", count(newPatternSet(patterns).match)}})
}

// BenchmarkWildcard compares patterns with the regular expressions that they stand
// for.
func BenchmarkWildcard(b *testing.B) {
	const text = "/usr/local/lib64/python3.11/site-packages/requests/api.py"
	for _, test := range []struct {
		pattern, expression string
		want                bool
	}{
		{"/usr/*/python?.*/site-*", `(?is)^/usr/.*/python.\..*/site-.*$`, true},
		{"*requests*", `(?is)^.*requests.*$`, true},
		{"*.py", `(?is)^.*\.py$`, true},
		{"/usr/*", `(?is)^/usr/.*$`, true},
		{"/tmp/*", `(?is)^/tmp/.*$`, false},
		{"*/nc*", `(?is)^.*/nc.*$`, false},
	} {
		check := func(match func(string) bool) func(*testing.B) func() {
			return func(b *testing.B) func() {
				b.Helper()
				return func() {
					if match(text) != test.want {
						b.Fatalf("%s and %s: want %t", test.pattern, text, test.want)
					}
				}
			}
		}
		b.Run(strings.ReplaceAll(test.pattern, "/", "|"), func(b *testing.B) {
			compareRates(b, "matches", []way{
				{"regexp", check(regexp.MustCompile(test.expression).MatchString)},
				{"wildcard", check(newWildcard(test.pattern, true).match)},
			})
		})
	}
}
