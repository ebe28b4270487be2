package detect

import (
	"strconv"

	"tripline/detect/eql"
)

// Need is what a rule needs of the events at one of its stages. An event that
// does not fulfil it cannot match the stage.
type Need struct {
	// Category is the event category, empty for any.
	Category string
	// Actions are the values of event.action of which the event must have one;
	// nil for any.
	Actions []string
	// Conditions all hold for an event that matches.
	Conditions []Condition
}

// Condition demands that a field has one of some values.
type Condition struct {
	Field string
	// Values are the constants of the rule; numbers and booleans as they are
	// written in EQL.
	Values []string
}

// Needs tells for each stage, and last for until, what events the rule needs.
// The runs of a stage share one Need.
func (c *Compiled) Needs() []Need {
	needs := make([]Need, 0, len(c.stages)+1)
	for _, stage := range c.stages {
		if !stage.repeated {
			needs = append(needs, stage.need)
		}
	}
	if c.until != nil {
		needs = append(needs, c.until.need)
	}
	return needs
}

// conjuncts lists the conditions that all have to be true for expression to be.
func conjuncts(expression eql.Expression) []eql.Expression {
	logical, ok := expression.(*eql.Logical)
	if !ok || logical.Operator != eql.And {
		return []eql.Expression{expression}
	}
	var all []eql.Expression
	for _, operand := range logical.Operands {
		all = append(all, conjuncts(operand)...)
	}
	return all
}

// need collects what the conjuncts of a filter demand of single fields.
func (c *compiler) need(filter *eql.Filter) Need {
	need := Need{Category: filter.Category}
	for _, conjunct := range conjuncts(filter.Condition) {
		field, values, folded := demand(conjunct)
		switch {
		case field == nil:
		case field.Name == c.actionField && need.Actions == nil:
			need.Actions = values
		case !folded:
			need.Conditions = append(need.Conditions, Condition{Field: field.Name, Values: values})
		}
	}
	return need
}

// exactActions are the actions of which an event must have one, case-sensitive;
// nil for any.
func (c *compiler) exactActions(expression eql.Expression) []string {
	for _, conjunct := range conjuncts(expression) {
		if field, values, folded := demand(conjunct); field != nil && field.Name == c.actionField && !folded {
			return values
		}
	}
	return nil
}

// demand returns the field and the values of which a condition demands one;
// nil if it is of another form. folded says that case does not matter.
func demand(expression eql.Expression) (field *eql.Field, values []string, folded bool) {
	switch e := expression.(type) {
	case *eql.Comparison:
		left, isField := e.Left.(*eql.Field)
		right := e.Right
		if !isField {
			left, isField = e.Right.(*eql.Field)
			right = e.Left
		}
		if !isField || e.Operator != eql.Equal {
			return nil, nil, false
		}
		values, ok := constants([]eql.Expression{right}, false)
		if !ok {
			return nil, nil, false
		}
		return left, values, false
	case *eql.Membership:
		return demandOfMembership(e)
	}
	return nil, nil, false
}

func demandOfMembership(e *eql.Membership) (field *eql.Field, values []string, folded bool) {
	field, isField := e.Value.(*eql.Field)
	if !isField || e.Negated || e.Operator == eql.Regex || e.Operator == eql.RegexInsensitive {
		return nil, nil, false
	}
	literally := e.Operator == eql.In || e.Operator == eql.InInsensitive
	values, ok := constants(e.Choices, !literally)
	if !ok {
		return nil, nil, false
	}
	return field, values, e.Operator != eql.In && e.Operator != eql.Like
}

// constants writes literals as text; false if one is null or no literal or,
// where wildcards count, has one.
func constants(expressions []eql.Expression, wildcards bool) ([]string, bool) {
	var values []string
	for _, expression := range expressions {
		literal, ok := expression.(*eql.Literal)
		if !ok {
			return nil, false
		}
		switch literal.Kind {
		case eql.LiteralString:
			if wildcards && hasWildcard(literal.String) {
				return nil, false
			}
			values = append(values, literal.String)
		case eql.LiteralInteger:
			values = append(values, strconv.FormatInt(literal.Integer, 10))
		case eql.LiteralDecimal, eql.LiteralBool:
			values = append(values, eql.PrintExpression(literal))
		default:
			return nil, false
		}
	}
	return values, true
}
