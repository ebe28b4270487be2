package status

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

const page = "../../docs/status.md"

// TestPage keeps the tables of docs/status.md true.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := replaceTable(t, string(text), "metrics", metricTable(t))
	got = replaceTable(t, got, "fields", "| field | what |\n|---|---|\n"+fieldRows(t, reflect.TypeFor[Status](), ""))
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != string(text) {
		t.Errorf("%s is out of date; go test ./sensor/status -run TestPage -update", page)
	}
}

// replaceTable replaces the table that follows a mark.
func replaceTable(t *testing.T, text, name, table string) string {
	t.Helper()
	mark := "<!-- " + name + ": the table below is written by go test ./sensor/status -run TestPage -update -->\n\n"
	before, after, found := strings.Cut(text, mark)
	if !found {
		t.Fatalf("%s has no line %q", page, mark)
	}
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	return before + mark + table + after
}

func metricTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| metric | type | labels | what |\n|---|---|---|---|\n")
	for _, family := range sample(t).Metrics() {
		var labels []string
		for _, label := range family.Samples[0].Labels {
			labels = append(labels, "`"+label.Name+"`")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", family.Name, family.Type, strings.Join(labels, ", "), strings.TrimSuffix(family.Help, "."))
	}
	return table.String()
}

// fieldRows describes every field of the document.
func fieldRows(t *testing.T, of reflect.Type, above string) string {
	t.Helper()
	var rows strings.Builder
	for _, field := range reflect.VisibleFields(of) {
		name, what := jsonName(field), field.Tag.Get("doc")
		if name == "" {
			continue
		}
		if what == "" {
			t.Errorf("%s.%s has no description", of, field.Name)
		}
		typ := field.Type
		if typ.Kind() == reflect.Pointer {
			typ = typ.Elem()
		}
		if typ.Kind() == reflect.Slice {
			name, typ = name+"[]", typ.Elem()
		}
		fmt.Fprintf(&rows, "| `%s%s` | %s |\n", above, name, what)
		if typ.Kind() == reflect.Struct && typ != reflect.TypeFor[time.Time]() {
			rows.WriteString(fieldRows(t, typ, above+name+"."))
		}
	}
	return rows.String()
}
