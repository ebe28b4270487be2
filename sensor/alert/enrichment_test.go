package alert

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tripline/detect"
	"tripline/internal/ecs"
	"tripline/normalize"
	"tripline/rules"
	"tripline/sensor/throttle"
)

func TestSubject(t *testing.T) {
	subject := build(t, false).Subject
	want := Subject{
		PID: 20, ParentPID: 10, EntityID: subject.EntityID, Inferred: true, Executable: "/tmp/\x1b[2j", CommandLine: "x \x1b]0;owned\x07", Name: "\x1b[2j",
		UserID: "0", LoginID: "1000", FirstEvent: time.UnixMilli(1700000000100),
	}
	if subject != want || subject.EntityID == "" {
		t.Errorf("%+v", subject)
	}
}

// TestEnrichment puts the evidence's document over the alert's and gets the whole.
func TestEnrichment(t *testing.T) {
	made := build(t, true)
	text, err := made.Enrichment(time.UnixMilli(1700000001234), map[string]any{"hints": []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	checkECS(t, text)
	fields, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"tripline.alert.id": `"` + made.ID + `"`, "tripline.alert.test": "true", "tripline.alert.evidence.hints": `["x"]`,
		"event.kind": `"enrichment"`, "event.dataset": `"tripline.evidence"`, "data_stream.dataset": `"tripline.evidence"`,
		"@timestamp": `"2023-11-14T22:13:21.234Z"`, "process.pid": "20", "rule.id": `"eb6a3790-d52d-11ec-8ce9-f661ea17fbce"`,
		"process.args": "null", "agent.type": `"tripline"`,
	} {
		got, err := json.Marshal(lookup(fields, strings.Split(path, ".")...))
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s (%v)", path, got, want, err)
		}
	}
}

// checkECS holds a document against the schema.
func checkECS(t *testing.T, document []byte) {
	t.Helper()
	for _, err := range ecs.Check(document, "auditd", "tripline", "kibana.alert", "user.real", "user.saved", "user.filesystem", "user.audit") {
		t.Error(err)
	}
}

func TestSummary(t *testing.T) {
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1700000000000)
	summary := throttle.Summary{
		Rule: loaded[0], FirstID: "id", From: at, To: at.Add(5 * time.Minute), Signals: 100,
		Count: 5, First: at.Add(time.Second), Last: at.Add(2 * time.Second), Others: 2,
		Groups: []throttle.Group{{Executable: "/bin/x", User: "0", Destination: "192.0.2.1", Port: 443, Count: 3}},
	}
	builder := Builder{Host: &normalize.HostFacts{ID: "host", Hostname: "name"}}
	made, err := builder.Summary(summary)
	if err != nil {
		t.Fatal(err)
	}
	checkECS(t, made.JSON)
	fields, err := parse(made.JSON)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"event.kind": `"alert"`, "event.action": `"alerts_summarized"`, "host.hostname": `"name"`,
		"@timestamp": `"2023-11-14T22:13:22.000Z"`, "event.start": `"2023-11-14T22:13:21.000Z"`, "kibana.alert.severity": `"medium"`,
		"threat.technique.subtechnique.id": `["T1548.003"]`,
		"tripline.alert.summary.groups":    `[{"count":3,"destination_ip":"192.0.2.1","destination_port":443,"executable":"/bin/x","user_id":"0"}]`,
		"tripline.alert.summary.count":     "5", "tripline.alert.summary.others": "2",
	} {
		got, err := json.Marshal(lookup(fields, strings.Split(path, ".")...))
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, want %s (%v)", path, got, want, err)
		}
	}
	again, err := builder.Summary(summary)
	if err != nil || again.ID != made.ID || len(made.ID) != 32 || made.Subject.PID != 0 {
		t.Errorf("ids %s and %s, subject %+v, %v", made.ID, again.ID, made.Subject, err)
	}
	text, err := Text(made.JSON)
	if err != nil || !strings.Contains(string(text), "5 more matches") || !strings.Contains(string(text), "/bin/x") {
		t.Errorf("the text is %s, %v", text, err)
	}
}
