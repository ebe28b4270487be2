package schedule

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tripline/detect"
	"tripline/hunt"
	"tripline/internal/version"
	"tripline/rules"
	"tripline/sensor/alert"
)

// run runs rules over events and returns the alerts' documents.
func run(t *testing.T, state string, loaded []*detect.Rule, files ...string) (documents, ids []string, summary Summary) {
	t.Helper()
	queries, err := hunt.Compile(loaded, hunt.FieldNames{})
	if err != nil {
		t.Fatal(err)
	}
	report := func(err error) { t.Error(err) }
	raised, err := OpenRaised(state, report)
	if err != nil {
		t.Fatal(err)
	}
	summary, err = Run(t.Context(), &Options{
		Queries: queries, Files: files, Raised: raised, Hunt: hunt.Options{Report: report},
		OnAlert: func(made alert.Alert) error {
			documents, ids = append(documents, string(made.JSON)), append(ids, made.ID)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := raised.Save(); err != nil {
		t.Fatal(err)
	}
	if err := raised.Close(); err != nil {
		t.Fatal(err)
	}
	return documents, ids, summary
}

// TestAsReplayed gives for the events of every recorded log the very alerts that
// the log itself gives, and the second time none.
func TestAsReplayed(t *testing.T) {
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob("../../testdata/*.events.golden")
	if err != nil || len(logs) == 0 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	raisedAny := 0
	for _, events := range logs {
		t.Run(filepath.Base(events), func(t *testing.T) {
			text, err := os.ReadFile(strings.Replace(events, ".events.", ".alerts.", 1))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
			if len(text) == 0 {
				want = nil
			}
			state := filepath.Join(t.TempDir(), "state")
			got, _, _ := run(t, state, loaded, events)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], `"`+version.Version+`"`, `"VERSION"`)
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%d alerts differ from %d replayed", len(got), len(want))
			}
			if again, _, summary := run(t, state, loaded, events); len(again) > 0 || summary.Known != uint64(len(want)) {
				t.Errorf("%d alerts again, %d known", len(again), summary.Known)
			}
			raisedAny += len(got)
		})
	}
	if raisedAny == 0 {
		t.Error("no log gives an alert")
	}
}

// pairs is a rule that finds a start and an end by one process.
func pairs(interval, from string, signals int) []*detect.Rule {
	return []*detect.Rule{{File: "r.toml", Definition: detect.Definition{
		RuleID: "r", Name: "r", Version: 1, Type: "eql", Language: "eql", Interval: interval, From: from, MaxSignals: signals,
		Query: `sequence by process.pid [any where event.action == "start"] [any where event.action == "end"]`,
	}}}
}

