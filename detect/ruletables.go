package detect

// SeverityMapping overrides the severity where a field has a value.
type SeverityMapping struct {
	Field    string `toml:"field"`
	Operator string `toml:"operator"`
	Value    string `toml:"value"`
	Severity string `toml:"severity"`
}

// RiskMapping takes the risk score from a field.
type RiskMapping struct {
	Field     string `toml:"field"`
	Operator  string `toml:"operator"`
	Value     string `toml:"value"`
	RiskScore *int   `toml:"risk_score"`
}

// Threat is a tactic of a threat framework and the techniques that serve it.
type Threat struct {
	Framework string      `toml:"framework"`
	Tactic    Tactic      `toml:"tactic"`
	Technique []Technique `toml:"technique"`
}

// Tactic is why an adversary acts.
type Tactic struct {
	ID        string `toml:"id"`
	Name      string `toml:"name"`
	Reference string `toml:"reference"`
}

// Technique is how an adversary acts.
type Technique struct {
	ID           string         `toml:"id"`
	Name         string         `toml:"name"`
	Reference    string         `toml:"reference"`
	Subtechnique []Subtechnique `toml:"subtechnique"`
}

// Subtechnique is one form of a technique.
type Subtechnique struct {
	ID        string `toml:"id"`
	Name      string `toml:"name"`
	Reference string `toml:"reference"`
}

// RelatedIntegration is a package whose data the rule is meant for.
type RelatedIntegration struct {
	Package     string `toml:"package"`
	Version     string `toml:"version"`
	Integration string `toml:"integration"`
}

// RequiredField is a field that the rule's author says it needs. What the query
// really needs is in Compiled.Fields.
type RequiredField struct {
	Name string `toml:"name"`
	Type string `toml:"type"`
	ECS  bool   `toml:"ecs"`
}

// InvestigationFields are the fields that an interface shows first.
type InvestigationFields struct {
	FieldNames []string `toml:"field_names"`
}

// AlertSuppression joins the alerts of a time that have the same values.
type AlertSuppression struct {
	GroupBy               []string  `toml:"group_by"`
	Duration              *Duration `toml:"duration"`
	MissingFieldsStrategy string    `toml:"missing_fields_strategy"`
}

// Duration is a time in a unit: "s", "m" or "h".
type Duration struct {
	Value int    `toml:"value"`
	Unit  string `toml:"unit"`
}

// Threshold is what a rule of type threshold counts.
type Threshold struct {
	Field       any           `toml:"field"` // a string or a list of strings
	Value       int           `toml:"value"`
	Cardinality []Cardinality `toml:"cardinality"`
}

// Cardinality is how many values of a field there must be.
type Cardinality struct {
	Field string `toml:"field"`
	Value int    `toml:"value"`
}

// NewTerms is what a rule of type new_terms compares with the past.
type NewTerms struct {
	Field              string          `toml:"field"` // "new_terms_fields"
	Value              []string        `toml:"value"`
	HistoryWindowStart []HistoryWindow `toml:"history_window_start"`
}

// HistoryWindow is how far the past reaches.
type HistoryWindow struct {
	Field string `toml:"field"` // "history_window_start"
	Value string `toml:"value"` // "now-7d"
}

// ThreatMapping is one set of pairs that a rule of type threat_match compares.
type ThreatMapping struct {
	Entries []ThreatPair `toml:"entries"`
}

// ThreatPair is a field of an event and one of an indicator.
type ThreatPair struct {
	Field  string `toml:"field"`
	Type   string `toml:"type"` // "mapping"
	Value  string `toml:"value"`
	Negate bool   `toml:"negate"`
}

// Transform is the [transform] table of a rule file: queries that an interface
// offers beside the investigation guide.
type Transform struct {
	OSQuery     []OSQuery     `toml:"osquery"`
	Investigate []Investigate `toml:"investigate"`
}

// OSQuery is a query for osquery on the host.
type OSQuery struct {
	Label      string                       `toml:"label"`
	Query      string                       `toml:"query"`
	ECSMapping map[string]map[string]string `toml:"ecs_mapping"`
}

// Investigate is a search of a timeline.
type Investigate struct {
	Label        string       `toml:"label"`
	Description  string       `toml:"description"`
	Providers    [][]Provider `toml:"providers"`
	RelativeFrom string       `toml:"relativeFrom"`
	RelativeTo   string       `toml:"relativeTo"`
}

// Provider is a condition of such a search.
type Provider struct {
	Excluded  bool   `toml:"excluded"`
	Field     string `toml:"field"`
	QueryType string `toml:"queryType"`
	Value     string `toml:"value"`
	ValueType string `toml:"valueType"`
}
