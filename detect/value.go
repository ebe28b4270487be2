package detect

import (
	"slices"

	"tripline/detect/eql"
)

// valuer computes a value from an event. Its logic is three-valued: what cannot
// be computed is missing, which is EQL's null.
type valuer func(Event) Value

// operand is a compiled value expression.
type operand struct {
	evaluate valuer
	// fields are the fields that it reads, none twice.
	fields []FieldID
	// forgeable are those of them that are forgeable.
	forgeable []FieldID
	costly    bool
}

// isConstant reports whether the value is the same for every event.
func (o operand) isConstant() bool { return len(o.fields) == 0 }

// isNull reports whether the value is null for every event: the literal null, an
// unknown optional field, and what is computed from them.
func (o operand) isNull() bool { return o.isConstant() && o.evaluate(nil).kind == KindMissing }

// constantOperand is an operand that has the same value for every event.
func constantOperand(value Value) operand {
	return operand{evaluate: func(Event) Value { return value }}
}

// combine makes an operand that is computed from others. What is computed from
// constants alone is computed now.
func combine(evaluate valuer, operands ...operand) operand {
	combined := operand{evaluate: evaluate}
	for _, one := range operands {
		combined.costly = combined.costly || one.costly
		combined.fields = union(combined.fields, one.fields)
		combined.forgeable = union(combined.forgeable, one.forgeable)
	}
	if combined.isConstant() {
		return constantOperand(evaluate(nil))
	}
	return combined
}

// union appends to some fields those of others that are not among them.
func union(fields, others []FieldID) []FieldID {
	for _, field := range others {
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return fields
}

// value compiles an expression whose value is used.
func (c *compiler) value(expression eql.Expression) (operand, error) {
	switch e := expression.(type) {
	case *eql.Literal:
		return constantOperand(literalValue(e)), nil
	case *eql.Field:
		return c.fieldValue(e), nil
	case *eql.Call:
		called, err := believed(c, func() (operand, error) { return c.call(e) })
		return c.guarded(called, true), err
	case *eql.Arithmetic:
		return believed(c, func() (operand, error) { return c.arithmetic(e) })
	case *eql.Negation:
		return believed(c, func() (operand, error) { return c.negation(e) })
	case *eql.Comparison:
		return c.comparisonValue(e)
	case *eql.Membership:
		return c.membershipValue(e)
	case *eql.Logical:
		return c.logicalValue(e)
	case *eql.Not:
		return c.notValue(e)
	default:
		return operand{}, c.query.ErrorAt(expression.Position(), "", "expression has no value")
	}
}

// values compiles several expressions whose values are used.
func (c *compiler) values(expressions []eql.Expression) ([]operand, error) {
	operands := make([]operand, 0, len(expressions))
	for _, expression := range expressions {
		one, err := c.value(expression)
		if err != nil {
			return nil, err
		}
		operands = append(operands, one)
	}
	return operands, nil
}

// fieldValue compiles a field. An unknown optional field is null.
func (c *compiler) fieldValue(source *eql.Field) operand {
	field, ok := c.field(source)
	if !ok {
		return constantOperand(Value{})
	}
	id := field.ID
	o := operand{evaluate: func(ev Event) Value { return ev.Value(id) }, fields: []FieldID{id}, costly: field.Costly}
	if field.Forgeable {
		o.forgeable = o.fields
	}
	return o
}

// leafOf compiles a test of a computed value, which is true if it is for any
// choice of one value from each field with several.
func leafOf(o operand, test func(Value) bool) condition {
	evaluate, fields := o.evaluate, o.fields
	if o.isConstant() {
		return constant(test(evaluate(nil)))
	}
	return condition{costly: o.costly, test: func(ev Event) bool {
		for _, field := range fields {
			if ev.Value(field).kind == KindList {
				return anyChoice(ev, fields, func(one Event) bool { return test(evaluate(one)) })
			}
		}
		return test(evaluate(ev))
	}}
}

// truthOf compiles a computed value that has to be true.
func (c *compiler) truthOf(expression eql.Expression) (condition, error) {
	o, err := c.value(expression)
	if err != nil {
		return condition{}, err
	}
	return leafOf(o, isTrue), nil
}
