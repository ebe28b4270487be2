package hunt

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"tripline/detect"
)

// newQueries compiles queries for ECS.
func newQueries(t testing.TB, texts ...string) *Queries {
	t.Helper()
	var rules []*detect.Rule
	for _, text := range texts {
		rules = append(rules, NewRule("", text))
	}
	queries, err := Compile(rules, FieldNames{})
	if err != nil {
		t.Fatal(err)
	}
	return queries
}

// newTestScanner makes a scanner for some fields; ids are their indexes, and
// behind them come @timestamp and event.sequence.
func newTestScanner(fields ...string) (*scanner, *document) {
	set := newFieldSet()
	for _, name := range append(fields, "@timestamp", "event.sequence") {
		set.Field(name)
	}
	timestamp, _ := set.Field("@timestamp")
	tiebreaker, _ := set.Field("event.sequence")
	return &scanner{tree: newPathTree(set.names), timestamp: timestamp.ID, tiebreaker: tiebreaker.ID}, newDocument(set)
}

// plain converts a value to what encoding/json would show.
func plain(value detect.Value) any {
	switch value.Kind() {
	case detect.KindString:
		return value.Text()
	case detect.KindInt:
		return value.Int()
	case detect.KindFloat:
		return value.Float()
	case detect.KindBool:
		return value.Bool()
	case detect.KindList:
		var list []any
		for _, element := range value.Elements() {
			list = append(list, plain(element))
		}
		return list
	}
	return nil
}

// benchmarkLines are documents as an endpoint sensor writes them, about 1 KB
// each, one a millisecond.
func benchmarkLines(count int) [][]byte {
	random := rand.New(rand.NewPCG(1, 2))
	lines := make([][]byte, 0, count)
	for i := range count {
		executable := fmt.Sprintf("/usr/bin/tool-%d", random.IntN(500))
		document := map[string]any{
			"@timestamp":  fmt.Sprintf("2024-05-06T%02d:%02d:%02d.%03dZ", i/3600000%24, i/60000%60, i/1000%60, i%1000),
			"event":       map[string]any{"kind": "event", "category": []string{"process"}, "type": []string{"start"}, "action": "exec", "sequence": i, "dataset": "endpoint.events.process", "module": "endpoint", "outcome": "success"},
			"agent":       map[string]any{"id": "0f8c3a52-7d5f-4f1b-9a54-0f7f3f5fd1a0", "type": "endpoint", "version": "8.17.0"},
			"data_stream": map[string]any{"dataset": "endpoint.events.process", "namespace": "default", "type": "logs"},
			"ecs":         map[string]any{"version": "8.17.0"},
			"host":        map[string]any{"id": "5b0e9b6a5c8f4a6f8d0b", "hostname": "build-17", "architecture": "x86_64", "os": map[string]any{"name": "Linux", "type": "linux", "kernel": "5.15.0-91-generic", "platform": "ubuntu", "version": "22.04"}},
			"process": map[string]any{
				"entity_id": fmt.Sprintf("process-%d", random.IntN(5000)), "pid": random.IntN(60000),
				"executable": executable, "name": executable[9:],
				"args": []string{executable, "--config", "/etc/\"tool\".conf"}, "args_count": 3,
				"command_line": executable + " --config /etc/\"tool\".conf", "working_directory": "/home/build",
				"parent": map[string]any{"pid": 17, "executable": "/usr/bin/bash", "entity_id": "process-1"},
			},
			"user": map[string]any{"id": "1000", "name": "build"},
		}
		line, err := json.Marshal(document)
		if err != nil { // which no map of strings and numbers gives
			return nil
		}
		lines = append(lines, line)
	}
	return lines
}
