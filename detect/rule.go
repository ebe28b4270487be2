package detect

import (
	"errors"
	"fmt"

	"tripline/detect/eql"
	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// Rule is one detection rule as its file describes it.
type Rule struct {
	// File names where the rule came from, empty for a rule made in code.
	File     string
	Metadata Metadata
	Definition
	// Transform is the file's [transform] table.
	Transform Transform

	// queryPlace locates the query in the file.
	queryPlace stricttoml.TextPlace
}

// Metadata is the [metadata] table of a rule file: about the file, not about
// what is detected.
type Metadata struct {
	CreationDate          string         `toml:"creation_date"`
	UpdatedDate           string         `toml:"updated_date"`
	DeprecationDate       string         `toml:"deprecation_date"`
	Maturity              string         `toml:"maturity"`
	Integration           any            `toml:"integration"` // a string or a list of strings
	Promotion             bool           `toml:"promotion"`
	BypassBBRTiming       bool           `toml:"bypass_bbr_timing"`
	Comments              string         `toml:"comments"`
	MinStackVersion       string         `toml:"min_stack_version"`
	MinStackComments      string         `toml:"min_stack_comments"`
	OSTypeList            []string       `toml:"os_type_list"`
	QuerySchemaValidation *bool          `toml:"query_schema_validation"`
	RelatedEndpointRules  []any          `toml:"related_endpoint_rules"`
	Extended              map[string]any `toml:"extended"`
	// ECSVersion, ECSVersions and BeatsVersion are in rules of 2020 and 2021.
	ECSVersion   any      `toml:"ecs_version"` // a string or a list of strings
	ECSVersions  []string `toml:"ecs_versions"`
	BeatsVersion string   `toml:"beats_version"`
}

// Definition is the [rule] table of a rule file.
type Definition struct {
	RuleID      string   `toml:"rule_id"`
	Name        string   `toml:"name"`
	Description string   `toml:"description"`
	Author      []string `toml:"author"`
	License     string   `toml:"license"`
	// Version counts the published changes of the rule; 1 where the file does
	// not say.
	Version    int      `toml:"version"`
	Revision   int      `toml:"revision"`
	Enabled    *bool    `toml:"enabled"`
	Type       string   `toml:"type"`
	Language   string   `toml:"language"`
	Query      string   `toml:"query"`
	Index      []string `toml:"index"`
	DataViewID string   `toml:"data_view_id"`

	Severity            string              `toml:"severity"`
	SeverityMapping     []SeverityMapping   `toml:"severity_mapping"`
	RiskScore           int                 `toml:"risk_score"` // 0 to 100
	RiskScoreMapping    []RiskMapping       `toml:"risk_score_mapping"`
	RuleNameOverride    string              `toml:"rule_name_override"`
	BuildingBlockType   string              `toml:"building_block_type"`
	Tags                []string            `toml:"tags"`
	References          []string            `toml:"references"`
	FalsePositives      []string            `toml:"false_positives"`
	Threat              []Threat            `toml:"threat"`
	Note                string              `toml:"note"` // the investigation guide, in Markdown
	Setup               string              `toml:"setup"`
	InvestigationFields InvestigationFields `toml:"investigation_fields"`

	// From and To bound what a scheduled search looks at, "now-9m"; Interval is
	// how often it runs, "5m". A stream has no need of them but for MaxSignals.
	From       string `toml:"from"`
	To         string `toml:"to"`
	Interval   string `toml:"interval"`
	MaxSignals int    `toml:"max_signals"` // alerts in one interval; 100 by default

	EventCategoryOverride             string `toml:"event_category_override"`
	TimestampField                    string `toml:"timestamp_field"`
	TiebreakerField                   string `toml:"tiebreaker_field"`
	TimestampOverride                 string `toml:"timestamp_override"`
	TimestampOverrideFallbackDisabled bool   `toml:"timestamp_override_fallback_disabled"`

	RelatedIntegrations []RelatedIntegration `toml:"related_integrations"`
	RequiredFields      []RequiredField      `toml:"required_fields"`
	Filters             []map[string]any     `toml:"filters"`
	AlertSuppression    *AlertSuppression    `toml:"alert_suppression"`
	Actions             []map[string]any     `toml:"actions"`
	ResponseActions     []map[string]any     `toml:"response_actions"`
	ExceptionsList      []map[string]string  `toml:"exceptions_list"`
	Meta                map[string]any       `toml:"meta"`
	Throttle            any                  `toml:"throttle"`
	TimelineID          string               `toml:"timeline_id"`
	TimelineTitle       string               `toml:"timeline_title"`
	OutputIndex         string               `toml:"output_index"`
	Namespace           string               `toml:"namespace"`
	Outcome             string               `toml:"outcome"`
	AliasTargetID       string               `toml:"alias_target_id"`
	AliasPurpose        string               `toml:"alias_purpose"`

	// Kibana adds these to the rules that it exports.

	ID               string `toml:"id"`
	Immutable        bool   `toml:"immutable"`
	RuleSource       any    `toml:"rule_source"`
	CreatedAt        any    `toml:"created_at"` // text or a date
	CreatedBy        string `toml:"created_by"`
	UpdatedAt        any    `toml:"updated_at"`
	UpdatedBy        string `toml:"updated_by"`
	ExecutionSummary any    `toml:"execution_summary"`

	// What follows belongs to types of rules that Tripline does not run.

	SavedID              string           `toml:"saved_id"`
	Threshold            *Threshold       `toml:"threshold"`
	NewTerms             *NewTerms        `toml:"new_terms"`
	NewTermsFields       []string         `toml:"new_terms_fields"`
	HistoryWindowStart   string           `toml:"history_window_start"`
	AnomalyThreshold     int              `toml:"anomaly_threshold"`
	MachineLearningJobID any              `toml:"machine_learning_job_id"` // a string or a list of strings
	ThreatQuery          string           `toml:"threat_query"`
	ThreatLanguage       string           `toml:"threat_language"`
	ThreatIndex          []string         `toml:"threat_index"`
	ThreatIndicatorPath  string           `toml:"threat_indicator_path"`
	ThreatMapping        []ThreatMapping  `toml:"threat_mapping"`
	ThreatFilters        []map[string]any `toml:"threat_filters"`
	ConcurrentSearches   int              `toml:"concurrent_searches"`
	ItemsPerSearch       int              `toml:"items_per_search"`
}

// Severities are the values of Rule.Severity, lowest first.
func Severities() []string { return []string{"low", "medium", "high", "critical"} }

// locate moves errors about the query to their place in the rule's file.
func (r *Rule) locate(err error) error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var moved []error
		for _, one := range joined.Unwrap() {
			moved = append(moved, r.locate(one))
		}
		return errors.Join(moved...)
	}
	var unsupported *UnsupportedError
	if errors.As(err, &unsupported) {
		return &UnsupportedError{Feature: unsupported.Feature, Err: r.queryPlace.Move(unsupported.Err, r.File)}
	}
	var unknown *eql.UnknownFieldError
	if errors.As(err, &unknown) {
		return &eql.UnknownFieldError{Field: unknown.Field, Err: r.queryPlace.Move(unknown.Err, r.File)}
	}
	var defect *diag.Error
	if errors.As(err, &defect) {
		return r.queryPlace.Move(defect, r.File)
	}
	return fmt.Errorf("%s: %w", r.File, err)
}
