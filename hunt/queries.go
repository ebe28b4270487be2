package hunt

import (
	"cmp"
	"errors"
	"fmt"

	"tripline/detect"
	"tripline/detect/eql"
	"tripline/internal/diag"
)

// FieldNames name the fields of a document that mean something to EQL itself.
// An empty one stands for the name in ECS.
type FieldNames struct {
	Category   string // event.category
	Timestamp  string // @timestamp
	Tiebreaker string // event.sequence
}

func (f FieldNames) withDefaults() FieldNames {
	return FieldNames{
		Category:   cmp.Or(f.Category, "event.category"),
		Timestamp:  cmp.Or(f.Timestamp, "@timestamp"),
		Tiebreaker: cmp.Or(f.Tiebreaker, "event.sequence"),
	}
}

// Queries are rules that are ready to be hunted for. They do not change and
// may be used for several hunts.
type Queries struct {
	rules []*detect.Compiled
	// filters match the events that some rule's stage matches.
	filters []*detect.Compiled
	fields  *fieldSet
	tree    *pathTree
	// timestamp and tiebreaker are the fields that order events.
	timestamp, tiebreaker detect.FieldID
}

// Len is how many rules there are.
func (q *Queries) Len() int { return len(q.rules) }

// NewRule makes a rule of a query that is in no file. Errors name it as name.
func NewRule(name, query string) *detect.Rule {
	return &detect.Rule{File: name, Definition: detect.Definition{Type: "eql", Language: "eql", Query: query}}
}

// Compile prepares rules. A rule's own event_category_override takes the place
// of names.Category; a rule whose timestamp_field or tiebreaker_field is another
// than that of names cannot be hunted for together with the others, and is an
// error. Compile returns the rules that are in order, nil if there are none,
// and, joined, the errors of the others.
func Compile(rules []*detect.Rule, names FieldNames) (*Queries, error) {
	names = names.withDefaults()
	q := &Queries{fields: newFieldSet()}
	var errs []error
	for _, rule := range rules {
		if err := q.add(rule, names); err != nil {
			errs = append(errs, err)
		}
	}
	err := errors.Join(errs...)
	if len(q.rules) == 0 {
		return nil, err
	}
	for _, field := range []struct {
		name string
		id   *detect.FieldID
	}{{names.Timestamp, &q.timestamp}, {names.Tiebreaker, &q.tiebreaker}} {
		known, ok := q.fields.Field(field.name)
		if !ok {
			return nil, errors.Join(err, fmt.Errorf("%.100q is no name of a field", field.name))
		}
		*field.id = known.ID
	}
	q.tree = newPathTree(q.fields.names)
	return q, err
}

// Except exempts the events for which an EQL condition holds from the rule with a
// rule_id, or with "*" from every rule. The error joins a *diag.Error for each
// defect of the condition.
func (q *Queries) Except(rule, condition string) error {
	exception, err := detect.CompileException(condition, q.fields)
	if err != nil {
		return fmt.Errorf("preparing an exception: %w", err)
	}
	for i, one := range q.rules {
		if rule == "*" || rule == one.Rule().RuleID {
			q.rules[i] = one.Except(exception)
		}
	}
	q.tree = newPathTree(q.fields.names)
	return nil
}

// add compiles a rule and its filters.
func (q *Queries) add(rule *detect.Rule, names FieldNames) error {
	for _, order := range []struct{ key, own, used, flag string }{
		{"timestamp_field", rule.TimestampField, names.Timestamp, "--timestamp-field"},
		{"tiebreaker_field", rule.TiebreakerField, names.Tiebreaker, "--tiebreaker-field"},
	} {
		if order.own != "" && order.own != order.used {
			return &diag.Error{
				File:    rule.File,
				Message: fmt.Sprintf("rule is not evaluated: its %s is %s", order.key, order.own),
				Hint:    fmt.Sprintf("run it alone, with %s %s", order.flag, order.own),
			}
		}
	}
	options := detect.CompileOptions{CategoryField: names.Category, Finite: true}
	if rule.EventCategoryOverride != "" {
		options.CategoryField = rule.EventCategoryOverride
	}
	compiled, err := detect.CompileWith(rule, q.fields, options)
	if err != nil {
		return fmt.Errorf("%w", err)
	}
	filters, err := compileFilters(rule, q.fields, options)
	if err != nil {
		return err
	}
	q.rules = append(q.rules, compiled)
	q.filters = append(q.filters, filters...)
	return nil
}

// compileFilters makes an event query of each stage of a rule. An event that
// none of them matches cannot change what the rule matches.
func compileFilters(rule *detect.Rule, fields *fieldSet, options detect.CompileOptions) ([]*detect.Compiled, error) {
	query, err := eql.Parse(rule.Query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rule.File, err)
	}
	var filters []*detect.Compiled
	known := make(map[string]bool)
	for _, filter := range filtersOf(query.Statement) {
		text := eql.Print(&eql.Query{Statement: &eql.EventQuery{Filter: filter}})
		if known[text] {
			continue
		}
		known[text] = true
		compiled, err := detect.CompileWith(NewRule(rule.File, text), fields, options)
		if err != nil {
			return nil, fmt.Errorf("preparing a stage: %w", err)
		}
		filters = append(filters, compiled)
	}
	return filters, nil
}

// filtersOf lists the conditions of a statement.
func filtersOf(statement eql.Statement) []*eql.Filter {
	var stages []*eql.Stage
	switch statement := statement.(type) {
	case *eql.EventQuery:
		return []*eql.Filter{statement.Filter}
	case *eql.Sample:
		stages = statement.Stages
	case *eql.Sequence:
		stages = statement.Stages
		if statement.Until != nil {
			stages = append(stages[:len(stages):len(stages)], statement.Until)
		}
	}
	filters := make([]*eql.Filter, 0, len(stages))
	for _, stage := range stages {
		filters = append(filters, stage.Filter)
	}
	return filters
}

// newScanner makes a scanner for what the queries read.
func (q *Queries) newScanner() *scanner {
	return &scanner{tree: q.tree, timestamp: q.timestamp, tiebreaker: q.tiebreaker}
}
