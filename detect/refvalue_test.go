package detect_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// plainValue is a value expression as EQL and as its meaning: nil is null. It
// is about one choice of values: each field has one or none.
type plainValue struct {
	text string
	of   func(choice map[string]any) any
	// fields are the fields that it reads.
	fields []string
}

// fieldValue is a field; ?no.such is unknown to the schema, the literal null.
func fieldValue(name string) plainValue {
	return plainValue{name, func(choice map[string]any) any { return choice[name] }, []string{name}}
}

func constantValue(text string, value any) plainValue {
	return plainValue{text, func(map[string]any) any { return value }, nil}
}

// strict makes an expression that is null if an operand is.
func strict(text string, compute func(values []any) any, operands ...plainValue) plainValue {
	var fields []string
	for _, one := range operands {
		fields = append(fields, one.fields...)
	}
	return plainValue{text, func(choice map[string]any) any {
		values := make([]any, len(operands))
		for i, one := range operands {
			if values[i] = one.of(choice); values[i] == nil {
				return nil
			}
		}
		return compute(values)
	}, fields}
}

func randomNumberValue(random *rand.Rand, depth int) plainValue {
	if depth == 0 {
		n := random.IntN(5)
		return pick(random, writtenField(random, "x"), writtenField(random, "process.pid"), constantValue(fmt.Sprint(n), n))
	}
	switch random.IntN(6) {
	case 0:
		text := randomTextValue(random, depth-1)
		return strict("length("+text.text+")", func(v []any) any { return len(v[0].(string)) }, text)
	case 1:
		text, part := randomTextValue(random, depth-1), randomTextValue(random, 0)
		return strict("indexOf("+text.text+", "+part.text+")", func(v []any) any {
			if at := strings.Index(v[0].(string), v[1].(string)); at >= 0 {
				return at
			}
			return nil
		}, text, part)
	case 2:
		operand := randomNumberValue(random, depth-1)
		return strict("-("+operand.text+")", func(v []any) any { return -v[0].(int) }, operand)
	}
	return randomArithmetic(random, depth)
}

// randomArithmetic computes with an operator, or with the function of its name.
func randomArithmetic(random *rand.Rand, depth int) plainValue {
	a, b := randomNumberValue(random, depth-1), randomNumberValue(random, depth-1)
	operator := pick(random, "+", "-", "*", "/", "%")
	text := "(" + a.text + " " + operator + " " + b.text + ")"
	if random.IntN(4) == 0 {
		function := map[string]string{"+": "add", "-": "Subtract", "*": "multiply", "/": "DIVIDE", "%": "modulo"}[operator]
		text = function + "(" + a.text + ", " + b.text + ")"
	}
	return strict(text, func(v []any) any {
		x, y := v[0].(int), v[1].(int)
		switch operator {
		case "+":
			return x + y
		case "-":
			return x - y
		case "*":
			return x * y
		}
		if y == 0 {
			return nil
		}
		if operator == "/" {
			return x / y
		}
		return x % y
	}, a, b)
}

func randomTextValue(random *rand.Rand, depth int) plainValue {
	if depth == 0 {
		text := randomText(random)
		return pick(random, writtenField(random, "s"), writtenField(random, "k"), writtenField(random, "s"),
			constantValue(stringText(random, text), text))
	}
	switch random.IntN(4) {
	case 0:
		n := randomNumberValue(random, depth-1)
		return strict("string("+n.text+")", func(v []any) any { return fmt.Sprint(v[0]) }, n)
	case 1:
		text, from, to := randomTextValue(random, depth-1), random.IntN(3), random.IntN(4)
		return strict(fmt.Sprintf("substring(%s, %d, %d)", text.text, from, to), func(v []any) any {
			whole := v[0].(string)
			if last := min(to, len(whole)); from < last {
				return whole[from:last]
			}
			return ""
		}, text)
	}
	a, b := randomTextValue(random, depth-1), randomTextValue(random, depth-1)
	return strict("concat("+a.text+", "+b.text+")", func(v []any) any { return v[0].(string) + v[1].(string) }, a, b)
}
