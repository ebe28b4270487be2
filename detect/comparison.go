package detect

import (
	"cmp"
	"math"
	"strings"

	"tripline/detect/eql"
)

// comparison compiles a comparison. A constant is on one side of it at least.
func (c *compiler) comparison(e *eql.Comparison) (condition, error) {
	operands, err := c.comparedValues(e)
	if err != nil {
		return condition{}, err
	}
	return reversed(c, e.Operator == eql.NotEqual, func() (condition, error) { return c.compared(e, operands) })
}

// compared compiles a comparison of compiled operands.
func (c *compiler) compared(e *eql.Comparison, operands []operand) (condition, error) {
	operator, source, other := e.Operator, e.Left, e.Right
	left, right := operands[0], operands[1]
	if !right.isConstant() || left.isNull() {
		operator, source, other = mirrored(operator), e.Right, e.Left
		left, right = right, left
	}
	value := right.evaluate(nil)
	if value.kind == KindMissing {
		return c.compareNull(operator, source, left), nil
	}
	positive := operator
	if operator == eql.NotEqual {
		positive = eql.Equal
	}
	test, err := c.comparisonTest(positive, source, other, right)
	if err != nil {
		return condition{}, err
	}
	compiled := leafOf(left, test)
	if decides, _ := comparesTruth(e); !decides {
		compiled = c.guardedLeaf(left, test)
	}
	if field, ok := source.(*eql.Field); ok && !left.isConstant() {
		if compiled, err = c.leaf(field, test); err != nil {
			return condition{}, err
		}
	}
	if operator != eql.NotEqual {
		return compiled, nil
	}
	return compiled.negate(), nil
}

// comparisonTest makes the test of what is compared with a constant, which is given
// as it is written and as it was compiled.
func (c *compiler) comparisonTest(operator eql.ComparisonOperator, source, other eql.Expression, constant operand) (scalarTest, error) {
	value := constant.evaluate(nil)
	if c.isDate(source) {
		moment, err := c.dateOf(other, value)
		return dateTest(operator, moment), err
	}
	if order, ok := c.unknownOrder(source, constant); ok {
		return order.test(operator), nil
	}
	return compareWith(operator, value), nil
}

// comparedValues compiles both sides of a comparison.
func (c *compiler) comparedValues(e *eql.Comparison) ([]operand, error) {
	both := func() ([]operand, error) { return c.values([]eql.Expression{e.Left, e.Right}) }
	if decides, reverses := comparesTruth(e); decides {
		return reversed(c, reverses, both)
	}
	return believed(c, both)
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

// compareNull compiles value == null and value != null; every other comparison
// with null is null. That a field is there needs no proof, whatever it says; that
// something can be computed from it does. A value that is not null affirms: it is
// != that is not reversed.
func (c *compiler) compareNull(operator eql.ComparisonOperator, source eql.Expression, o operand) condition {
	isThere := func(value Value) bool { return value.kind != KindMissing }
	exists, _ := reversed(c, true, func() (condition, error) { return c.guardedLeaf(o, isThere), nil })
	if _, ok := source.(*eql.Field); ok {
		exists = leafOf(o, isThere)
	}
	switch operator {
	case eql.NotEqual:
		return exists
	case eql.Equal:
		return exists.negate()
	default:
		return constant(false)
	}
}

// literalValue is the value of a literal.
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
		text := right.Text()
		return func(value Value) bool { return value.kind == KindString && value.Text() == text }
	}
	return func(value Value) bool {
		sign, ok := compareScalars(value, right)
		if !ok {
			return false
		}
		return operatorHolds(operator, sign)
	}
}

// operatorHolds reports whether a relation holds between two values whose order
// is the sign.
func operatorHolds(operator eql.ComparisonOperator, sign int) bool {
	switch operator {
	case eql.Equal:
		return sign == 0
	case eql.NotEqual:
		return sign != 0
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

// compareScalars orders two scalars; false if they have no order. Strings are
// ordered by their bytes, numbers by their value whatever their kind.
func compareScalars(a, b Value) (int, bool) {
	switch {
	case a.kind == KindString && b.kind == KindString:
		return strings.Compare(a.Text(), b.Text()), true
	case a.kind == KindInt && b.kind == KindInt:
		return cmp.Compare(a.Int(), b.Int()), true
	case a.kind == KindInt && b.kind == KindFloat:
		return compareIntFloat(a.Int(), b.Float())
	case a.kind == KindFloat && b.kind == KindInt:
		sign, ok := compareIntFloat(b.Int(), a.Float())
		return -sign, ok
	case a.kind == KindFloat && b.kind == KindFloat:
		x, y := a.Float(), b.Float()
		return cmp.Compare(x, y), !math.IsNaN(x) && !math.IsNaN(y)
	case a.kind == KindBool && b.kind == KindBool:
		return cmp.Compare(a.num, b.num), true
	}
	return 0, false
}

// compareIntFloat orders an integer and a floating-point number by their exact
// values, also where the one has no room in the other.
func compareIntFloat(n int64, f float64) (int, bool) {
	switch {
	case math.IsNaN(f):
		return 0, false
	case f >= 1<<63:
		return -1, true
	case f < -1<<63:
		return 1, true
	}
	whole := math.Trunc(f)
	if sign := cmp.Compare(n, int64(whole)); sign != 0 {
		return sign, true
	}
	return cmp.Compare(whole, f), true
}

func (v Value) isNumber() bool { return v.kind == KindInt || v.kind == KindFloat }

// toFloat converts a number.
func (v Value) toFloat() float64 {
	if v.kind == KindInt {
		return float64(v.Int())
	}
	return v.Float()
}
