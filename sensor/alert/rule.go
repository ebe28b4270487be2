package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tripline/detect"
	"tripline/normalize"
)

// OwnIndex is the data stream pattern of Tripline's own events, which an alert
// names beside the rule's own index patterns.
const OwnIndex = "logs-tripline.events-*"

// ruleParts are the parts of a document that are the same in all alerts of a
// rule, as JSON; nil where the rule has none.
type ruleParts struct {
	rule, kibana, threat, guide json.RawMessage
}

// room is more than a document of the rule with these events usually takes: what the
// last event says of its process is in it twice.
func (p *ruleParts) room(events []json.RawMessage) int {
	const fields = 1024
	room := fields + len(p.rule) + len(p.kibana) + len(p.threat) + len(p.guide) + len(events[len(events)-1])
	for _, text := range events {
		room += len(text)
	}
	return room
}

// Prepared is what is the same in all alerts of some rules.
type Prepared map[*detect.Rule]ruleParts

// maxPrepared is of how many rules the alerts are prepared: each takes some 10 KiB.
const maxPrepared = 32

// Prepare makes what is the same in all alerts of some rules.
func Prepare(rules []*detect.Rule) (Prepared, error) {
	prepared := make(Prepared)
	for _, rule := range rules[:min(len(rules), maxPrepared)] {
		parts, err := makeParts(rule)
		if err != nil {
			return nil, fmt.Errorf("preparing alerts of rule %q: %w", rule.Name, err)
		}
		prepared[rule] = parts
	}
	return prepared, nil
}

// Use gives the builder what was prepared for the rules that run from now on, so that their
// first alerts take no longer than others. It forgets what it has of other rules.
func (b *Builder) Use(prepared Prepared) {
	b.rules = prepared
	if b.encoder == nil {
		b.encoder = normalize.NewEncoder(b.Host)
	}
}

// parts makes the parts of a rule, or finds those made before.
func (b *Builder) parts(rule *detect.Rule) (ruleParts, error) {
	if made, ok := b.rules[rule]; ok {
		return made, nil
	}
	made, err := makeParts(rule)
	if err != nil {
		return ruleParts{}, err
	}
	if b.rules == nil {
		b.rules = make(Prepared)
	}
	b.rules[rule] = made
	return made, nil
}

func makeParts(rule *detect.Rule) (ruleParts, error) {
	var made ruleParts
	var failures []error
	part := func(value any) json.RawMessage {
		text, err := encode(value)
		failures = append(failures, err)
		return text
	}
	made.rule = part(ruleFields(rule))
	made.kibana = part(map[string]any{"alert": kibanaFields(rule)})
	if threat := threatFields(rule); threat != nil {
		made.threat = part(threat)
	}
	if rule.Note != "" {
		made.guide = part(rule.Note)
	}
	return made, errors.Join(failures...)
}

// ruleFields are the rule's attributes under ECS's rule field set. rule.version
// is a keyword there.
func ruleFields(rule *detect.Rule) map[string]any {
	fields := map[string]any{
		"id": rule.RuleID, "uuid": rule.RuleID, "name": rule.Name,
		"description": rule.Description, "version": strconv.Itoa(rule.Version),
		"ruleset": "tripline",
	}
	setList(fields, "author", rule.Author)
	setText(fields, "license", rule.License)
	if len(rule.References) > 0 {
		fields["reference"] = rule.References[0]
	}
	return fields
}

