package detect_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"tripline/detect"
	"tripline/internal/diag"
)

const minimalRule = `[rule]
rule_id = "r1"
name = "Rule"
type = "eql"
query = 'process where user.id == "0"'
`

func TestLoadRuleDefaults(t *testing.T) {
	rule, err := detect.LoadRule("r.toml", []byte(minimalRule))
	if err != nil {
		t.Fatal(err)
	}
	if rule.File != "r.toml" || rule.Name != "Rule" || rule.Version != 1 || rule.MaxSignals != 100 || rule.Query != `process where user.id == "0"` {
		t.Errorf("rule is %+v", rule)
	}
}

// everyKey has each table and key that rule files are known to have.
const everyKey = `[metadata]
creation_date = "2024/01/02"
updated_date = "2024/01/03"
deprecation_date = "2024/01/04"
maturity = "production"
integration = ["endpoint", "auditd_manager"]
promotion = true
bypass_bbr_timing = false
ecs_version = ["1.6.0"]
ecs_versions = ["1.6.0", "master"]
beats_version = "7.9.0"
comments = "c"
min_stack_version = "8.3.0"
min_stack_comments = "m"
os_type_list = ["linux"]
query_schema_validation = false
related_endpoint_rules = [["id", "name"]]

[metadata.extended]
anything = { at = ["all", 1] }

[transform]
[[transform.osquery]]
label = "Processes"
query = "SELECT * FROM processes"
ecs_mapping = { "host.os" = { value = "linux" } }

[rule]
actions = []
alias_purpose = "p"
alias_target_id = "t"
anomaly_threshold = 50
author = ["A"]
building_block_type = "default"
concurrent_searches = 2
data_view_id = "d"
description = "D"
enabled = true
event_category_override = "event.category"
exceptions_list = []
false_positives = ["f"]
from = "now-9m"
index = ["logs-*"]
interval = "5m"
items_per_search = 10
language = "eql"
license = "L"
machine_learning_job_id = ["j"]
max_signals = 33
name = "Everything"
namespace = "n"
note = "N"
outcome = "o"
output_index = ""
query = 'any where true'
references = ["https://example.com"]
revision = 1
risk_score = 100
rule_id = "r2"
rule_name_override = "message"
saved_id = "s"
setup = "S"
severity = "critical"
tags = ["T"]
threat_index = ["i"]
threat_indicator_path = "p"
threat_language = "kuery"
threat_query = "*:*"
throttle = "no_actions"
tiebreaker_field = "event.sequence"
timeline_id = "t"
timeline_title = "T"
timestamp_field = "@timestamp"
timestamp_override = "event.ingested"
timestamp_override_fallback_disabled = true
to = "now"
type = "eql"
version = 207

[rule.alert_suppression]
group_by = ["user.id"]
missing_fields_strategy = "suppress"
duration = { value = 5, unit = "m" }

[rule.investigation_fields]
field_names = ["user.id"]

[rule.meta]
kibana_siem_app_url = "u"

[rule.new_terms]
field = "new_terms_fields"
value = ["user.id"]
[[rule.new_terms.history_window_start]]
field = "history_window_start"
value = "now-14d"

[rule.threshold]
field = ["user.id"]
value = 5
[[rule.threshold.cardinality]]
field = "host.id"
value = 2

[[rule.filters]]
[rule.filters.meta]
disabled = true
negate = false
[rule.filters.query.wildcard."file.path"]
value = "/tmp/*"

[[rule.related_integrations]]
package = "endpoint"
version = "^8.2.0"

[[rule.required_fields]]
ecs = true
name = "user.id"
type = "keyword"

[[rule.response_actions]]
action_type_id = ".endpoint"

[[rule.risk_score_mapping]]
field = "event.risk_score"
operator = "equals"
value = ""

[[rule.severity_mapping]]
field = "event.severity"
operator = "equals"
value = "3"
severity = "low"

[[rule.threat_filters]]
query = {}

[[rule.threat_mapping]]
[[rule.threat_mapping.entries]]
field = "a"
type = "mapping"
value = "b"

[[rule.threat]]
framework = "MITRE ATT&CK"
[rule.threat.tactic]
id = "TA0001"
name = "N"
reference = "https://example.com"
[[rule.threat.technique]]
id = "T1"
name = "N"
reference = "https://example.com"
[[rule.threat.technique.subtechnique]]
id = "T1.001"
name = "N"
reference = "https://example.com"
`

