package normalize

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/detect"
)

// corpora is where recorded logs that are not part of the repository may lie.
const corpora = "../../shared/corpora"

// needCorpora skips a test where those logs are absent.
func needCorpora(t testing.TB) {
	t.Helper()
	if _, err := os.Stat(corpora); err != nil {
		t.Skipf("the recorded logs that this test reads are absent: %v", err)
	}
}

// seen is what a test remembers of an event.
type seen struct {
	json   string
	fields map[string]detect.Value
}

// text is a field's text, empty when it is missing.
func (s seen) text(name string) string { return s.fields[name].Text() }

// copyValue makes a value that outlives its event.
func copyValue(value detect.Value) detect.Value {
	switch value.Kind() {
	case detect.KindString:
		return detect.String(strings.Clone(value.Text()))
	case detect.KindList:
		var all []detect.Value
		for _, one := range value.Elements() {
			all = append(all, copyValue(one))
		}
		return detect.List(all)
	default:
		return value
	}
}

// look remembers an event and checks that its document is valid JSON.
func look(t testing.TB, event *Event) seen {
	t.Helper()
	one := seen{fields: make(map[string]detect.Value)}
	for id := range registry {
		if value := event.Value(detect.FieldID(id)); value.Kind() != detect.KindMissing {
			one.fields[registry[id].name] = copyValue(value)
		}
	}
	one.json = string(event.AppendJSON(nil, nil))
	for _, host := range []*HostFacts{nil, {Hostname: "web", OS: OSFacts{Type: "linux"}, AgentID: "agent"}} {
		encoder, want := NewEncoder(host), string(event.AppendJSON(nil, host))
		for range 2 { // what the encoder remembers is the same
			if got := string(encoder.Append(nil, event)); got != want {
				t.Errorf("an Encoder gives %s\nand not %s", got, want)
			}
		}
	}
	if !json.Valid([]byte(one.json)) {
		t.Errorf("invalid JSON: %s", one.json)
	}
	return one
}

// run gives the events of log lines. Without a resolver, whose answers might be others
// the next time, it reads them a second time as a replay does, which must give the same.
func run(t testing.TB, options Options, lines ...string) ([]seen, Stats) {
	t.Helper()
	var events []seen
	options.Emit = func(event *Event) { events = append(events, look(t, event)) }
	c := NewCorrelator(options)
	for _, line := range lines {
		record, err := ParseLine([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		c.Add(record)
	}
	c.Flush()
	if c.Pending() != 0 {
		t.Errorf("%d events are pending after Flush", c.Pending())
	}
	if options.Resolver == nil && options.Ordered {
		replayed(t, options, lines, events)
	}
	return events, c.Stats()
}

// replayed reads lines as a replay does and holds the events against others.
func replayed(t testing.TB, options Options, lines []string, want []seen) {
	t.Helper()
	encoder, events := NewEncoder(nil), 0
	options.Emit = func(event *Event) {
		if events < len(want) {
			if got := string(encoder.Append(nil, event)); got != want[events].json {
				t.Errorf("replayed: %s\nand not: %s", got, want[events].json)
			}
		}
		events++
	}
	c := NewCorrelator(options)
	var block LogBlock
	c.NewLogParser(1<<20).Parse(&block, []byte(strings.Join(lines, "\n")+"\n"))
	c.AddBlock(&block, func(bad *BadLine) { t.Fatalf("%s: %v", bad.Text, bad.Err) })
	c.Flush()
	if events != len(want) {
		t.Errorf("%d events, and %d when replayed", len(want), events)
	}
}

// splitLines splits a log.
func splitLines(log []byte) []string {
	var lines []string
	for line := range bytes.Lines(log) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// readFile reads a file of a test.
func readFile(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
