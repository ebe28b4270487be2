package detect_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tripline/detect"
)

// A scenario file holds tests of the engine, separated by lines of ---:
//
//	name: what is tested
//	query: an EQL query, which may go on in indented lines
//	event: NAME TIME CATEGORY {"field": value, …}
//	advance: TIME
//	finish: the end of the input; the query may have what only finite input has
//	tolerance: a duration by which events may be late
//	match: NAMES of the matched events, in the order in which they are reported
//	error: the text of the compile error, instead of events
//	stats: counter=value …
//
// TIME is a Go duration since the start, with #N behind it for a tiebreaker.
// CATEGORY is - for none, a|b for two. Lines of # are comments. After each
// scenario the engine is closed, and no event may be retained any more.

type scenario struct {
	name, query, wantError, stats string
	limits                        detect.Limits
	line                          int
	steps                         []step
	matches                       []string
}

// step is an event, the end of the input or, if neither, an advance of time.
type step struct {
	event  *testEvent
	finish bool
	time   int64
}

func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.eqltest")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario files: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		schema := newTestSchema()
		for _, s := range parseScenarios(t, schema, file, string(data)) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".eqltest")+"/"+s.name, func(t *testing.T) { s.run(t, schema) })
		}
	}
}

func (s *scenario) run(t *testing.T, schema *testSchema) {
	finite := slices.ContainsFunc(s.steps, func(one step) bool { return one.finish })
	compiled, err := detect.CompileWith(newRule(s.query), schema, detect.CompileOptions{Finite: finite})
	if s.wantError != "" {
		if err == nil || err.Error() != s.wantError {
			t.Fatalf("line %d: Compile(%s)\n got %v\nwant %s", s.line, s.query, err, s.wantError)
		}
		return
	}
	if err != nil {
		t.Fatalf("line %d: Compile(%s): %v", s.line, s.query, err)
	}
	var got []string
	engine := detect.NewEngine([]*detect.Compiled{compiled}, s.limits, func(m detect.Match) {
		got = append(got, matchText(m))
	})
	for _, step := range s.steps {
		switch {
		case step.finish:
			engine.Finish()
		case step.event == nil:
			engine.Advance(step.time)
		default:
			engine.Process(step.event)
		}
	}
	if a, b := strings.Join(got, "\n"), strings.Join(s.matches, "\n"); a != b {
		t.Errorf("line %d: matches\n got %q\nwant %q", s.line, a, b)
	}
	s.checkStats(t, engine.Stats())
	engine.Close()
	for _, step := range s.steps {
		if step.event != nil && step.event.retained != 0 {
			t.Errorf("line %d: event %s is retained %d times after Close", s.line, step.event.name, step.event.retained)
		}
	}
}

func matchText(m detect.Match) string {
	var names []string
	for _, ev := range m.Events {
		if ev == nil {
			names = append(names, "-")
			continue
		}
		names = append(names, fmt.Sprint(ev))
	}
	return strings.Join(names, " ")
}

func (s *scenario) checkStats(t *testing.T, stats detect.Stats) {
	t.Helper()
	values := map[string]any{
		"matches": stats.Matches, "pending": stats.Pending, "started": stats.Started, "overwritten": stats.Overwritten,
		"expired": stats.Expired, "ended": stats.Ended, "evicted": stats.Evicted, "missing": stats.KeysMissing,
		"ruledout": stats.RuledOut, "late": stats.Late,
	}
	for _, want := range strings.Fields(s.stats) {
		name, value, _ := strings.Cut(want, "=")
		if got := fmt.Sprint(values[name]); got != value {
			t.Errorf("line %d: %s is %s, want %s", s.line, name, got, value)
		}
	}
}

func parseScenarios(t *testing.T, schema *testSchema, file, text string) []*scenario {
	t.Helper()
	var all []*scenario
	current := &scenario{}
	for i, line := range strings.Split(text+"\n---", "\n") {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case line == "---":
			if current.name != "" {
				all = append(all, current)
			}
			current = &scenario{}
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " "):
			current.query += "\n" + line
		case key == "name":
			current.name, current.line = value, i+1
		case key == "query":
			current.query = value
		case key == "event":
			current.steps = append(current.steps, parseEvent(t, schema, fmt.Sprintf("%s:%d", file, i+1), value))
		case key == "advance":
			current.steps = append(current.steps, step{time: parseTime(t, value)})
		case key == "finish":
			current.steps = append(current.steps, step{finish: true})
		case key == "tolerance":
			current.limits.Tolerance = parseTime(t, value) - start
		case key == "pending":
			current.limits.PendingPerRule = int(parseTime(t, value+"ns") - start)
		case key == "match":
			current.matches = append(current.matches, value)
		case key == "error":
			current.wantError = value
		case key == "stats":
			current.stats = value
		default:
			t.Fatalf("%s:%d: unknown line %q", file, i+1, line)
		}
	}
	return all
}

// start is the time from which the times of scenarios count.
var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()

func parseTime(t *testing.T, text string) int64 {
	t.Helper()
	offset, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return start + int64(offset)
}

func parseEvent(t *testing.T, schema *testSchema, place, text string) step {
	t.Helper()
	parts := strings.SplitN(text, " ", 4)
	if len(parts) < 3 {
		t.Fatalf("%s: an event has a name, a time and a category", place)
	}
	clock, tiebreaker, hasTiebreaker := strings.Cut(parts[1], "#")
	ev := newEvent(t, schema, parseTime(t, clock))
	ev.name, ev.hasTiebreaker = parts[0], hasTiebreaker
	if hasTiebreaker {
		if _, err := fmt.Sscan(tiebreaker, &ev.tiebreaker); err != nil {
			t.Fatalf("%s: %v", place, err)
		}
	}
	fields := make(map[string]any)
	if len(parts) == 4 {
		decoder := json.NewDecoder(strings.NewReader(parts[3]))
		decoder.UseNumber()
		if err := decoder.Decode(&fields); err != nil {
			t.Fatalf("%s: %v", place, err)
		}
	}
	if parts[2] != "-" {
		var categories []any
		for _, category := range strings.Split(parts[2], "|") {
			categories = append(categories, category)
		}
		fields["event.category"] = categories
	}
	for name, value := range fields {
		field, ok := schema.Field(name)
		if !ok {
			t.Fatalf("%s: no field %q", place, name)
		}
		ev.values[field.ID] = jsonValue(t, value)
	}
	return step{event: ev}
}

// jsonValue converts what encoding/json decoded with UseNumber.
func jsonValue(t testing.TB, value any) detect.Value {
	t.Helper()
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return detect.Int(n)
		}
		f, err := v.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return detect.Float(f)
	case []any:
		var list []detect.Value
		for _, element := range v {
			list = append(list, jsonValue(t, element))
		}
		return detect.List(list)
	default:
		return valueOf(t, value)
	}
}