func TestLoadRuleWithEveryKey(t *testing.T) {
	rule, err := detect.LoadRule("r.toml", []byte(everyKey))
	if err != nil {
		t.Fatal(diag.Detail(err))
	}
	if rule.Version != 207 || rule.MaxSignals != 33 || rule.Threat[0].Technique[0].Subtechnique[0].ID != "T1.001" {
		t.Errorf("rule is %+v", rule)
	}
	if len(rule.Filters) != 1 || rule.AlertSuppression.MissingFieldsStrategy != "suppress" || rule.AlertSuppression.Duration.Value != 5 {
		t.Errorf("tables are %v, %v", rule.Filters, rule.AlertSuppression)
	}
	if rule.Transform.OSQuery[0].ECSMapping["host.os"]["value"] != "linux" || rule.Metadata.Extended["anything"] == nil {
		t.Errorf("tables are %v, %v", rule.Transform, rule.Metadata.Extended)
	}
}

// replaceLine returns the minimal rule with one line exchanged.
func replaceLine(key, line string) string {
	var lines []string
	for old := range strings.Lines(minimalRule) {
		if strings.HasPrefix(old, key+" ") {
			old = line
		}
		lines = append(lines, old)
	}
	return strings.Join(lines, "")
}

func TestLoadRuleErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty file", "", "r.toml:1:1: rule_id is missing in [rule]"},
		{"syntax", "[rule\n", "r.toml:1:"},
		{"unknown key", minimalRule + "colour = 1\n", "r.toml:6:1: "},
		{"wrong type", minimalRule + "risk_score = \"high\"\n", "r.toml:6:14: "},
		{"no rule_id", replaceLine("rule_id", ""), "rule_id is missing in [rule]; give the rule an identifier that never changes"},
		{"no name", replaceLine("name", ""), "name is missing in [rule]; give the rule a name"},
		{"empty name", replaceLine("name", "name = \" \"\n"), "r.toml:3:8: name is empty; give the rule a name"},
		{"no type", replaceLine("type", ""), `type is missing in [rule]; write type = "eql"`},
		{"no query", replaceLine("query", ""), "query is missing in [rule]; write the EQL query of the rule"},
		{"unknown type", replaceLine("type", "type = \"eq\"\n"), `r.toml:4:8: rule type "eq" is unknown; did you mean "eql"?`},
		{"wrong language", minimalRule + "language = \"kuery\"\n", `r.toml:6:12: a rule of type eql cannot have the language "kuery"; write language = "eql"`},
		{"severity", minimalRule + "severity = \"bad\"\n", `r.toml:6:12: severity "bad" is unknown; write low, medium, high, critical`},
		{"risk score", minimalRule + "risk_score = 101\n", "r.toml:6:14: risk_score 101 is out of range; write a number from 0 to 100"},
		{"version", minimalRule + "version = 0\n", "r.toml:6:11: version 0 is out of range; write a whole number from 1 on"},
		{"max_signals", minimalRule + "max_signals = 0\n", "r.toml:6:15: max_signals 0 is out of range; write a whole number from 1 on"},
		{"query in single quotes", replaceLine("query", "query = 'any where x = 1'\n"), `r.toml:5:22: "=" does not compare; write "=="`},
		{"query in several lines", replaceLine("query", "query = '''\nany where\n  x = 1\n'''\n"), `r.toml:7:5: "=" does not compare; write "=="`},
		{"query in several lines with CRLF", replaceLine("query", "query = '''\r\nany where\r\n  x = 1\r\n'''\n"), `r.toml:7:5: "=" does not compare; write "=="`},
		{"query beside the quotes", replaceLine("query", "query = '''any where\n  x = 1\n'''\n"), `r.toml:6:5: "=" does not compare; write "=="`},
		{"query with escapes", replaceLine("query", `query = "any where s == \"\u00e9\\n\" and x = 1"`+"\n"), `r.toml:5:45: "=" does not compare; write "=="`},
		{"query with a line break escape", replaceLine("query", `query = "any where\n x = 1"`+"\n"), `r.toml:5:24: "=" does not compare; write "=="`},
		{"query with a continued line", replaceLine("query", "query = \"\"\"\nany where \\\n    x = 1\"\"\"\n"), `r.toml:7:7: "=" does not compare; write "=="`},
		{"query ends early", replaceLine("query", "query = '''\nany where\n'''\n"), `r.toml:7:1: expected a field, value or condition, found the end of the query`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := detect.LoadRule("r.toml", []byte(test.text))
			if err == nil {
				t.Fatal("LoadRule succeeded")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("LoadRule\n got %s\nwant %s", err, test.want)
			}
		})
	}
}

