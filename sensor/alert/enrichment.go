package alert

import (
	"fmt"
	"maps"
	"time"

	"tripline/normalize"
)

// EvidenceDataset is the data set of the documents that carry evidence.
const EvidenceDataset = "tripline.evidence"

// timeForm is how documents write a time: RFC 3339 in UTC, with milliseconds.
const timeForm = "2006-01-02T15:04:05.000Z"

// Enrichment is the document that carries an alert's evidence. It follows the
// alert, which does not wait for it, and has the same tripline.alert.id: put over
// one another, the two are the whole alert.
func (a *Alert) Enrichment(at time.Time, evidence any) ([]byte, error) {
	document := map[string]any{
		"@timestamp":  at.UTC().Format(timeForm),
		"ecs":         map[string]any{"version": normalize.ECSVersion},
		"message":     "Evidence for: " + a.rule.Name,
		"data_stream": map[string]any{"type": "logs", "dataset": EvidenceDataset, "namespace": "default"},
		"event": map[string]any{
			"kind": "enrichment", "dataset": EvidenceDataset, "module": "tripline",
			"category": []string{"process"}, "type": []string{"info"}, "action": "evidence_gathered",
		},
		"rule": map[string]any{"id": a.rule.RuleID, "uuid": a.rule.RuleID, "name": a.rule.Name},
	}
	maps.Copy(document, a.shared)
	fields := map[string]any{"id": a.ID, "evidence": evidence}
	if a.Test {
		fields["test"] = true
	}
	document["tripline"] = map[string]any{"alert": fields}
	text, err := encode(document)
	if err != nil {
		return nil, fmt.Errorf("writing the evidence of alert %s: %w", a.ID, err)
	}
	return text, nil
}