// events writes pairs of events, each from and to a time of 2026-11-25.
func events(t *testing.T, spans ...string) string {
	t.Helper()
	var text strings.Builder
	for i, span := range spans {
		from, to, _ := strings.Cut(span, "-")
		for j, at := range []string{from, to} {
			fmt.Fprintf(&text, `{"@timestamp":"2026-11-25T%sZ","event":{"action":%q,"sequence":%d},"process":{"pid":%d}}`+"\n",
				at, []string{"start", "end"}[j], 2*i+j, i)
		}
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWindows(t *testing.T) {
	for _, test := range []struct {
		name, interval, from       string
		spans                      []string
		raised, outside, throttled int
	}{
		{"within a run", "5m", "now-9m", []string{"00:01:00-00:02:00"}, 1, 0, 0},
		{"over a run's time", "5m", "now-9m", []string{"00:04:00-00:06:00"}, 1, 0, 0},
		{"as far back as it looks", "5m", "now-9m", []string{"00:01:00-00:09:59"}, 1, 0, 0},
		{"longer than it looks back", "5m", "now-9m", []string{"00:00:59-00:09:59"}, 0, 1, 0},
		{"between runs that leave a gap", "1h", "now-5m", []string{"00:10:00-00:11:00", "00:56:00-00:57:00"}, 1, 1, 0},
		{"the default looks back six minutes", "5m", "", []string{"00:04:00-00:09:00", "00:14:00-00:20:01"}, 1, 1, 0},
		{"two in one run and two in another", "5m", "now-9m", []string{"00:01:00-00:01:01", "00:02:00-00:02:01", "00:03:00-00:03:01", "00:06:00-00:06:01"}, 4, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, ids, summary := run(t, filepath.Join(t.TempDir(), "s"), pairs(test.interval, test.from, 2), events(t, test.spans...))
			if len(ids) != test.raised || int(summary.Outside) != test.outside || int(summary.Throttled) != test.throttled {
				t.Errorf("%d raised, %+v", len(ids), summary)
			}
		})
	}
}

// TestThrottledStaysThrottled raises nothing more the second time.
func TestThrottledStaysThrottled(t *testing.T) {
	state, file := filepath.Join(t.TempDir(), "s"), events(t, "00:01:00-00:01:01", "00:02:00-00:02:01")
	run(t, state, pairs("5m", "now-9m", 1), file)
	if _, ids, summary := run(t, state, pairs("5m", "now-9m", 1), file); len(ids) != 0 || summary.Known != 2 || summary.Throttled != 1 {
		t.Errorf("%q, %+v", ids, summary)
	}
}

// TestSummaries has one summary for what each run has beyond max_signals.
func TestSummaries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.ndjson")
	var text strings.Builder
	for i := range 10 { // five in each of two runs, by two programs
		for j, action := range []string{"start", "end"} {
			fmt.Fprintf(&text, `{"@timestamp":"2026-11-25T00:%02d:%02dZ","event":{"action":%q,"sequence":%d},"process":{"pid":%d,"executable":"/bin/%d"},"user":{"id":"0"},"destination":{"ip":"192.0.2.1","port":443},"host":{"hostname":"web","os":{"type":"linux"},"boot":{"id":"b"}},"agent":{"id":"a"}}`+"\n",
				i/5*5+1, 2*(i%5)+j, action, 2*i+j, i, i%2)
		}
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	documents, ids, summary := run(t, filepath.Join(t.TempDir(), "s"), pairs("5m", "now-9m", 2), path)
	if len(documents) != 6 || summary.Throttled != 6 || summary.Alerts != 6 || ids[4] == ids[5] {
		t.Fatalf("%d alerts, %+v", len(documents), summary)
	}
	for i, wants := range [][]string{
		{
			`"from":"2026-11-25T00:00:00.000Z"`, `"to":"2026-11-25T00:05:00.000Z"`, `"first":"2026-11-25T00:01:05.000Z"`, `"last":"2026-11-25T00:01:09.000Z"`,
			`{"count":2,"destination_ip":"192.0.2.1","destination_port":443,"executable":"/bin/0","user_id":"0"}`,
		},
		{
			`"from":"2026-11-25T00:05:00.000Z"`, `"to":"2026-11-25T00:10:00.000Z"`,
			`{"count":2,"destination_ip":"192.0.2.1","destination_port":443,"executable":"/bin/1","user_id":"0"}`,
		},
	} {
		for _, want := range append(wants, `"alerts_summarized"`, `"count":3`, `"max_signals":2`, `"hostname":"web"`, `"boot":{"id":"b"}`) {
			if !strings.Contains(documents[4+i], want) {
				t.Errorf("summary %d lacks %s: %s", i, want, documents[4+i])
			}
		}
	}
}

func TestBefore(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"now-9m": 9 * time.Minute, "now-30s": 30 * time.Second, "now-1d": 24 * time.Hour, "now-2w": 14 * 24 * time.Hour, "now": 0, "": 0,
		"9m": -1, "now-": -1, "now-m": -1, "now+5m": -1, "now-9x": -1, "now-99999999w": -1, "now-1.5h": -1,
	} {
		got, err := before(text)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

func TestRaised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lib", "state")
	first, err := OpenRaised(path, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRaised(path, nil); err == nil || !strings.Contains(err.Error(), "used by another") {
		t.Errorf("two use it: %v", err)
	}
	id := strings.Repeat("0a", 16)
	first.add(id)
	first.Know("elsewhere")
	if err := first.Save(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("torn"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var defects []error
	second, err := OpenRaised(path, func(err error) { defects = append(defects, err) })
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if !second.Has(id) || second.Has("elsewhere") || len(defects) != 1 || !strings.Contains(defects[0].Error(), "state:2: ") {
		t.Errorf("%v, %v", second.own, defects)
	}
}

// TestRaisedIsNoOtherFile leaves alone what is no state file: a wrong name on the
// command line must not cost the file that has it.
func TestRaisedIsNoOtherFile(t *testing.T) {
	for _, content := range []string{`{"event":{"kind":"alert"}}` + "\n", strings.Repeat("x", 1<<20)} {
		path := filepath.Join(t.TempDir(), "alerts.ndjson")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenRaised(path, func(error) {}); err == nil || !strings.Contains(err.Error(), "stays as it is") {
			t.Errorf("the error is %v", err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("it was changed: %v", err)
		}
	}
}