func TestErrorShowsItsPlaceInTheFile(t *testing.T) {
	text := replaceLine("query", "query = '''\nany where user.id == \"0\" and\n  user.ib == \"x\" and evnt.type == \"y\"\n'''\n")
	rule, err := detect.LoadRule("r.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = detect.Compile(rule, newTestSchema())
	want := `r.toml:7:3: unknown field "user.ib"; did you mean "user.id"?
    user.ib == "x" and evnt.type == "y"
    ^
r.toml:7:22: unknown field "evnt.type"; did you mean "event.type"?
    user.ib == "x" and evnt.type == "y"
                       ^`
	if got := diag.Detail(err); got != want {
		t.Errorf("Compile\n got %s\nwant %s", got, want)
	}
}

func TestNotRunnable(t *testing.T) {
	rule, err := detect.LoadRule("r.toml", []byte(replaceLine("type", "type = \"threshold\"\n")))
	var notRunnable *detect.NotRunnableError
	if rule != nil || !errors.As(err, &notRunnable) {
		t.Fatalf("LoadRule returned %v, %v, want a *NotRunnableError", rule, err)
	}
	if notRunnable.Rule.Name != "Rule" || notRunnable.Reason != "its type is threshold: it counts the results of a search in kuery" {
		t.Errorf("error is %+v", notRunnable)
	}
	want := "r.toml:4:8: rule is not evaluated: its type is threshold: it counts the results of a search in kuery; Tripline evaluates rules of type eql"
	if err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
}

func TestLoadRulesKeepsTheGoodOnes(t *testing.T) {
	fsys := fstest.MapFS{
		"rules/b.toml":      {Data: []byte(minimalRule)},
		"rules/a.toml":      {Data: []byte(strings.Replace(minimalRule, "r1", "r0", 1))},
		"rules/broken.toml": {Data: []byte("[rule]\nname = 1\n")},
		"rules/same.toml":   {Data: []byte(minimalRule)},
		"rules/readme.txt":  {Data: []byte("no rule")},
	}
	loaded, err := detect.LoadRules(fsys, "rules")
	if len(loaded) != 2 || loaded[0].File != "rules/a.toml" || loaded[1].File != "rules/b.toml" {
		t.Errorf("loaded %v", loaded)
	}
	if err == nil {
		t.Fatal("LoadRules reported nothing")
	}
	for _, want := range []string{"rules/broken.toml:2:8: ", "rules/same.toml:2:11: rule_id r1 is already that of rules/b.toml; "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%s", want, err)
		}
	}
}

func TestLoadRulesWithoutDirectory(t *testing.T) {
	if _, err := detect.LoadRules(fstest.MapFS{}, "rules"); err == nil {
		t.Error("LoadRules succeeded")
	}
}
