package detect

import (
	"strings"

	"tripline/detect/eql"
)

// function computes a result from the values of a call's arguments. No
// argument is missing or a list.
type function func(arguments []Value) Value

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
		return nullIfAny(concatenate, operands), nil
	case "string":
		return nullIfAny(func(arguments []Value) Value { return String(textOf(arguments[0])) }, operands), nil
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

// fewArguments is up to how many arguments are evaluated without allocation.
const fewArguments = 4

// nullIfAny makes the call of a function that is null if any argument is.
func nullIfAny(compute function, operands []operand) operand {
	return combine(func(ev Event) Value {
		var memory [fewArguments]Value
		arguments := memory[:0]
		for i := range operands {
			value := operands[i].evaluate(ev)
			if value.kind == KindMissing {
				return Value{}
			}
			arguments = append(arguments, value)
		}
		return compute(arguments)
	}, operands...)
}

func concatenate(arguments []Value) Value {
	var text strings.Builder
	for _, argument := range arguments {
		text.WriteString(textOf(argument))
	}
	return String(text.String())
}
