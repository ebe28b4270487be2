package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tripline/normalize"
	"tripline/sensor/throttle"
)

// Summary makes the one alert for the matches of a rule that were not raised one
// by one. Its id is that of the first of them, digested, so that it is the same
// wherever and however often it is sent.
func (b *Builder) Summary(summary throttle.Summary) (Alert, error) {
	rule := summary.Rule
	parts, err := b.parts(rule)
	if err != nil {
		return Alert{}, fmt.Errorf("making the summary of rule %q: %w", rule.Name, err)
	}
	digest := sha256.Sum256([]byte("summary\n" + summary.FirstID))
	id := hex.EncodeToString(digest[:16])
	message := fmt.Sprintf("%d more matches of %s were not raised one by one", summary.Count, rule.Name)
	document := map[string]any{
		"@timestamp":  summary.Last.UTC().Format(timeForm),
		"ecs":         map[string]any{"version": normalize.ECSVersion},
		"message":     message,
		"data_stream": map[string]any{"type": "logs", "dataset": "tripline.alerts", "namespace": "default"},
		"event": map[string]any{
			"kind": "alert", "dataset": "tripline.alerts", "module": "tripline", "action": "alerts_summarized",
			"risk_score": rule.RiskScore, "severity": rule.RiskScore,
			"start": summary.First.UTC().Format(timeForm), "end": summary.Last.UTC().Format(timeForm),
		},
		"rule":   parts.rule,
		"kibana": parts.kibana,
		"tripline": map[string]any{"alert": map[string]any{
			"id": id, "summary": summaryFields(&summary),
		}},
	}
	if parts.threat != nil {
		document["threat"] = parts.threat
	}
	AddHost(document, b.Host)
	text, err := encode(document)
	if err != nil {
		return Alert{}, fmt.Errorf("making the summary of rule %q: %w", rule.Name, err)
	}
	return Alert{ID: id, Severity: rule.Severity, JSON: text, rule: rule}, nil
}

func summaryFields(summary *throttle.Summary) map[string]any {
	groups := make([]any, 0, len(summary.Groups))
	for _, one := range summary.Groups {
		group := map[string]any{"count": one.Count}
		setText(group, "executable", one.Executable)
		setText(group, "user_id", one.User)
		setText(group, "destination_ip", one.Destination)
		if one.Destination != "" {
			group["destination_port"] = one.Port
		}
		groups = append(groups, group)
	}
	fields := map[string]any{
		"count": summary.Count, "max_signals": summary.Signals, "groups": groups,
		"first": summary.First.UTC().Format(timeForm), "last": summary.Last.UTC().Format(timeForm),
		"from": summary.From.UTC().Format(timeForm), "to": summary.To.UTC().Format(timeForm),
	}
	if summary.Others > 0 {
		fields["others"] = summary.Others
	}
	return fields
}

// summaryRows is a summary for a person: how many, from when to when, and by whom.
func summaryRows(fields, summary map[string]any, row func(name, content string)) {
	row("summary", text(fields, "message"))
	row("from", text(summary, "first")+" to "+text(summary, "last"))
	groups, _ := summary["groups"].([]any)
	for _, one := range groups {
		group, _ := one.(map[string]any)
		line := text(group, "count") + " by " + text(group, "executable") + ", user " + text(group, "user_id")
		if address := text(group, "destination_ip"); address != "" {
			line += ", to " + address + " port " + text(group, "destination_port")
		}
		row("", line)
	}
	if others := text(summary, "others"); others != "" {
		row("", others+" by others")
	}
}
