package alert

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// appendRewritten appends a JSON value with the characters in its texts as encode writes
// them. It returns false, and dst as it was, where one is escaped in a way that
// Event.AppendJSON has not.
func appendRewritten(dst, value []byte) (appended []byte, ok bool) {
	separators := bytes.IndexByte(value, firstOfSeparator) >= 0
	appended = dst
	done := 0
	for at := nextSpecial(value, 0, separators); at < len(value); at = nextSpecial(value, at, separators) {
		if rest := value[at:]; len(rest) > 1 && rest[0] == '\\' && (rest[1] == '"' || rest[1] == '\\') {
			at += 2
			continue
		}
		size, same, known := special(value[at:])
		if !known {
			return dst, false
		}
		if same != "" {
			appended = append(append(appended, value[done:at]...), same...)
			done = at + size
		}
		at += size
	}
	return append(appended, value[done:]...), true
}

// firstOfSeparator is the first byte of the characters that separate lines, U+2028 and
// U+2029.
const firstOfSeparator = 0xe2

// nextSpecial finds the next backslash, or, where the value has any, the first byte of
// what may be a separator of lines.
func nextSpecial(value []byte, from int, separators bool) int {
	backslash := bytes.IndexByte(value[from:], '\\')
	if backslash < 0 {
		backslash = len(value) - from
	}
	if separators {
		if separator := bytes.IndexByte(value[from:from+backslash], firstOfSeparator); separator >= 0 {
			return from + separator
		}
	}
	return from + backslash
}

// special looks at an escape or a character at the beginning of a text: how long it is,
// and how encode writes it, empty where that is as it is here.
func special(text []byte) (size int, same string, known bool) {
	if text[0] != '\\' {
		switch char, size := utf8.DecodeRune(text); char {
		case '\u2028':
			return size, `\u2028`, true
		case '\u2029':
			return size, `\u2029`, true
		case utf8.RuneError:
			return size, "", size > 1
		default:
			return size, "", true
		}
	}
	if len(text) < 6 || string(text[:4]) != `\u00` {
		return 0, "", false
	}
	const low = "0123456789abcdef"
	high, digit := strings.IndexByte("01234567", text[4]), strings.IndexByte(low, text[5])
	if high < 0 || digit < 0 {
		return 0, "", false
	}
	switch char := byte(high<<4 | digit); {
	case char == '\b':
		return 6, `\b`, true
	case char == '\f':
		return 6, `\f`, true
	case char == '\n':
		return 6, `\n`, true
	case char == '\r':
		return 6, `\r`, true
	case char == '\t':
		return 6, `\t`, true
	case char < ' ':
		return 6, "", true
	case char == 0x7f:
		return 6, "\x7f", true
	default:
		return 0, "", false
	}
}
