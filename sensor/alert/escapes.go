package alert

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// rewriteEscapes writes the characters in the texts of a JSON value as encode does. It
// returns false where one is escaped in a way that Event.AppendJSON has not. A value
// in which all are as encode writes them is not copied.
func rewriteEscapes(value []byte) (rewritten []byte, ok bool) {
	done := 0
	for at := nextSpecial(value, 0); at < len(value); at = nextSpecial(value, at) {
		size, same, known := special(value[at:])
		if !known {
			return nil, false
		}
		if same != "" {
			if rewritten == nil {
				rewritten = make([]byte, 0, len(value)+64)
			}
			rewritten = append(append(rewritten, value[done:at]...), same...)
			done = at + size
		}
		at += size
	}
	if done == 0 {
		return value, true
	}
	return append(rewritten, value[done:]...), true
}

// nextSpecial finds the next backslash, or the first byte of what may be a separator
// of lines.
func nextSpecial(value []byte, from int) int {
	const firstOfSeparator = "\xe2"
	backslash := bytes.IndexByte(value[from:], '\\')
	if backslash < 0 {
		backslash = len(value) - from
	}
	if separator := bytes.IndexByte(value[from:from+backslash], firstOfSeparator[0]); separator >= 0 {
		return from + separator
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
	if len(text) >= 2 && (text[1] == '"' || text[1] == '\\') {
		return 2, "", true
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
