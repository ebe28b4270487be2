package alert

import (
	"fmt"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/normalize"
	"tripline/rules"
)

// documented is an event whose document is known.
type documented struct {
	detect.Event
	text string
}

func (d documented) AppendJSON(dst []byte, _ *normalize.HostFacts) []byte {
	return append(dst, d.text...)
}
func (d documented) Time() int64               { return 1_700_000_000_000_000_000 }
func (d documented) Tiebreaker() (int64, bool) { return 7, true }

// manyAncestors is an event's document about a process with ancestors whose command
// lines are long and have quotes and line feeds.
func manyAncestors() string {
	command := `"command_line":"bash -c \"` + strings.Repeat(`echo one\u000aecho two \"`, 20) + `"`
	var ancestors []string
	for pid := range 9 {
		ancestors = append(ancestors, fmt.Sprintf(
			`{"args":["bash"],%s,"entity_id":"0123456789abcdef0123456789abcdef","executable":"/usr/bin/bash","name":"bash","pid":%d,"start":"2026-11-28T18:55:23.071Z"}`, command, pid))
	}
	return `{"@timestamp":"2026-11-28T18:55:23.071Z","event":{"action":"session_id_change","category":["process"],"type":["change"]},` +
		`"process":{"ancestry":[` + strings.Join(ancestors, ",") + `],"args":["bash"],` + command + `,"entity_id":"0123456789abcdef0123456789abcdef",` +
		`"executable":"/usr/bin/bash","name":"bash","parent":` + ancestors[0] + `,"pid":20},"tripline":{"identity":"verified"},"user":{"id":"0","name":"root"}}`
}

// matchOfTwo is a match of two events whose documents are made already.
func matchOfTwo(t testing.TB) detect.Match {
	t.Helper()
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	event := documented{text: manyAncestors()}
	return detect.Match{Rule: loaded[0], Events: []detect.Event{event, event}}
}

// BenchmarkBuild makes the alert of two events whose documents are made already.
func BenchmarkBuild(b *testing.B) {
	match := matchOfTwo(b)
	var builder Builder
	b.ReportAllocs()
	for b.Loop() {
		made, err := builder.Build(match, false)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(made.JSON)))
	}
}

// TestPrepared has the same alert with and without preparation.
func TestPrepared(t *testing.T) {
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	event := documented{text: manyAncestors()}
	match := detect.Match{Rule: loaded[0], Events: []detect.Event{event, nil, event}}
	var plain, prepared Builder
	parts, err := Prepare(loaded)
	if err != nil {
		t.Fatal(err)
	}
	prepared.Use(parts)
	want, err := plain.Build(match, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := prepared.Build(match, false); err != nil || string(got.JSON) != string(want.JSON) {
			t.Errorf("%v, %s, not %s", err, got.JSON, want.JSON)
		}
	}
}

// TestUseForgets has the parts of rules that run no more let go of: a sensor that is told
// to read its rules again has others each time.
func TestUseForgets(t *testing.T) {
	var builder Builder
	for range 3 {
		match := matchOfTwo(t)
		parts, err := Prepare([]*detect.Rule{match.Rule})
		if err != nil {
			t.Fatal(err)
		}
		builder.Use(parts)
		late := match
		rule := *match.Rule
		late.Rule = &rule // not prepared
		for _, match := range []detect.Match{match, late} {
			if _, err := builder.Build(match, false); err != nil {
				t.Fatal(err)
			}
		}
		if len(builder.rules) != 2 {
			t.Errorf("parts of %d rules are kept, not of those 2 that run", len(builder.rules))
		}
	}
}

// TestReserve has each alert have memory of its own, reserved or not.
func TestReserve(t *testing.T) {
	match := matchOfTwo(t)
	var builder Builder
	var texts [][]byte
	var want []string
	for _, reserved := range []int{0, 1 << 20, 10, 100 << 10, 200 << 10} {
		builder.Reserve(reserved)
		made, err := builder.Build(match, len(texts)%2 == 1)
		if err != nil {
			t.Fatal(err)
		}
		if inTime := cap(made.JSON) == reserved; inTime != (reserved >= 100<<10 && reserved <= maxKept) {
			t.Errorf("of %d bytes reserved an alert has %d", reserved, cap(made.JSON))
		}
		texts, want = append(texts, made.JSON), append(want, string(made.JSON))
	}
	for i, text := range texts {
		if string(text) != want[i] {
			t.Errorf("alert %d is written over by another", i)
		}
	}
}
