package rules_test

import (
	"reflect"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/diag"
	"tripline/rules"
)

func TestShippedRule(t *testing.T) {
	loaded, err := detect.LoadRules(rules.FS(), ".")
	if err != nil {
		t.Fatal(diag.Detail(err))
	}
	if len(loaded) != 1 {
		t.Fatalf("%d rules are shipped, want 1", len(loaded))
	}
	rule := loaded[0]
	threats := []detect.Threat{
		{
			Framework: "MITRE ATT&CK",
			Tactic:    detect.Tactic{ID: "TA0011", Name: "Command and Control", Reference: "https://attack.mitre.org/tactics/TA0011/"},
			Technique: []detect.Technique{{
				ID: "T1095", Name: "Non-Application Layer Protocol", Reference: "https://attack.mitre.org/techniques/T1095/",
			}},
		},
		{
			Framework: "MITRE ATT&CK",
			Tactic:    detect.Tactic{ID: "TA0004", Name: "Privilege Escalation", Reference: "https://attack.mitre.org/tactics/TA0004/"},
			Technique: []detect.Technique{{
				ID: "T1548", Name: "Abuse Elevation Control Mechanism", Reference: "https://attack.mitre.org/techniques/T1548/",
				Subtechnique: []detect.Subtechnique{{
					ID: "T1548.003", Name: "Sudo and Sudo Caching", Reference: "https://attack.mitre.org/techniques/T1548/003/",
				}},
			}},
		},
	}
	for _, attribute := range []struct {
		name      string
		got, want any
	}{
		{"rule_id", rule.RuleID, "eb6a3790-d52d-11ec-8ce9-f661ea17fbce"},
		{"name", rule.Name, "Suspicious Network Connection Attempt by Root"},
		{"type", rule.Type, "eql"},
		{"language", rule.Language, "eql"},
		{"index", rule.Index[0], "logs-endpoint.events.*"},
		{"severity", rule.Severity, "medium"},
		{"risk_score", rule.RiskScore, 43},
		{"interval", rule.Interval, "5m"},
		{"from", rule.From, "now-9m"},
		{"max_signals", rule.MaxSignals, 100},
		{"version", rule.Version, 3},
		{"tags", rule.Tags, []string{"Elastic", "Host", "Linux", "Threat Detection", "Command and Control"}},
		{"author", rule.Author, []string{"Elastic"}},
		{"license", rule.License, "Elastic License v2"},
		{"number of references", len(rule.References), 3},
		{"threat", rule.Threat, threats},
	} {
		if !reflect.DeepEqual(attribute.got, attribute.want) {
			t.Errorf("%s is %#v, want %#v", attribute.name, attribute.got, attribute.want)
		}
	}
	for _, avenue := range []string{
		"Unusual active sessions", "act as listeners", "do not normally start connections", "use the network and normally don't",
	} {
		if !strings.Contains(rule.Note, avenue) {
			t.Errorf("the guide lacks the avenue %q", avenue)
		}
	}
}
