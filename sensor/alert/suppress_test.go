package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"

	"tripline/detect"
	"tripline/normalize"
	"tripline/rules"
)

// alertsWith runs records through the shipped rule with an exception and counts
// alerts.
func alertsWith(t *testing.T, records, condition string) int {
	t.Helper()
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := detect.Compile(loaded[0], normalize.Schema())
	if err != nil {
		t.Fatal(err)
	}
	exception, err := detect.CompileException(condition, normalize.Schema())
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	engine := detect.NewEngine([]*detect.Compiled{compiled.Except(exception)}, detect.Limits{}, func(detect.Match) { count++ })
	correlator := normalize.NewCorrelator(normalize.Options{Ordered: true, Emit: func(e *normalize.Event) { engine.Process(e) }})
	for line := range strings.Lines(records) {
		record, err := normalize.ParseLine([]byte(strings.TrimSpace(line)))
		if err != nil {
			t.Fatal(err)
		}
		correlator.Add(record)
	}
	correlator.Flush()
	engine.Close()
	return count
}

// readBack reads the printed block as a configuration does.
func readBack(t *testing.T, text string) (rule, condition, comment, until string) {
	t.Helper()
	var block struct {
		Exceptions []struct{ Rule, Condition, Comment, Until string }
	}
	if _, err := toml.Decode(text, &block); err != nil || len(block.Exceptions) != 1 {
		t.Fatalf("%v in:\n%s", err, text)
	}
	one := block.Exceptions[0]
	return one.Rule, one.Condition, one.Comment, one.Until
}

// TestSuppress proposes an exception, reads the printed block back, and has it
// exempt the alert's events and no others.
func TestSuppress(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	proposal, err := Suppress(build(t, false).JSON, now)
	if err != nil {
		t.Fatal(err)
	}
	text := proposal.TOML()
	if strings.ContainsRune(text, 0x1b) {
		t.Errorf("the text can act on the terminal: %q", text)
	}
	rule, condition, comment, until := readBack(t, text)
	if rule != "eb6a3790-d52d-11ec-8ce9-f661ea17fbce" || until != "2027-02-23" || !strings.Contains(comment, build(t, false).ID) || condition != proposal.Condition {
		t.Errorf("the block is\n%s", text)
	}
	for _, part := range []string{`process.executable == "/tmp/`, `destination.ip == "192.0.2.1"`, "destination.port == 4444", `user.audit.id == "1000"`} {
		if !strings.Contains(condition, part) {
			t.Errorf("%s is missing in %s", part, condition)
		}
	}
	if len(proposal.Warnings) != 1 || !strings.Contains(proposal.Warnings[0], "replace") {
		t.Errorf("the warnings are %q", proposal.Warnings)
	}
	for _, test := range []struct {
		name, records string
		alerts        int
	}{
		{"the same", attack, 0},
		{"another port", strings.ReplaceAll(attack, "0200115CC0000201", "0200115DC0000201"), 1},
		{"another address", strings.ReplaceAll(attack, "0200115CC0000201", "0200115CC0000202"), 1},
		{"another program", strings.ReplaceAll(attack, "exe=2F746D702F1B5B326A", `exe="/tmp/other"`), 1},
		{"another login", strings.ReplaceAll(attack, "auid=1000", "auid=1001"), 1},
	} {
		if got := alertsWith(t, test.records, condition); got != test.alerts {
			t.Errorf("%s: %d alerts, want %d", test.name, got, test.alerts)
		}
	}
}

func TestSuppressSays(t *testing.T) {
	for _, test := range []struct {
		name, event, says string
	}{
		{"deleted", `{"process":{"executable":"/usr/bin/x"},"destination":{"ip":"192.0.2.1"},"tripline":{"executable":{"deleted":true}}}`, "deleted"},
		{"interpreter", `{"process":{"executable":"/usr/bin/python3.11"},"destination":{"ip":"192.0.2.1"}}`, "interpreter"},
		{"no executable", `{"user":{"id":"0"},"destination":{"ip":"192.0.2.1"}}`, "every program"},
		{"no destination", `{"process":{"executable":"/usr/bin/x"}}`, "every one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			document := `{"rule":{"id":"r"},"tripline":{"alert":{"id":"a","sequence":[null,` + test.event + `]}}}`
			proposal, err := Suppress([]byte(document), time.Now())
			if err != nil || len(proposal.Warnings) != 1 || !strings.Contains(proposal.Warnings[0], test.says) {
				t.Errorf("%+v, %v", proposal, err)
			}
		})
	}
	if _, err := Suppress([]byte(`{"tripline":{"alert":{"id":"a","summary":{}}}}`), time.Now()); err == nil || !strings.Contains(err.Error(), "summary") {
		t.Errorf("of a summary: %v", err)
	}
}

// FuzzSuppress makes blocks of any executable's path, which must read back.
func FuzzSuppress(f *testing.F) {
	for _, path := range []string{"/bin/x", `/a'b"c\`, "/\x00\n\x1b", "'''", "\u202e", "\"\"\""} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		name, err := json.Marshal(path)
		if err != nil {
			t.Skip(err)
		}
		document := `{"rule":{"id":"r"},"tripline":{"alert":{"id":"a","sequence":[{"process":{"executable":` + string(name) + `}}]}}}`
		proposal, err := Suppress([]byte(document), time.Now())
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if _, condition, _, _ := readBack(t, proposal.TOML()); condition != proposal.Condition {
			t.Errorf("%q became %q", proposal.Condition, condition)
		}
	})
}
