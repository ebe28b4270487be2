package detect

import (
	"slices"

	"tripline/detect/eql"
)

// predicate decides about one event. Its logic is two-valued: what cannot be
// compared is not true.
type predicate func(Event) bool

// condition is a compiled condition.
type condition struct {
	test predicate
	// costly says that it reads a costly field.
	costly bool
}

func constant(truth bool) condition {
	return condition{test: func(Event) bool { return truth }}
}

// condition compiles an expression that has to be true.
func (c *compiler) condition(expression eql.Expression) (condition, error) {
	switch e := expression.(type) {
	case *eql.Literal:
		return constant(e.Kind == eql.LiteralBool && e.Bool), nil
	case *eql.Field:
		return c.leaf(e, isTrue)
	case *eql.Logical:
		return c.logical(e)
	case *eql.Not:
		return c.not(e)
	case *eql.Comparison:
		return c.comparison(e)
	case *eql.Membership:
		return c.membership(e)
	default:
		return c.truthOf(expression)
	}
}

// logical compiles and and or. Operands that read costly fields move behind
// the others, which changes no result.
func (c *compiler) logical(logical *eql.Logical) (condition, error) {
	operands := make([]condition, 0, len(logical.Operands))
	for _, operand := range logical.Operands {
		compiled, err := c.condition(operand)
		if err != nil {
			return condition{}, err
		}
		operands = append(operands, compiled)
	}
	slices.SortStableFunc(operands, func(a, b condition) int {
		switch {
		case a.costly == b.costly:
			return 0
		case b.costly:
			return -1
		default:
			return 1
		}
	})
	tests := make([]predicate, len(operands))
	for i, operand := range operands {
		tests[i] = operand.test
	}
	costly := operands[len(operands)-1].costly
	if logical.Operator == eql.And {
		return condition{test: allOf(tests), costly: costly}, nil
	}
	return condition{test: anyOf(tests), costly: costly}, nil
}

func allOf(tests []predicate) predicate {
	return func(ev Event) bool {
		for _, test := range tests {
			if !test(ev) {
				return false
			}
		}
		return true
	}
}

func anyOf(tests []predicate) predicate {
	return func(ev Event) bool {
		for _, test := range tests {
			if test(ev) {
				return true
			}
		}
		return false
	}
}

func (c *compiler) not(not *eql.Not) (condition, error) {
	operand, err := reversed(c, true, func() (condition, error) { return c.condition(not.Operand) })
	return operand.negate(), err
}

func (c condition) negate() condition {
	test := c.test
	return condition{test: func(ev Event) bool { return !test(ev) }, costly: c.costly}
}

// scalarTest decides about one value of a field; it is never asked about a
// missing field or a list.
type scalarTest func(Value) bool

func isTrue(value Value) bool { return value.kind == KindBool && value.Bool() }

// leaf compiles a test of a field, which is true if it is for any of the
// field's values. An unknown optional field has none.
func (c *compiler) leaf(source *eql.Field, test scalarTest) (condition, error) {
	field, ok := c.field(source)
	if !ok {
		return constant(false), nil
	}
	return condition{costly: field.Costly, test: c.fieldTest(field, test)}, nil
}

func anyElement(list Value, test scalarTest) bool { return slices.ContainsFunc(list.Elements(), test) }
