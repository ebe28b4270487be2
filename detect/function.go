package detect

import (
	"strings"

	"tripline/detect/eql"
)

// function computes a result from the values of a call's arguments. No
// argument is missing or a list.
type function func(arguments) Value

// arguments are the values that a function is called with. They are passed as
// they are, so that a call allocates nothing.
type arguments struct {
	values [maxArguments]Value
	count  int
}

// maxArguments is the number of arguments of every function but concat and
// cidrMatch, which take any number.
const maxArguments = 4

// call compiles a function and its arguments. The checker has verified them.
func (c *compiler) call(call *eql.Call) (operand, error) {
	operands, err := c.values(call.Arguments)
	if err != nil {
		return operand{}, err
	}
	name := strings.ToLower(call.Name)
	if operator, ok := arithmeticFunction(name); ok {
		return arithmeticOf(operator, operands), nil
	}
	switch name {
	case "cidrmatch":
		return c.cidrMatch(call, operands)
	case "number":
		return toNumber(operands), nil
	case "concat":
		return concatenation(operands), nil
	case "string":
		return nullIfAny(func(given arguments) Value { return String(textOf(given.values[0])) }, operands), nil
	default:
		return nullIfAny(textFunction(name, call.Insensitive), operands), nil
	}
}

// arithmeticFunction returns the operator of which a function is the name.
func arithmeticFunction(name string) (eql.ArithmeticOperator, bool) {
	switch name {
	case "add":
		return eql.Add, true
	case "subtract":
		return eql.Subtract, true
	case "multiply":
		return eql.Multiply, true
	case "divide":
		return eql.Divide, true
	case "modulo":
		return eql.Modulo, true
	}
	return 0, false
}

// nullIfAny makes the call of a function that is null if any argument is.
func nullIfAny(compute function, operands []operand) operand {
	return combine(func(ev Event) Value {
		given := arguments{count: len(operands)}
		for i := range operands {
			value := operands[i].evaluate(ev)
			if value.kind == KindMissing {
				return Value{}
			}
			given.values[i] = value
		}
		return compute(given)
	}, operands...)
}

// maxConcatenation is the length of the longest text that concat makes, in
// bytes; a longer one is null. It bounds what a hostile query costs.
const maxConcatenation = 1 << 20

// concatenation makes the call of concat.
func concatenation(operands []operand) operand {
	return combine(func(ev Event) Value {
		var text strings.Builder
		for i := range operands {
			value := operands[i].evaluate(ev)
			if value.kind == KindMissing {
				return Value{}
			}
			part := textOf(value)
			if text.Len()+len(part) > maxConcatenation {
				return Value{}
			}
			text.WriteString(part)
		}
		return String(text.String())
	}, operands...)
}
