package detect

import (
	"cmp"
	"math"
	"strings"

	"tripline/detect/eql"
)

// comparison compiles a comparison of a field with a constant, in either
// order.
func (c *compiler) comparison(e *eql.Comparison) (condition, error) {
	operator := e.Operator
	field, isField := e.Left.(*eql.Field)
	literal, isLiteral := e.Right.(*eql.Literal)
	if !isField {
		field, isField = e.Right.(*eql.Field)
		literal, isLiteral = e.Left.(*eql.Literal)
		operator = mirrored(operator)
	}
	if !isField || !isLiteral {
		return condition{}, c.refuseOperands(e)
	}
	if literal.Kind == eql.LiteralNull {
		return c.compareNull(operator, field), nil
	}
	if err := c.refuseDate(field); err != nil {
		return condition{}, err
	}
	if operator != eql.NotEqual {
		return c.leaf(field, compareWith(operator, literalValue(literal)))
	}
	if _, known := c.field(field); !known {
		return constant(false), nil // null != constant is null
	}
	equal, err := c.leaf(field, compareWith(eql.Equal, literalValue(literal)))
	return equal.negate(), err
}

// refuseOperands names what a comparison computes that is not evaluated.
func (c *compiler) refuseOperands(e *eql.Comparison) error {
	for _, side := range []eql.Expression{e.Left, e.Right} {
		switch side.(type) {
		case *eql.Field, *eql.Literal:
		default:
			return c.unsupported(side.Position(), computation(side))
		}
	}
	return c.unsupported(e.Pos, "comparison of constants")
}

// refuseDate refuses to compare a date with anything but null.
func (c *compiler) refuseDate(field *eql.Field) error {
	if known, ok := c.schema.Field(field.Name); ok && known.Type == TypeDate {
		return c.unsupported(field.Pos, "comparison of a date")
	}
	return nil
}

// mirrored is the operator for exchanged operands.
func mirrored(operator eql.ComparisonOperator) eql.ComparisonOperator {
	switch operator {
	case eql.Less:
		return eql.Greater
	case eql.LessOrEqual:
		return eql.GreaterOrEqual
	case eql.Greater:
		return eql.Less
	case eql.GreaterOrEqual:
		return eql.LessOrEqual
	default:
		return operator
	}
}

// compareNull compiles field == null and field != null; every other comparison
// with null is null.
func (c *compiler) compareNull(operator eql.ComparisonOperator, field *eql.Field) condition {
	switch operator {
	case eql.NotEqual:
		return c.exists(field)
	case eql.Equal:
		return c.exists(field).negate()
	default:
		return constant(false)
	}
}

// literalValue is the value of a literal that is not null.
func literalValue(literal *eql.Literal) Value {
	switch literal.Kind {
	case eql.LiteralBool:
		return Bool(literal.Bool)
	case eql.LiteralInteger:
		return Int(literal.Integer)
	case eql.LiteralDecimal:
		return Float(literal.Decimal)
	case eql.LiteralString:
		return String(literal.String)
	default:
		return Value{}
	}
}

// compareWith makes the test whether a value stands in a relation to a
// constant. Values that cannot be compared do not.
func compareWith(operator eql.ComparisonOperator, right Value) scalarTest {
	if operator == eql.Equal && right.kind == KindString {
		text := right.text
		return func(value Value) bool { return value.kind == KindString && value.text == text }
	}
	return func(value Value) bool {
		sign, ok := compareScalars(value, right)
		if !ok {
			return false
		}
		switch operator {
		case eql.Equal:
			return sign == 0
		case eql.Less:
			return sign < 0
		case eql.LessOrEqual:
			return sign <= 0
		case eql.Greater:
			return sign > 0
		default:
			return sign >= 0
		}
	}
}

// compareScalars orders two scalars; false if they have no order. Strings are
// ordered by their bytes, numbers by their value whatever their kind.
func compareScalars(a, b Value) (int, bool) {
	switch {
	case a.kind == KindString && b.kind == KindString:
		return strings.Compare(a.text, b.text), true
	case a.kind == KindInt && b.kind == KindInt:
		return cmp.Compare(a.Int(), b.Int()), true
	case a.isNumber() && b.isNumber():
		x, y := a.toFloat(), b.toFloat()
		return cmp.Compare(x, y), !math.IsNaN(x) && !math.IsNaN(y)
	case a.kind == KindBool && b.kind == KindBool:
		return cmp.Compare(a.num, b.num), true
	}
	return 0, false
}

func (v Value) isNumber() bool { return v.kind == KindInt || v.kind == KindFloat }

// toFloat converts a number.
func (v Value) toFloat() float64 {
	if v.kind == KindInt {
		return float64(v.Int())
	}
	return v.Float()
}
