package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tripline/internal/version"
	"tripline/normalize"
)

const (
	// Name is what the template is called in a cluster.
	Name = "logs-tripline"
	// Pattern is the data streams that it is for: logs-tripline.alerts-*,
	// .evidence-*, .events-* and .health-*.
	Pattern = "logs-tripline.*-*"
	// priority is above that of Elastic's own template for logs-*-*, which is 100.
	priority = 250
)

// template is a composable index template, as PUT _index_template takes it.
type template struct {
	IndexPatterns []string        `json:"index_patterns"`
	DataStream    struct{}        `json:"data_stream"`
	Priority      int             `json:"priority"`
	Template      templateContent `json:"template"`
	Meta          map[string]any  `json:"_meta"`
}

type templateContent struct {
	Settings map[string]any `json:"settings"`
	Mappings mappings       `json:"mappings"`
}

// mappings says which type each field has. A field that is not mapped stays in the
// document and cannot be searched for; it makes no mapping of its own, so that no
// event can fill a cluster with fields.
type mappings struct {
	Dynamic       bool              `json:"dynamic"`
	DateDetection bool              `json:"date_detection"`
	Properties    map[string]*field `json:"properties"`
	Meta          map[string]string `json:"_meta"`
}

// field is the mapping of one field, or of an object with fields.
type field struct {
	Type        string `json:"type,omitempty"`
	IgnoreAbove int    `json:"ignore_above,omitempty"`
	Value       string `json:"value,omitempty"` // of a constant
	// IgnoreMalformed is only there where it is other than the index's setting.
	IgnoreMalformed *bool             `json:"ignore_malformed,omitempty"`
	Fields          map[string]*field `json:"fields,omitempty"`
	Properties      map[string]*field `json:"properties,omitempty"`
}

// Template is the index template as JSON, indented.
func Template() ([]byte, error) {
	properties := make(map[string]*field)
	for name, kind := range Fields() {
		put(properties, name, kind)
	}
	// Before release 8.11 Elasticsearch refuses a data stream whose timestamp may be
	// malformed (github.com/elastic/elasticsearch/pull/99346).
	strict := false
	properties["@timestamp"].IgnoreMalformed = &strict
	whole := template{
		IndexPatterns: []string{Pattern}, Priority: priority,
		Template: templateContent{
			Settings: map[string]any{"index": map[string]any{
				"mapping": map[string]any{"total_fields": map[string]any{"limit": 2000}, "ignore_malformed": true},
			}},
			Mappings: mappings{Properties: properties, Meta: map[string]string{"ecs_version": normalize.ECSVersion}},
		},
		Meta: map[string]any{"description": "What Tripline emits: alerts, their evidence, events, and its own health", "version": version.Version},
	}
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("making the index template: %w", err)
	}
	return append(text, '\n'), nil
}

// put makes the objects above a field and the field in them.
func put(properties map[string]*field, name, kind string) {
	parts := strings.Split(name, ".")
	for _, part := range parts[:len(parts)-1] {
		if properties[part] == nil {
			properties[part] = &field{Properties: make(map[string]*field)}
		}
		properties = properties[part].Properties
	}
	properties[parts[len(parts)-1]] = mapping(name, kind)
}

// keywordLimit is how long a text may be, in characters, to be searched for as a
// whole; 1024 is what ECS says.
const keywordLimit = 1024

// flattenedLimit is the longest text inside an object that is searched as a whole;
// Lucene takes no term of more than 32766 bytes.
const flattenedLimit = 8191

func mapping(name, kind string) *field {
	one := &field{Type: kind}
	switch kind {
	case "keyword":
		one.IgnoreAbove = keywordLimit
		if slices.Contains(searchableTexts(), name) {
			one.Fields = map[string]*field{"text": {Type: "match_only_text"}}
		}
	case "flattened":
		one.IgnoreAbove = flattenedLimit
	case "wildcard":
		one.Fields = map[string]*field{"text": {Type: "match_only_text"}}
	case "constant_keyword":
		if name == "data_stream.type" {
			one.Value = "logs"
		}
	}
	return one
}

// searchableTexts are the keywords that ECS also wants to be searched by words.
func searchableTexts() []string {
	return []string{
		"process.executable", "process.name", "process.parent.executable", "process.parent.name", "process.working_directory",
		"user.name", "host.os.name", "host.os.full", "file.path", "rule.name",
	}
}
