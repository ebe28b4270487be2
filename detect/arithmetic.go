package detect

import (
	"math"
	"math/bits"

	"tripline/detect/eql"
)

func (c *compiler) arithmetic(e *eql.Arithmetic) (operand, error) {
	operands, err := c.values([]eql.Expression{e.Left, e.Right})
	if err != nil {
		return operand{}, err
	}
	return arithmeticOf(e.Operator, operands), nil
}

// arithmeticOf computes a number from two operands.
func arithmeticOf(operator eql.ArithmeticOperator, operands []operand) operand {
	left, right := operands[0].evaluate, operands[1].evaluate
	return combine(func(ev Event) Value { return compute(operator, left(ev), right(ev)) }, operands...)
}

func (c *compiler) negation(e *eql.Negation) (operand, error) {
	o, err := c.value(e.Operand)
	if err != nil {
		return operand{}, err
	}
	evaluate := o.evaluate
	return combine(func(ev Event) Value { return negative(evaluate(ev)) }, o), nil
}

func negative(value Value) Value {
	if value.kind == KindFloat {
		return Float(-value.Float())
	}
	return compute(eql.Subtract, Int(0), value)
}

// compute does arithmetic on two numbers: on integers if both are, else on
// floating-point numbers. The result is null if an operand is no number, if it
// is beyond the range of integers, and for a division of integers by zero.
func compute(operator eql.ArithmeticOperator, a, b Value) Value {
	switch {
	case a.kind == KindInt && b.kind == KindInt:
		n, ok := computeIntegers(operator, a.Int(), b.Int())
		if !ok {
			return Value{}
		}
		return Int(n)
	case a.isNumber() && b.isNumber():
		return Float(computeFloats(operator, a.toFloat(), b.toFloat()))
	default:
		return Value{}
	}
}

// computeIntegers truncates quotients towards zero; a remainder has the sign of
// the dividend.
func computeIntegers(operator eql.ArithmeticOperator, a, b int64) (int64, bool) {
	switch operator {
	case eql.Add:
		sum := a + b
		return sum, (sum > a) == (b > 0)
	case eql.Subtract:
		difference := a - b
		return difference, (difference < a) == (b > 0)
	case eql.Multiply:
		return multiplyIntegers(a, b)
	case eql.Divide:
		if b == 0 || a == math.MinInt64 && b == -1 {
			return 0, false
		}
		return a / b, true
	default:
		if b == 0 {
			return 0, false
		}
		return a % b, true
	}
}

func multiplyIntegers(a, b int64) (int64, bool) {
	high, low := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return -int64(low), high == 0 && low <= 1<<63
	}
	return int64(low), high == 0 && low < 1<<63
}

// magnitude is the number without its sign.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func computeFloats(operator eql.ArithmeticOperator, a, b float64) float64 {
	switch operator {
	case eql.Add:
		return a + b
	case eql.Subtract:
		return a - b
	case eql.Multiply:
		return a * b
	case eql.Divide:
		return a / b
	default:
		return math.Mod(a, b)
	}
}
