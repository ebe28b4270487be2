package alert

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/version"
	"tripline/normalize"
	"tripline/rules"
)

var update = flag.Bool("update", false, "write the golden files anew")

// matches runs the records of an attack through the shipped rule and calls back
// for each match.
func matches(t *testing.T, records string, onMatch func(detect.Match)) {
	t.Helper()
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := detect.Compile(loaded[0], normalize.Schema())
	if err != nil {
		t.Fatal(err)
	}
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, onMatch)
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
}

// attack is the behaviour by a program with a hostile name: an escape sequence.
const attack = `type=SYSCALL msg=audit(1700000000.100:7): arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=1 a2=10 a3=0 items=0 ppid=10 pid=20 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=4 comm="x" exe=2F746D702F1B5B326A key="tripline"
type=SOCKADDR msg=audit(1700000000.100:7): saddr=0200115CC0000201000000000000000000
type=PROCTITLE msg=audit(1700000000.100:7): proctitle=78001B5D303B6F776E656407
type=SYSCALL msg=audit(1700000001.200:9): arch=c000003e syscall=112 success=yes exit=20 a0=0 a1=0 a2=0 a3=0 items=0 ppid=10 pid=20 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4 comm="x" exe=2F746D702F1B5B326A key="tripline"
type=PROCTITLE msg=audit(1700000001.200:9): proctitle=78001B5D303B6F776E656407
`

// build makes the alert of the attack.
func build(t *testing.T, test bool) Alert {
	t.Helper()
	var made []Alert
	builder := Builder{}
	matches(t, attack, func(match detect.Match) {
		one, err := builder.Build(match, test)
		if err != nil {
			t.Fatal(err)
		}
		if err := one.Describe(); err != nil {
			t.Fatal(err)
		}
		made = append(made, one)
	})
	if len(made) != 1 {
		t.Fatalf("%d alerts", len(made))
	}
	return made[0]
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

func TestGolden(t *testing.T) {
	made := build(t, false)
	var document any
	if err := json.Unmarshal(made.JSON, &document); err != nil {
		t.Fatal(err)
	}
	indented, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/alert.golden", strings.ReplaceAll(string(indented), `"`+version.Version+`"`, `"VERSION"`)+"\n")
	text, err := Text(made.JSON)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/text.golden", string(text))
	if strings.ContainsAny(string(text), "\x1b\x07") {
		t.Errorf("the text can act on the terminal: %q", text)
	}
}

// TestEveryRuleAttribute finds each attribute of the shipped rule in the alert.
func TestEveryRuleAttribute(t *testing.T) {
	fields, err := parse(build(t, false).JSON)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"rule.id": `"eb6a3790-d52d-11ec-8ce9-f661ea17fbce"`, "rule.version": `"3"`,
		"rule.name": `"Suspicious Network Connection Attempt by Root"`, "rule.author": `["Elastic"]`,
		"rule.license":                          `"Elastic License v2"`,
		"threat.framework":                      `"MITRE ATT\u0026CK"`,
		"threat.tactic.id":                      `["TA0011","TA0004"]`,
		"threat.tactic.name":                    `["Command and Control","Privilege Escalation"]`,
		"threat.technique.id":                   `["T1095","T1548"]`,
		"threat.technique.subtechnique.id":      `["T1548.003"]`,
		"kibana.alert.severity":                 `"medium"`,
		"kibana.alert.risk_score":               `43`,
		"kibana.alert.rule.type":                `"eql"`,
		"kibana.alert.rule.parameters.language": `"eql"`,
		"kibana.alert.rule.parameters.index":    `["logs-endpoint.events.*","logs-tripline.events-*"]`,
		"kibana.alert.rule.interval":            `"5m"`,
		"kibana.alert.rule.from":                `"now-9m"`,
		"kibana.alert.rule.max_signals":         `100`,
		"kibana.alert.rule.version":             `3`,
		"kibana.alert.rule.tags":                `["Elastic","Host","Linux","Threat Detection","Command and Control"]`,
		"event.kind":                            `"alert"`,
		"process.pid":                           `20`,
		"destination.ip":                        `"192.0.2.1"`,
		"destination.port":                      `4444`,
	} {
		got, err := json.Marshal(lookup(fields, strings.Split(path, ".")...))
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s (%v)", path, got, want, err)
		}
	}
	references, _ := lookup(fields, "kibana", "alert", "rule", "references").([]any)
	events, _ := lookup(fields, "tripline", "alert", "sequence").([]any)
	guide, _ := lookup(fields, "tripline", "alert", "guide").(string)
	if len(references) != 3 || len(events) != 2 || !strings.Contains(guide, "## ") {
		t.Errorf("%d references, %d events, guide %.40q", len(references), len(events), guide)
	}
}

