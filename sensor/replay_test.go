package sensor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/version"
)

var update = flag.Bool("update", false, "write the golden files anew")

// replayed is what a replay printed and said.
type replayed struct {
	out     string
	defects []string
	summary ReplaySummary
}

// replay runs logs through the shipped rule.
func replay(t testing.TB, options ReplayOptions, files ...string) replayed {
	t.Helper()
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	var result replayed
	options.Rules = rules
	options.Report = func(err error) { result.defects = append(result.defects, err.Error()) }
	var out bytes.Buffer
	result.summary, err = Replay(context.Background(), files, options, &out)
	if err != nil {
		t.Fatal(err)
	}
	// The program's version is not part of what is compared.
	result.out = strings.ReplaceAll(out.String(), `"version":"`+version.Version+`"`, `"version":"VERSION"`)
	return result
}

// recordedLogs lists the logs under testdata/.
func recordedLogs(t testing.TB) []string {
	t.Helper()
	logs, err := filepath.Glob("../testdata/*.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("%d recorded logs, %v", len(logs), err)
	}
	return logs
}

// TestReplayGolden holds the alerts and the events of every recorded log
// against what is checked in.
func TestReplayGolden(t *testing.T) {
	for _, log := range recordedLogs(t) {
		t.Run(filepath.Base(log), func(t *testing.T) {
			for suffix, options := range map[string]ReplayOptions{
				".alerts.golden": {Alerts: true},
				".events.golden": {Events: true},
			} {
				got := replay(t, options, log)
				if len(got.defects) > 0 {
					t.Errorf("defects: %q", got.defects)
				}
				path := strings.TrimSuffix(log, ".log") + suffix
				if *update {
					if err := os.WriteFile(path, []byte(got.out), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if got.out != string(want) {
					t.Errorf("%s differs; see with: go test ./sensor -run TestReplayGolden -update; git diff testdata", path)
				}
			}
		})
	}
}

// TestRecordedAlerts counts alerts against each log's note, which says what was
// done when it was recorded.
func TestRecordedAlerts(t *testing.T) {
	for _, log := range recordedLogs(t) {
		note, err := os.ReadFile(strings.TrimSuffix(log, ".log") + ".md")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, found := strings.Cut(string(note), "Alerts by the shipped rule: ")
		if !found {
			t.Fatalf("the note of %s does not say how many alerts it gives", log)
		}
		var want uint64
		if _, err := fmt.Sscanf(rest, "%d.", &want); err != nil {
			t.Fatal(err)
		}
		if got := replay(t, ReplayOptions{Alerts: true}, log).summary.Alerts; got != want {
			t.Errorf("%s gives %d alerts, want %d", log, got, want)
		}
	}
}

// TestReplayHasNothingOfThisMachine looks for this machine in replayed events.
func TestReplayHasNothingOfThisMachine(t *testing.T) {
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, log := range recordedLogs(t) {
		lines := replay(t, ReplayOptions{Alerts: true, Events: true}, log).out
		for line := range strings.Lines(lines) {
			var document map[string]any
			if err := json.Unmarshal([]byte(line), &document); err != nil {
				t.Fatal(err)
			}
			host, _ := document["host"].(map[string]any)
			if host["hostname"] != nil || host["id"] != nil || host["boot"] != nil || strings.Contains(line, `"hostname":"`+hostname) {
				t.Errorf("%s: the host is %v", log, host)
			}
			if strings.Contains(line, `"start":"`) && strings.Contains(line, `"identity":"verified"`) {
				t.Errorf("%s: a replayed identity is not inferred: %s", log, line)
			}
		}
	}
}

// TestReplaySplitAnywhere cuts a log in two files at every line: rotation must
// not cost an alert.
func TestReplaySplitAnywhere(t *testing.T) {
	text, err := os.ReadFile("../testdata/positive.log")
	if err != nil {
		t.Fatal(err)
	}
	want := replay(t, ReplayOptions{Alerts: true}, "../testdata/positive.log").out
	folder := t.TempDir()
	lines := strings.SplitAfter(string(text), "\n")
	for cut := range lines {
		first, second := filepath.Join(folder, "audit.log.1"), filepath.Join(folder, "audit.log")
		if err := errors.Join(
			os.WriteFile(first, []byte(strings.Join(lines[:cut], "")), 0o600),
			os.WriteFile(second, []byte(strings.Join(lines[cut:], "")), 0o600),
		); err != nil {
			t.Fatal(err)
		}
		if got := replay(t, ReplayOptions{Alerts: true}, first, second).out; got != want {
			t.Errorf("cut before line %d, the alerts are %q", cut+1, got)
		}
	}
}

// TestReplayGoesOnAfterABadFile reads the good file also when another is missing
// or is a folder.
func TestReplayGoesOnAfterABadFile(t *testing.T) {
	got := replay(t, ReplayOptions{Alerts: true}, "../testdata/absent.log", t.TempDir(), "../testdata/positive.log")
	if got.summary.Alerts != 1 || got.summary.Failed != 2 || len(got.defects) != 2 {
		t.Errorf("%d alerts, %d failed, %q", got.summary.Alerts, got.summary.Failed, got.defects)
	}
}

// TestReplayMemoryIsFlat streams far more than fits into any buffer.
func TestReplayMemoryIsFlat(t *testing.T) {
	text, err := os.ReadFile("../testdata/many.log")
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	var peak uint64
	reader := &repeated{text: text, left: size, every: 4 << 20, look: func() { peak = max(peak, heapInUse()) }}
	options := ReplayOptions{
		Rules: rules, Stdin: reader, Limits: detect.Limits{}, Alerts: true,
		Report: func(err error) { t.Error(err) },
	}
	summary, err := Replay(context.Background(), []string{"-"}, options, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Bytes < size || summary.Alerts == 0 {
		t.Errorf("read %d bytes, %d alerts", summary.Bytes, summary.Alerts)
	}
	if peak > 48<<20 {
		t.Errorf("%d MiB of heap in use while reading %d MiB", peak>>20, size>>20)
	}
}

// TestReplayDecidesTrailingNegatives gives the alert of a rule whose last stage is
// negative at the end of the log, and not where the log has what rules it out.
func TestReplayDecidesTrailingNegatives(t *testing.T) {
	folder := t.TempDir()
	rule := `[rule]
name = "connects and does not detach"
rule_id = "00000000-0000-0000-0000-000000000009"
description = "x"
type = "eql"
language = "eql"
severity = "low"
risk_score = 1
query = '''
sequence by process.entity_id with maxspan=1m
  [network where event.action == "connection_attempted"]
  ![process where event.action == "session_id_change"]
'''
`
	if err := os.WriteFile(filepath.Join(folder, "rule.toml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := LoadRules(folder, nil)
	if err != nil {
		t.Fatal(err)
	}
	for log, want := range map[string]uint64{"positive-bash.log": 0, "failed-setsid.log": 1} {
		options := ReplayOptions{Rules: rules, Alerts: true, Report: func(err error) { t.Error(err) }}
		summary, err := Replay(context.Background(), []string{"../testdata/" + log}, options, io.Discard)
		if err != nil || summary.Alerts != want {
			t.Errorf("%s: %d alerts, want %d, %v", log, summary.Alerts, want, err)
		}
	}
}
