package detect_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"tripline/detect"
	"tripline/internal/diag"
)

// liveSchema is a testSchema that knows a field's only values.
func liveSchema() *testSchema {
	s := newTestSchema()
	for name, only := range map[string][]string{"host.os.type": {"linux"}, "event.category": {"process", "network"}} {
		field := s.add(name, detect.TypeString, false)
		field.Only = only
		s.fields[name] = field
	}
	s.add("host.id", detect.TypeString, false)
	s.add("event.module", detect.TypeString, false)
	return s
}

func TestRulesThatCannotRunHere(t *testing.T) {
	tests := []struct{ name, keys, query, reason, place string }{
		{"a field of another system", "", `process where registry.hive == "a"`, "events here have no field registry.hive", `r.toml:5:24: rule is not evaluated: events here have no field "registry.hive"; a ? before it`},
		{"fields are named once", "", `process where dll.a == 1 or dll.b == 1 or dll.a == 2`, "events here have no field dll.a, dll.b", "r.toml:5:38: "},
		{"many fields", "", `process where a.a == 1 or b.b == 1 or c.c == 1 or d.d == 1 or e.e == 1 or f.f == 1 or g.g == 1 or h.h == 1`, "events here have no field a.a, b.b, c.c, d.d, e.e, f.f and 2 more", ""},
		{"an ECS field that is like one of ours", "", `process where host.ip == "::1"`, "events here have no field host.ip", ""},
		{"an ECS field of a relative", "", `process where process.parent.pgid == 1`, "events here have no field process.parent.pgid", ""},
		{"a join key", "", `sequence by dll.hash.md5 [process where true] [network where true]`, "events here have no field dll.hash.md5", "r.toml:5:22: "},
		{"a category", "", `library where true`, "no event here has event.category library", "r.toml:5:9: "},
		{"another system", "", `process where host.os.type == "windows" and user.id == "0"`, "no event here has host.os.type windows", ""},
		{"other systems", "", `any where host.os.type in ("windows", "macos")`, "no event here has host.os.type windows or macos", ""},
		{"another system in a later stage", "", `sequence [process where true] [process where host.os.type == "macos"]`, "no event here has host.os.type macos", ""},
		{"a sample", "", `sample by user.id [process where true] [network where true]`, "sample needs events that have an end", "r.toml:5:10: "},
		{"a pipe", "", `process where true | tail 3`, "pipe tail needs events that have an end", ""},
		{"disabled", "enabled = false", `process where true`, "it is disabled", "r.toml:6:11: "},
		{"another time", `timestamp_field = "event.created"`, `process where true`, "its timestamp_field is event.created, and events here are ordered by @timestamp", "r.toml:6:19: "},
		{"another order", `tiebreaker_field = "log.offset"`, `process where true`, "its tiebreaker_field is log.offset, and events of one time are ordered by event.sequence here", ""},
		{"another category field", `event_category_override = "kind"`, `process where true`, "its event_category_override is kind, and events here have no such field", "r.toml:6:27: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := replaceLine("query", "query = '"+test.query+"'\n") + test.keys + "\n"
			rule, err := detect.LoadRule("r.toml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			_, err = detect.Compile(rule, liveSchema())
			var not *detect.NotRunnableError
			if !errors.As(err, &not) {
				t.Fatalf("Compile gave %v, want a *NotRunnableError", err)
			}
			if not.Reason != test.reason || not.Rule != rule {
				t.Errorf("reason is %q, want %q", not.Reason, test.reason)
			}
			if !strings.Contains(err.Error(), test.place) || !strings.HasPrefix(err.Error(), "r.toml:") {
				t.Errorf("error is %q, want %q in it", err, test.place)
			}
		})
	}
}

