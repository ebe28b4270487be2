package detect

import (
	"errors"
	"fmt"
	"strings"
)

// maxIntervalDigits is how many digits the numbers of an interval may have.
const maxIntervalDigits = 18

// interval reads the rest of <n-m>, which stands for the whole numbers from n
// to m. Numbers written with equally many digits stand for texts of so many
// digits, others for texts with any number of leading zeros.
func (p *regexParser) interval() (string, error) {
	inner, rest, ok := strings.Cut(p.text[p.at:], ">")
	low, high, isRange := strings.Cut(inner, "-")
	if !ok || !isRange || !isDecimal(low) || !isDecimal(high) {
		return "", errors.New(`write an interval as <1-99>, and \< for the character`)
	}
	p.at = len(p.text) - len(rest)
	if len(low) == len(high) {
		if low > high {
			low, high = high, low
		}
		return "(?:" + strings.Join(digitRange(low, high), "|") + ")", nil
	}
	low, high = withoutZeros(low), withoutZeros(high)
	if len(low) > len(high) || len(low) == len(high) && low > high {
		low, high = high, low
	}
	return "(?:0*(?:" + strings.Join(numberRange(low, high), "|") + "))", nil
}

// withoutZeros takes leading zeros off a number.
func withoutZeros(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

// numberRange returns expressions for the numbers, without leading zeros,
// between two.
func numberRange(low, high string) []string {
	var all []string
	for len(low) < len(high) {
		all = append(all, digitRange(low, strings.Repeat("9", len(low)))...)
		low = "1" + strings.Repeat("0", len(low))
	}
	return append(all, digitRange(low, high)...)
}

func isDecimal(text string) bool {
	return text != "" && len(text) <= maxIntervalDigits && strings.Trim(text, "0123456789") == ""
}

// digitRange returns expressions for the numbers between two of the same length.
func digitRange(low, high string) []string {
	if low == "" {
		return []string{""}
	}
	rest := len(low) - 1
	if low[0] == high[0] {
		return prefixed(low[:1], digitRange(low[1:], high[1:]))
	}
	zeros, nines := strings.Repeat("0", rest), strings.Repeat("9", rest)
	var all []string
	from, to := low[0], high[0]
	if low[1:] != zeros {
		all = append(all, prefixed(low[:1], digitRange(low[1:], nines))...)
		from++
	}
	upper := []string(nil)
	if high[1:] != nines {
		upper = prefixed(high[:1], digitRange(zeros, high[1:]))
		to--
	}
	if from <= to {
		middle := fmt.Sprintf("[%c-%c]", from, to)
		if rest > 0 {
			middle += fmt.Sprintf("[0-9]{%d}", rest)
		}
		all = append(all, middle)
	}
	return append(all, upper...)
}

func prefixed(prefix string, alternatives []string) []string {
	for i := range alternatives {
		alternatives[i] = prefix + alternatives[i]
	}
	return alternatives
}
