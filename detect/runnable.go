package detect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tripline/detect/eql"
	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// NotRunnableError says why a rule that is well formed is not evaluated.
type NotRunnableError struct {
	// Rule is the rule, whole but for its evaluation.
	Rule *Rule
	// Reason says why, to follow "rule is not evaluated: ".
	Reason string
	// Err is or joins a *diag.Error for each place in the file that is a reason.
	Err error
}

// Error gives the places and the reasons.
func (e *NotRunnableError) Error() string { return e.Err.Error() }

// Unwrap returns the error with the places.
func (e *NotRunnableError) Unwrap() error { return e.Err }

// notRunnable is the error for a rule that the value of a key of [rule] prevents.
func (r *Rule) notRunnable(key, hint, format string, args ...any) *NotRunnableError {
	reason := fmt.Sprintf(format, args...)
	defect := stricttoml.ErrorAt(r.File, []byte(r.queryPlace.File()), "rule is not evaluated: "+reason, hint, "rule", key)
	return &NotRunnableError{Rule: r, Reason: reason, Err: defect}
}

// runnableType says why a rule of its type is not evaluated; nil if it is.
func (r *Rule) runnableType() *NotRunnableError {
	language := r.Language
	if language == "" {
		language = "kuery"
	}
	why := ""
	switch r.Type {
	case "eql":
		return r.unfiltered()
	case "esql":
		why = "it aggregates stored documents in ES|QL"
	case "machine_learning":
		why = "it reads the anomalies that a job in the cluster found"
	case "new_terms":
		why = "it compares with the values of past days, which only a cluster has"
	case "query", "saved_query":
		why = "it is a search in " + language
	case "threat_match":
		why = "it compares with indicators that are stored in the cluster"
	case "threshold":
		why = "it counts the results of a search in " + language
	}
	return r.notRunnable("type", "Tripline evaluates rules of type eql", "its type is %s: %s", r.Type, why)
}

// unfiltered refuses Kibana's filter objects, which narrow what the query finds:
// without them the rule would mean something else.
func (r *Rule) unfiltered() *NotRunnableError {
	for _, filter := range r.Filters {
		meta, _ := filter["meta"].(map[string]any)
		if off, _ := meta["disabled"].(bool); !off {
			return r.notRunnable("filters", "write the conditions into the query",
				"it has filters besides its query, which are no EQL")
		}
	}
	return nil
}

// runnableLive says why a rule is not evaluated over the events of a live schema,
// which are ordered by @timestamp and event.sequence; nil if it can be.
func (r *Rule) runnableLive(schema Schema) *NotRunnableError {
	if r.Enabled != nil && !*r.Enabled {
		return r.notRunnable("enabled", "write enabled = true", "it is disabled")
	}
	if field := r.TimestampField; field != "" && field != "@timestamp" {
		return r.notRunnable("timestamp_field", "", "its timestamp_field is %s, and events here are ordered by @timestamp", field)
	}
	if field := r.TiebreakerField; field != "" && field != "event.sequence" {
		return r.notRunnable("tiebreaker_field", "", "its tiebreaker_field is %s, and events of one time are ordered by event.sequence here", field)
	}
	if field := r.EventCategoryOverride; field != "" {
		if _, ok := schema.Field(field); !ok {
			return r.notRunnable("event_category_override", "", "its event_category_override is %s, and events here have no such field", field)
		}
	}
	return nil
}

// runnableEvents says that a stage demands what no event of a live schema has, such
// as another operating system; nil if no stage does.
func (r *Rule) runnableEvents(compiled *Compiled, schema Schema) *NotRunnableError {
	for _, stage := range compiled.stages {
		if stage.negative {
			continue
		}
		demands := stage.need.Conditions
		if stage.category != "" {
			demands = append(slices.Clone(demands), Condition{Field: compiled.categoryName, Values: []string{stage.category}})
		}
		for _, demand := range demands {
			field, _ := schema.Field(demand.Field)
			if field.Only == nil || slices.ContainsFunc(demand.Values, func(v string) bool { return slices.Contains(field.Only, v) }) {
				continue
			}
			return r.notRunnable("query", demand.Field+" is "+listed(field.Only)+" here",
				"no event here has %s %s", demand.Field, strings.Join(demand.Values, " or "))
		}
	}
	return nil
}

// notCompiled decides what it means that a rule could not be compiled for a live
// schema. Fields that only other producers' events have, and what needs events
// with an end, make it not runnable; anything else, a field's misspelling among
// it, is a defect of the rule.
func (r *Rule) notCompiled(failure error, schema Schema) error {
	var unsupported *UnsupportedError
	if errors.As(failure, &unsupported) {
		return &NotRunnableError{Rule: r, Reason: unsupported.Feature + " needs events that have an end", Err: failure}
	}
	var missing []string
	var places []error
	defects := false
	for _, err := range diag.Flatten(failure) {
		var unknown *eql.UnknownFieldError
		if !errors.As(err, &unknown) || misspelled(unknown.Field, schema) {
			defects = true
			places = append(places, err)
			continue
		}
		if !slices.Contains(missing, unknown.Field) {
			missing = append(missing, unknown.Field)
		}
		places = append(places, elsewhere(unknown))
	}
	if defects {
		return errors.Join(places...)
	}
	return &NotRunnableError{Rule: r, Reason: "events here have no field " + listed(missing), Err: errors.Join(places...)}
}

// misspelled reports whether a field that the schema does not have is meant to be
// one that it has.
func misspelled(field string, schema Schema) bool {
	if inECS(field) {
		return false
	}
	_, near := diag.Misspelled(field, schema.FieldNames())
	return near
}

// elsewhere describes the use of a field that only other producers' events have.
func elsewhere(unknown *eql.UnknownFieldError) error {
	defect := *unknown.Err
	defect.Message = fmt.Sprintf("rule is not evaluated: events here have no field %q", unknown.Field)
	defect.Hint = "a ? before it lets the rule run without it, as if it were missing in every event"
	return &eql.UnknownFieldError{Field: unknown.Field, Err: &defect}
}

// listed joins names for a message, the first few of many.
func listed(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
