package syslog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errTooLarge says that even what identifies a document does not fit.
var errTooLarge = errors.New("the document does not fit into a message even without all that can be left out")

// expendable lists the parts of a document that are left out when it is too large
// for a message, the first first: what is said elsewhere in the document or is the
// same in all alerts of a rule, then what explains, then what proves.
func expendable() []string {
	return []string{
		"kibana.alert.rule.note", "kibana.alert.rule.setup", "tripline.alert.guide",
		"kibana.alert.rule.parameters", "kibana.alert.rule.threat", "kibana.alert.rule.references",
		"kibana.alert.rule.description", "kibana.alert.rule",
		"rule.description", "threat.technique.reference", "threat.tactic.reference",
		"tripline.alert.evidence.listeners", "tripline.alert.evidence.sessions", "tripline.alert.evidence.sockets",
		"tripline.alert.evidence", "tripline.alert.sequence", "tripline.health.evidence", "auditd.data", "threat",
		"process.args", "process.parent", "process.command_line", "process", "user", "network", "host.os", "kibana",
	}
}

// essential lists what a document is reduced to at the most.
func essential() []string {
	return []string{
		"@timestamp", "message", "event.kind", "event.dataset", "rule.id", "rule.name", "host.name", "host.id",
		"tripline.alert.id", "tripline.alert.test", "tripline.health.id", "tripline.health.state", "process.pid",
	}
}

// reduce leaves parts out of a document until it has at most limit bytes. What
// was left out is named under tripline.output.left_out, so that nobody takes the
// document for whole. It is still one JSON document: cut text would be none.
func reduce(document []byte, limit int) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("reducing a document: %w", err)
	}
	var left []string
	for _, path := range expendable() {
		names := strings.Split(path, ".")
		if !remove(fields, names) {
			continue
		}
		left = append(slices.DeleteFunc(left, func(one string) bool { return strings.HasPrefix(one, path+".") }), path)
		put(fields, []string{"tripline", "output", "left_out"}, left)
		text, err := encode(fields)
		if err != nil || len(text) <= limit {
			return text, err
		}
	}
	least := make(map[string]any)
	for _, path := range essential() {
		if value, ok := get(fields, strings.Split(path, ".")); ok {
			put(least, strings.Split(path, "."), value)
		}
	}
	put(least, []string{"tripline", "output", "left_out"}, []string{"*"})
	text, err := encode(least)
	if err == nil && len(text) > limit {
		err = errTooLarge
	}
	return text, err
}

func encode(fields map[string]any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return nil, fmt.Errorf("reducing a document: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte{'\n'}), nil
}

// remove takes a field out, and says whether it was there.
func remove(fields map[string]any, path []string) bool {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := fields[path[0]].(map[string]any)
		if !ok {
			return false
		}
		fields = inner
	}
	_, ok := fields[path[0]]
	delete(fields, path[0])
	return ok
}

// get finds a field.
func get(fields map[string]any, path []string) (any, bool) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := fields[path[0]].(map[string]any)
		if !ok {
			return nil, false
		}
		fields = inner
	}
	value, ok := fields[path[0]]
	return value, ok
}

// put sets a field and makes the objects above it.
func put(fields map[string]any, path []string, value any) {
	for ; len(path) > 1; path = path[1:] {
		inner, ok := fields[path[0]].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			fields[path[0]] = inner
		}
		fields = inner
	}
	fields[path[0]] = value
}