func TestRulesThatRunHere(t *testing.T) {
	tests := []struct{ name, keys, query string }{
		{"an optional field of another system", "", `process where ?dll.name == "x" or user.id == "0"`},
		{"one of several systems", "", `process where host.os.type in ("windows", "linux")`},
		{"another system among choices", "", `process where host.os.type == "windows" or user.id == "0"`},
		{"another system must be absent", "", `sequence with maxspan=1m [process where true] ![process where host.os.type == "windows"]`},
		{"the own order", "enabled = true\ntimestamp_field = \"@timestamp\"\ntiebreaker_field = \"event.sequence\"", `process where true`},
		{"another category field", `event_category_override = "event.module"`, `auditd where true`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rule, err := detect.LoadRule("r.toml", []byte(replaceLine("query", "query = '"+test.query+"'\n")+test.keys+"\n"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = detect.Compile(rule, liveSchema()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAMisspelledFieldIsADefect also where the rule could not run anyway.
func TestAMisspelledFieldIsADefect(t *testing.T) {
	rule, err := detect.LoadRule("r.toml", []byte(replaceLine("query", "query = 'process where user.iid == \"0\" and dll.name == \"x\"'\n")))
	if err != nil {
		t.Fatal(err)
	}
	_, err = detect.Compile(rule, liveSchema())
	var not *detect.NotRunnableError
	if errors.As(err, &not) {
		t.Errorf("Compile says it is not runnable: %v", err)
	}
	for _, want := range []string{`r.toml:5:24: unknown field "user.iid"; did you mean "user.id"?`, `r.toml:5:44: rule is not evaluated: events here have no field "dll.name"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q: %v", want, err)
		}
	}
}

// TestEventCategoryOverride has the categories of a query compared with the field
// that the rule names.
func TestEventCategoryOverride(t *testing.T) {
	schema := liveSchema()
	rule, err := detect.LoadRule("r.toml", []byte(replaceLine("query", "query = 'auditd where true'\n")+"event_category_override = \"event.module\"\n"))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := detect.Compile(rule, schema)
	if err != nil {
		t.Fatal(err)
	}
	matches := 0
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) { matches++ })
	for i, module := range []string{"auditd", "system"} {
		engine.Process(&testEvent{time: int64(i), values: map[detect.FieldID]detect.Value{schema.fields["event.module"].ID: detect.String(module)}})
	}
	if matches != 1 {
		t.Errorf("%d events match, want 1", matches)
	}
}

func TestReasonsOfTypes(t *testing.T) {
	tests := []struct{ keys, want string }{
		{`type = "query"`, "its type is query: it is a search in kuery"},
		{"type = \"query\"\nlanguage = \"lucene\"", "its type is query: it is a search in lucene"},
		{`type = "saved_query"`, "its type is saved_query: it is a search in kuery"},
		{`type = "esql"`, "its type is esql: it aggregates"},
		{`type = "machine_learning"`, "its type is machine_learning: it reads the anomalies"},
		{"type = \"new_terms\"\nnew_terms_fields = [\"user.id\"]\nhistory_window_start = \"now-7d\"", "its type is new_terms: it compares with the values of past days"},
		{`type = "threat_match"`, "its type is threat_match: it compares with indicators"},
		{"type = \"threshold\"\nthreshold = { field = \"user.id\", value = 3 }", "its type is threshold: it counts"},
		{"type = \"eql\"\nfilters = [{ meta = { negate = true }, query = { exists = { field = \"user.id\" } } }]", "it has filters besides its query, which are no EQL"},
	}
	for _, test := range tests {
		t.Run(test.keys, func(t *testing.T) {
			_, err := detect.LoadRule("r.toml", []byte(replaceLine("type", test.keys+"\n")))
			var not *detect.NotRunnableError
			if !errors.As(err, &not) || !strings.HasPrefix(not.Reason, test.want) {
				t.Errorf("LoadRule gave %v, want %q", err, test.want)
			}
		})
	}
}

func TestRemarks(t *testing.T) {
	text := minimalRule + `building_block_type = "default"
rule_name_override = "message"
actions = [{ id = "a" }]
response_actions = [{ action_type_id = ".endpoint" }]
exceptions_list = [{ id = "e", list_id = "l", namespace_type = "single", type = "detection" }]
alert_suppression = { group_by = ["user.id"], missing_fields_strategy = "suppress" }
severity_mapping = [{ field = "f", operator = "equals", value = "1", severity = "low" }]
risk_score_mapping = [{ field = "f", operator = "equals", value = "" }]
`
	rule, err := detect.LoadRule("r.toml", []byte(text))
	if err != nil {
		t.Fatal(diag.Detail(err))
	}
	all := strings.Join(rule.Remarks(), "\n")
	for _, key := range []string{"building block", "rule_name_override", "actions", "response_actions", "exceptions_list", "alert_suppression", "severity_mapping", "risk_score_mapping"} {
		if !strings.Contains(all, key) {
			t.Errorf("no remark on %s:\n%s", key, all)
		}
	}
	plain, err := detect.LoadRule("r.toml", []byte(minimalRule))
	if err != nil || len(plain.Remarks()) != 0 {
		t.Errorf("a plain rule has the remarks %v, error %v", plain.Remarks(), err)
	}
}

// TestUnknownKeysOfTables names the place of a key that a table does not have.
func TestUnknownKeysOfTables(t *testing.T) {
	for _, table := range []struct{ text, key string }{
		{"[rule.alert_suppression]\ngroup_bi = []\n", "group_bi"},
		{"[rule.threshold]\nvalues = 1\n", "values"},
		{"[rule.investigation_fields]\nfields = []\n", "fields"},
		{"[[rule.required_fields]]\nnamed = \"x\"\n", "named"},
		{"[[rule.related_integrations]]\npackages = \"x\"\n", "packages"},
		{"[[rule.threat]]\n[[rule.threat.technique]]\nsub = 1\n", "sub"},
		{"[[transform.osquery]]\nlabels = \"x\"\n", "labels"},
		{"[metadata]\nmatureness = \"x\"\n", "matureness"},
	} {
		text := minimalRule + table.text
		line := strings.Count(text[:strings.LastIndex(text, table.key)], "\n") + 1
		_, err := detect.LoadRule("r.toml", []byte(text))
		if want := fmt.Sprintf("r.toml:%d:1: unknown key", line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", table.key, err, want)
		}
	}
}

func TestLoadRulesReadsFoldersInFolders(t *testing.T) {
	named := func(id string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(strings.Replace(minimalRule, "r1", id, 1))}
	}
	fsys := fstest.MapFS{
		"rules/z.toml":             named("z"),
		"rules/linux/a.toml":       named("a"),
		"rules/linux/deep/b.toml":  named("b"),
		"rules/.git/c.toml":        named("c"),
		"rules/linux/.swap.toml":   named("d"),
		"rules/linux/same.toml":    named("z"),
		"rules/linux/notes.md":     named("e"),
		"elsewhere/unrelated.toml": named("f"),
	}
	loaded, err := detect.LoadRules(fsys, "rules")
	var files []string
	for _, rule := range loaded {
		files = append(files, rule.File)
	}
	if got := strings.Join(files, " "); got != "rules/linux/a.toml rules/linux/deep/b.toml rules/linux/same.toml" {
		t.Errorf("loaded %s", got)
	}
	if err == nil || !strings.Contains(err.Error(), "rules/z.toml:2:11: rule_id z is already that of rules/linux/same.toml") {
		t.Errorf("error is %v", err)
	}
}
