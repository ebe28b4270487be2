package schema

import (
	"maps"
	"strings"

	"tripline/detect"
	"tripline/normalize"
)

// Fields are all fields that documents have, by their full names, with the type
// that Elasticsearch gives them. A field of the type "flattened" stands for
// everything below it.
func Fields() map[string]string {
	all := eventFields()
	maps.Copy(all, alertFields())
	maps.Copy(all, evidenceFields())
	maps.Copy(all, healthFields())
	return all
}

// eventFields are those of events, from the table that also makes the events.
func eventFields() map[string]string {
	schema := normalize.Schema()
	all := make(map[string]string)
	for _, name := range schema.FieldNames() {
		one, _ := schema.Field(name) // it has just named it
		all[name] = typeOf(name, one.Type)
	}
	for name := range all {
		if strings.HasPrefix(name, "auditd.data.") {
			delete(all, name)
		}
	}
	all["auditd.data"] = "flattened"
	return all
}

// typeOf is the type that ECS gives a field, which for most follows from what it
// holds.
func typeOf(name string, holds detect.Type) string {
	switch {
	case strings.HasPrefix(name, "data_stream."):
		return "constant_keyword"
	case name == "process.command_line":
		return "wildcard"
	case strings.HasSuffix(name, ".ip"):
		return "ip"
	}
	switch holds {
	case detect.TypeInt:
		return "long"
	case detect.TypeFloat:
		return "float"
	case detect.TypeBool:
		return "boolean"
	case detect.TypeDate:
		return "date"
	default:
		return "keyword"
	}
}

// list makes fields of one type below a prefix.
func list(all map[string]string, kind, prefix string, names ...string) {
	for _, name := range names {
		all[prefix+name] = kind
	}
}

// alertFields are those that alerts have beside the fields of events.
func alertFields() map[string]string {
	all := map[string]string{"message": "match_only_text"}
	list(all, "long", "event.", "risk_score", "severity")
	list(all, "date", "event.", "start", "end")
	list(all, "keyword", "rule.", "id", "uuid", "name", "version", "ruleset", "author", "license", "reference", "category")
	list(all, "match_only_text", "rule.", "description")
	list(all, "keyword", "threat.", "framework", "tactic.id", "tactic.name", "tactic.reference",
		"technique.id", "technique.name", "technique.reference",
		"technique.subtechnique.id", "technique.subtechnique.name", "technique.subtechnique.reference")
	list(all, "keyword", "kibana.alert.", "severity", "reason")
	list(all, "float", "kibana.alert.", "risk_score", "rule.risk_score")
	list(all, "keyword", "kibana.alert.rule.", "rule_id", "uuid", "name", "severity", "type", "category", "license", "interval", "from",
		"timestamp_override", "building_block_type", "author", "tags", "references", "false_positives")
	list(all, "match_only_text", "kibana.alert.rule.", "description", "note", "setup")
	list(all, "long", "kibana.alert.rule.", "version", "max_signals")
	list(all, "flattened", "kibana.alert.rule.", "parameters", "threat")
	list(all, "keyword", "tripline.alert.", "id")
	list(all, "boolean", "tripline.alert.", "test", "incomplete")
	list(all, "flattened", "tripline.alert.", "sequence", "lost")
	list(all, "match_only_text", "tripline.alert.", "guide")
	list(all, "long", "tripline.alert.summary.", "count", "others", "max_signals", "groups.count", "groups.destination_port")
	list(all, "date", "tripline.alert.summary.", "first", "last", "from", "to")
	list(all, "keyword", "tripline.alert.summary.groups.", "executable", "user_id")
	list(all, "ip", "tripline.alert.summary.groups.", "destination_ip")
	return all
}

// healthFields are those of health alerts.
func healthFields() map[string]string {
	all := map[string]string{"log.level": "keyword"}
	list(all, "keyword", "tripline.health.", "id", "kind", "state", "subject")
	list(all, "match_only_text", "tripline.health.", "what")
	list(all, "date", "tripline.health.", "since")
	list(all, "long", "tripline.health.", "suppressed")
	list(all, "flattened", "tripline.health.", "detail", "who")
	return all
}