// kibanaFields are the alert's attributes under the names that Elastic's
// detection engine gives them.
func kibanaFields(rule *detect.Rule) map[string]any {
	attributes := map[string]any{
		"rule_id": rule.RuleID, "uuid": rule.RuleID, "name": rule.Name, "description": rule.Description,
		"version": rule.Version, "severity": rule.Severity, "risk_score": rule.RiskScore,
		"type": rule.Type, "max_signals": rule.MaxSignals, "category": "Event Correlation Rule",
		"parameters": map[string]any{
			"language": rule.Language, "query": rule.Query, "type": rule.Type,
			"index": indexes(rule),
		},
	}
	setText(attributes, "license", rule.License)
	setText(attributes, "interval", rule.Interval)
	setText(attributes, "from", rule.From)
	setText(attributes, "note", rule.Note)
	setText(attributes, "setup", rule.Setup)
	setText(attributes, "timestamp_override", rule.TimestampOverride)
	setText(attributes, "building_block_type", rule.BuildingBlockType)
	setList(attributes, "author", rule.Author)
	setList(attributes, "tags", rule.Tags)
	setList(attributes, "references", rule.References)
	setList(attributes, "false_positives", rule.FalsePositives)
	if len(rule.Threat) > 0 {
		attributes["threat"] = kibanaThreat(rule.Threat)
	}
	return map[string]any{
		"severity": rule.Severity, "risk_score": rule.RiskScore, "reason": rule.Name,
		"rule": attributes,
	}
}

// kibanaThreat keeps the nesting of tactics, techniques and subtechniques as the
// rule file has it.
func kibanaThreat(threats []detect.Threat) []any {
	all := make([]any, 0, len(threats))
	for _, threat := range threats {
		techniques := make([]any, 0, len(threat.Technique))
		for _, technique := range threat.Technique {
			one := named(technique.ID, technique.Name, technique.Reference)
			subtechniques := make([]any, 0, len(technique.Subtechnique))
			for _, sub := range technique.Subtechnique {
				subtechniques = append(subtechniques, named(sub.ID, sub.Name, sub.Reference))
			}
			if len(subtechniques) > 0 {
				one["subtechnique"] = subtechniques
			}
			techniques = append(techniques, one)
		}
		all = append(all, map[string]any{
			"framework": threat.Framework,
			"tactic":    named(threat.Tactic.ID, threat.Tactic.Name, threat.Tactic.Reference),
			"technique": techniques,
		})
	}
	return all
}

func named(id, name, reference string) map[string]any {
	return map[string]any{"id": id, "name": name, "reference": reference}
}

// threatFields are the same under ECS's threat field set, where tactics,
// techniques and subtechniques are parallel lists; nil when the rule has none.
func threatFields(rule *detect.Rule) map[string]any {
	if len(rule.Threat) == 0 {
		return nil
	}
	var tactics, techniques, subtechniques idList
	for _, threat := range rule.Threat {
		tactics.add(threat.Tactic.ID, threat.Tactic.Name, threat.Tactic.Reference)
		for _, technique := range threat.Technique {
			techniques.add(technique.ID, technique.Name, technique.Reference)
			for _, sub := range technique.Subtechnique {
				subtechniques.add(sub.ID, sub.Name, sub.Reference)
			}
		}
	}
	fields := map[string]any{"framework": rule.Threat[0].Framework, "tactic": tactics.fields()}
	if len(techniques.ids) > 0 {
		technique := techniques.fields()
		if len(subtechniques.ids) > 0 {
			technique["subtechnique"] = subtechniques.fields()
		}
		fields["technique"] = technique
	}
	return fields
}

// idList gathers the parallel lists of one kind of threat object.
type idList struct{ ids, names, references []string }

func (l *idList) add(id, name, reference string) {
	l.ids, l.names, l.references = append(l.ids, id), append(l.names, name), append(l.references, reference)
}

func (l *idList) fields() map[string]any {
	return map[string]any{"id": l.ids, "name": l.names, "reference": l.references}
}

// indexes are the rule's index patterns and Tripline's own beside them.
func indexes(rule *detect.Rule) []string {
	if slices.Contains(rule.Index, OwnIndex) {
		return rule.Index
	}
	return append(slices.Clone(rule.Index), OwnIndex)
}

func setText(fields map[string]any, name, value string) {
	if value != "" {
		fields[name] = value
	}
}

func setList(fields map[string]any, name string, values []string) {
	if len(values) > 0 {
		fields[name] = values
	}
}
