package normalize

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/ecs"
)

// ownPrefixes begin the names of fields outside ECS.
func ownPrefixes() []string { return []string{"auditd", "tripline"} }

// beyondECS are the prefixes of fields outside ECS that have no prefix of their own:
// the user ids which ECS has only under process, under the names that audit
// integrations have given them. docs/events.md lists them.
func beyondECS() []string {
	return []string{"user.real", "user.saved", "user.filesystem", "user.audit"}
}

// typesOf are the types of ECS that a type of the schema stands for.
func typesOf(typ detect.Type) []string {
	switch typ {
	case detect.TypeString:
		return []string{"keyword", "wildcard", "constant_keyword", "match_only_text", "ip"}
	case detect.TypeInt:
		return []string{"long"}
	case detect.TypeFloat:
		return []string{"float"}
	case detect.TypeBool:
		return []string{"boolean"}
	case detect.TypeDate:
		return []string{"date"}
	default:
		return nil
	}
}

// TestRegistryIsECS holds every field that events can have against the schema.
func TestRegistryIsECS(t *testing.T) {
	known, err := ecs.Fields()
	if err != nil {
		t.Fatal(err)
	}
	own := slices.Concat(ownPrefixes(), beyondECS())
	for i := range registry {
		one := &registry[i]
		if slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(one.name, prefix+".") }) {
			if _, ok := known[one.name]; ok {
				t.Errorf("%s is a field of ECS and counts as none", one.name)
			}
			continue
		}
		field, ok := known[one.name]
		if !ok {
			t.Errorf("%s is no field of ECS", one.name)
			continue
		}
		if !slices.Contains(typesOf(one.typ), field.Type) {
			t.Errorf("%s is a %s in ECS and %d here", one.name, field.Type, one.typ)
		}
		if field.Array != one.array {
			t.Errorf("%s is a list in ECS: %v, here: %v", one.name, field.Array, one.array)
		}
	}
}

// TestCategorizationIsECS tries every type of record and every kind of event.
func TestCategorizationIsECS(t *testing.T) {
	seen := make(map[description]bool)
	for typ := RecordType(0); typ < 3000; typ++ {
		seen[describeRecord(typ)] = true
	}
	for _, event := range corpusEvents(t) {
		seen[description{event.text("event.category"), event.text("event.type"), event.text("event.action")}] = true
	}
	for _, one := range slices.Collect(maps.Keys(seen)) {
		if one.category == "" {
			continue
		}
		if types := ecs.TypesOf(one.category); !slices.Contains(types, one.typ) {
			t.Errorf("%s: the type %q does not go with the category %q, whose types are %v", one.action, one.typ, one.category, types)
		}
	}
	for _, category := range categories() {
		if ecs.TypesOf(category) == nil {
			t.Errorf("%q is no category of ECS", category)
		}
	}
}

// TestDocumentsAreECS holds every document of the recorded logs against the schema.
func TestDocumentsAreECS(t *testing.T) {
	events := corpusEvents(t)
	if len(events) < 200 { // what the repository alone has, without the corpora beside it
		t.Errorf("only %d events", len(events))
	}
	complaints := make(map[string]string)
	for _, event := range events {
		for _, err := range ecs.Check([]byte(event.json), slices.Concat(ownPrefixes(), beyondECS())...) {
			complaints[err.Error()] = event.json
		}
	}
	for complaint, document := range complaints {
		t.Errorf("%s: %s", complaint, document)
	}
}

// corpusEvents are the events of the repository's recorded logs and, where they
// are there, of those beside it.
func corpusEvents(t *testing.T) []seen {
	t.Helper()
	var files []string
	for _, pattern := range []string{"testdata/golden/*.log", "testdata/kernels/*.cases.txt", filepath.Join(corpora, "*", "*.log")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	var all []seen
	for _, file := range files {
		var lines []string
		for line := range bytes.Lines(readFile(t, file)) {
			line = bytes.TrimSpace(line)
			if _, err := ParseLine(line); err == nil && len(lines) < 20000 {
				lines = append(lines, string(line))
			}
		}
		events, _ := run(t, Options{Ordered: true, Host: exampleHost()}, lines...)
		all = append(all, events...)
	}
	return all
}

// exampleHost has every fact of a host.
func exampleHost() *HostFacts {
	return &HostFacts{
		ID: "id", BootID: "boot", Hostname: "name", Architecture: "x86_64", AgentID: "agent",
		OS: OSFacts{Type: "linux", Family: "debian", Platform: "debian", Name: "Debian GNU/Linux", Version: "12", Full: "Debian GNU/Linux 12", Kernel: "6.1.0"},
	}
}