func TestIDIsStable(t *testing.T) {
	if got := build(t, false).ID; got != build(t, true).ID || len(got) != 32 {
		t.Errorf("the id %q is not the same for the same events", got)
	}
	moved := ""
	matches(t, strings.ReplaceAll(attack, ":9)", ":10)"), func(m detect.Match) { moved = ID(m) })
	if moved == build(t, false).ID {
		t.Error("other events have the same id")
	}
}

// TestNegativeStage makes an alert of a match that has no event for a stage.
func TestNegativeStage(t *testing.T) {
	var made []Alert
	builder := Builder{}
	matches(t, attack, func(match detect.Match) {
		match.Events = []detect.Event{nil, match.Events[0], nil, match.Events[1], nil}
		one, err := builder.Build(match, false)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, one)
	})
	fields, err := parse(made[0].JSON)
	if err != nil {
		t.Fatal(err)
	}
	events, _ := lookup(fields, "tripline", "alert", "sequence").([]any)
	if len(events) != 5 || events[0] != nil || events[1] == nil || events[4] != nil || lookup(fields, "event", "action") != "session_id_change" {
		t.Errorf("%d events, action %v", len(events), lookup(fields, "event", "action"))
	}
	if _, err := Text(made[0].JSON); err != nil {
		t.Error(err)
	}
	if made[0].ID == build(t, false).ID {
		t.Error("the id does not tell the stages apart")
	}
}

// TestTextOfRelatives shows to a person what the process descends from.
func TestTextOfRelatives(t *testing.T) {
	text, err := Text([]byte(`{"tripline":{"alert":{"sequence":[null,{"container":{"id":"x1","runtime":"docker"},"tripline":{"systemd":{"unit":"a.service"},
		"process":{"ancestors":[{"name":"ba\u001bsh","pid":20},{"name":"systemd","pid":1}]}}},null]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`parents   ba\x1bsh (20), systemd (1)`, "part of   docker container x1, a.service"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// TestDocumentIsECS holds the alert against the schema; what Elastic's detection
// engine adds to it is under kibana.alert.
func TestDocumentIsECS(t *testing.T) {
	checkECS(t, build(t, false).JSON)
	checkECS(t, build(t, true).JSON)
}

func TestTestMark(t *testing.T) {
	made := build(t, true)
	text, err := Text(made.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Test || !strings.HasPrefix(string(text), "TEST ALERT") || !strings.Contains(string(made.JSON), `"test":true`) {
		t.Errorf("the mark is missing: %s", text)
	}
	if plain := build(t, false); plain.Test || strings.Contains(string(plain.JSON), `"test":true`) {
		t.Error("an alert that is no test is marked")
	}
}

func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"plain /usr/bin/x é":       "plain /usr/bin/x é",
		"a\x1b[31mb":               `a\x1b[31mb`,
		"a\nb\tc\r":                `a\nb\tc\r`,
		"bad \xff byte":            `bad \xff byte`,
		"right\u202eto left":       `right\u202eto left`,
		"a replacement \ufffd too": "a replacement \ufffd too",
		"":                         "",
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
