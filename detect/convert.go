package detect

import (
	"math"
	"strconv"
	"strings"
)

// textOf writes a scalar as EQL's function string does.
func textOf(value Value) string {
	switch value.kind {
	case KindString:
		return value.Text()
	case KindInt:
		return strconv.FormatInt(value.Int(), 10)
	case KindFloat:
		return floatText(value.Float())
	case KindBool:
		return strconv.FormatBool(value.Bool())
	default:
		return ""
	}
}

// floatText writes a floating-point number as Elasticsearch does: always with a
// decimal point, with an exponent for the very large and the very small.
func floatText(f float64) string {
	switch size := math.Abs(f); {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	case size == 0 || size >= 1e-3 && size < 1e7:
		return withPoint(strconv.FormatFloat(f, 'f', -1, 64))
	default:
		digits, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		sign := ""
		if exponent[0] == '-' {
			sign = "-"
		}
		return withPoint(digits) + "E" + sign + strings.TrimLeft(exponent[1:], "0")
	}
}

func withPoint(digits string) string {
	if strings.Contains(digits, ".") {
		return digits
	}
	return digits + ".0"
}

// toNumber makes the call of number: text to a number, in a base of 2 to 36. A
// missing base, and null for one, is 16 for a text that begins with 0x and else
// 10. What is no number is null.
func toNumber(operands []operand) operand {
	text := operands[0].evaluate
	base := 0
	if len(operands) > 1 {
		if value := operands[1].evaluate(nil); value.kind == KindInt {
			base = int(min(max(value.Int(), 1), 37)) // which strconv refuses where they are no bases
		}
	}
	return combine(func(ev Event) Value {
		value := text(ev)
		if value.kind != KindString {
			return value.ifNumber()
		}
		return parseNumber(strings.TrimSpace(value.Text()), base)
	}, operands[0])
}

// ifNumber is the value if it is a number, else null.
func (v Value) ifNumber() Value {
	if v.isNumber() {
		return v
	}
	return Value{}
}

// parseNumber reads a number; a base of 0 is that which the text says.
func parseNumber(text string, base int) Value {
	sign, digits := "", text
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	if base == 0 || base == 16 {
		if hexadecimal, ok := cutHexPrefix(digits); ok {
			digits, base = hexadecimal, 16
		}
	}
	if digits == "" || digits[0] == '-' || digits[0] == '+' || strings.Contains(digits, "_") {
		return Value{}
	}
	if base == 0 {
		base = 10
	}
	if base < 2 || base > 36 {
		return Value{}
	}
	if n, err := strconv.ParseInt(sign+digits, base, 64); err == nil {
		return Int(n)
	}
	if base != 10 || strings.ContainsAny(digits, "xXpPnNiI") {
		return Value{}
	}
	f, err := strconv.ParseFloat(sign+digits, 64)
	if err != nil {
		return Value{}
	}
	return Float(f)
}

func cutHexPrefix(digits string) (string, bool) {
	if len(digits) > 1 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		return digits[2:], true
	}
	return digits, false
}
