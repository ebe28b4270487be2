// Package ecs knows the fields of the Elastic Common Schema, version 8.17, and says
// what in a document is not as the schema has it. Tests hold against it what the
// program writes; the program itself does not need it.
package ecs

import (
	_ "embed"
	"fmt"
	"strings"
)

// fieldTable has a line "NAME TYPE" for each field, and "NAME TYPE array" where the
// schema wants a list even of one value. It has the field sets that events of a host
// can have, without what describes certificates, signatures and formats of
// executables. Source: generated/csv/fields.csv of github.com/elastic/ecs, tag v8.17.0.
//
//go:embed fields.txt
var fieldTable string

// Field is one field of the schema.
type Field struct {
	Name string
	// Type is a type of Elasticsearch: keyword, long, date, …
	Type string
	// Array says that the field is a list even of one value.
	Array bool
}

// Fields reads the table, by name.
func Fields() (map[string]Field, error) {
	fields := make(map[string]Field)
	for line := range strings.Lines(fieldTable) {
		words := strings.Fields(line)
		if len(words) < 2 || len(words) > 3 || len(words) == 3 && words[2] != "array" {
			return nil, fmt.Errorf("the table of ECS fields has the line %q", line)
		}
		fields[words[0]] = Field{Name: words[0], Type: words[1], Array: len(words) == 3}
	}
	return fields, nil
}

// Kinds are the values that event.kind may have in a document of a producer.
func Kinds() []string {
	return []string{"alert", "asset", "enrichment", "event", "metric", "pipeline_error", "state"}
}

// Outcomes are the values that event.outcome may have.
func Outcomes() []string { return []string{"failure", "success", "unknown"} }

// TypesOf are the values of event.type that go with a value of event.category; nil
// for a category that the schema does not have.
func TypesOf(category string) []string {
	return map[string][]string{
		"api":                 {"access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start", "user"},
		"authentication":      {"end", "info", "start"},
		"configuration":       {"access", "change", "creation", "deletion", "info"},
		"database":            {"access", "change", "error", "info"},
		"driver":              {"change", "end", "info", "start"},
		"email":               {"info"},
		"file":                {"access", "change", "creation", "deletion", "info"},
		"host":                {"access", "change", "end", "info", "start"},
		"iam":                 {"admin", "change", "creation", "deletion", "group", "info", "user"},
		"intrusion_detection": {"allowed", "denied", "info"},
		"library":             {"start"},
		"malware":             {"info"},
		"network":             {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
		"package":             {"access", "change", "deletion", "info", "installation", "start"},
		"process":             {"access", "change", "end", "info", "start"},
		"registry":            {"access", "change", "creation", "deletion"},
		"session":             {"end", "info", "start"},
		"threat":              {"indicator"},
		"vulnerability":       {"info"},
		"web":                 {"access", "error", "info"},
	}[category]
}
