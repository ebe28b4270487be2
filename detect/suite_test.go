package detect_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"tripline/detect"
)

// suiteFolder holds Elasticsearch's own queries with their expected results.
// It is not part of the repository.
const suiteFolder = "../../shared/eql-suite"

type suiteQuery struct {
	Name     string   `toml:"name"`
	Query    string   `toml:"query"`
	Expected *[]int64 `toml:"expected_event_ids"`
}

func TestElasticsearchSuite(t *testing.T) {
	if _, err := os.Stat(suiteFolder); errors.Is(err, os.ErrNotExist) {
		t.Skipf("Elasticsearch's query suite is not at %s", suiteFolder)
	}
	schema := &testSchema{fields: make(map[string]detect.Field), open: true}
	events := loadSuiteEvents(t, schema, filepath.Join(suiteFolder, "endgame-140.jsonl"))
	schema.open = false
	run := 0
	for _, file := range []string{"test_queries.toml", "additional_test_queries.toml"} {
		var suite struct {
			Queries []suiteQuery `toml:"queries"`
		}
		if _, err := toml.DecodeFile(filepath.Join(suiteFolder, file), &suite); err != nil {
			t.Fatal(err)
		}
		for _, query := range suite.Queries {
			rule := newRule(query.Query)
			compiled, err := detect.CompileWith(rule, schema, detect.CompileOptions{CategoryField: "event_type", Finite: true})
			run++
			t.Run(strings.TrimSuffix(file, ".toml")+"/"+query.Name, func(t *testing.T) {
				if err != nil {
					t.Fatalf("Compile(%s): %v", query.Query, err)
				}
				got := suiteResults(t, schema, compiled, events)
				if query.Expected != nil && !slices.Equal(got, *query.Expected) {
					t.Errorf("%s\n got %d\nwant %d", query.Query, got, *query.Expected)
				}
			})
		}
	}
	if run < 194 {
		t.Errorf("%d queries were run, want 194", run)
	}
}

// suiteResults returns the ids of the events of all matches.
func suiteResults(t *testing.T, schema *testSchema, compiled *detect.Compiled, events []*testEvent) []int64 {
	t.Helper()
	id, _ := schema.Field("serial_event_id")
	got := []int64{}
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(m detect.Match) {
		for _, ev := range m.Events {
			got = append(got, ev.Value(id.ID).Int())
		}
	})
	for _, ev := range events {
		engine.Process(ev)
	}
	engine.Finish()
	engine.Close()
	for _, ev := range events {
		if ev.retained != 0 {
			t.Fatalf("%v is retained %d times after Close", ev, ev.retained)
		}
	}
	return got
}

func loadSuiteEvents(t *testing.T, schema *testSchema, file string) []*testEvent {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var events []*testEvent
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var document map[string]any
		decoder := json.NewDecoder(strings.NewReader(lines.Text()))
		decoder.UseNumber()
		if err := decoder.Decode(&document); err != nil {
			t.Fatal(err)
		}
		ev := newEvent(t, schema, 0)
		for name, value := range document {
			if _, ok := value.(map[string]any); ok {
				continue // the queries have no fields inside of objects
			}
			field, _ := schema.Field(name)
			ev.values[field.ID] = jsonValue(t, value)
		}
		clock, _ := schema.Field("@timestamp")
		ev.time = ev.values[clock.ID].Int() * ms
		tiebreaker, _ := schema.Field("serial_event_id")
		ev.tiebreaker, ev.hasTiebreaker = ev.values[tiebreaker.ID].Int(), true
		events = append(events, ev)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(events, func(a, b *testEvent) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.tiebreaker, b.tiebreaker))
	})
	return events
}
