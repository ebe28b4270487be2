package hunt

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"tripline/detect"
)

// Constants of the search for a byte in eight bytes at once.
const (
	eachOne       = 0x0101010101010101
	eachHigh      = 0x8080808080808080
	eachSpace     = ' ' * eachOne
	eachQuote     = '"' * eachOne
	eachBackslash = '\\' * eachOne
)

// text reads a string at its opening quote and returns what is between the
// quotes, and whether that has escapes. Bytes that are no UTF-8 stay as they
// are.
func (s *scanner) text() (raw []byte, escaped, ok bool) {
	start := s.at + 1
	data, at := s.data, start
	for {
		at = plainEnd(data, at)
		if at >= len(data) {
			s.at = len(data)
			return nil, false, s.fail("a string has no end")
		}
		switch data[at] {
		case '"':
			s.at = at + 1
			return data[start:at:at], escaped, true
		case '\\':
			escaped = true
			size := escapeSize(data[at:])
			if size == 0 {
				s.at = at
				return nil, false, s.fail("this is no escape sequence")
			}
			at += size
		default:
			s.at = at
			return nil, false, s.fail("a control character in a string has to be escaped")
		}
	}
}

// plainEnd is the place of the first quote, backslash or control character at
// or behind at.
func plainEnd(data []byte, at int) int {
	for ; at+8 <= len(data); at += 8 {
		word := binary.LittleEndian.Uint64(data[at:])
		quote, backslash := word^eachQuote, word^eachBackslash
		// In each of the three, the lowest bit that is set is right.
		found := ((quote - eachOne) &^ quote) | ((backslash - eachOne) &^ backslash) | ((word - eachSpace) &^ word)
		if found &= eachHigh; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(data); at++ {
		if c := data[at]; c == '"' || c == '\\' || c < ' ' {
			return at
		}
	}
	return at
}

// escapeSize is the length of the escape sequence that data starts with, 0 if
// it is none.
func escapeSize(data []byte) int {
	if len(data) < 2 {
		return 0
	}
	switch data[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hexUnit(data); ok {
			return unicodeSize
		}
	}
	return 0
}

// unicodeSize is the length of \uXXXX.
const unicodeSize = 6

// hexUnit reads the UTF-16 unit of the \uXXXX that data starts with.
func hexUnit(data []byte) (rune, bool) {
	if len(data) < unicodeSize || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit := rune(0)
	for _, c := range data[2:unicodeSize] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		unit = unit<<4 | rune(c)
	}
	return unit, true
}

// appendUnescaped appends the string whose JSON form, already checked, is raw.
// Half of a surrogate pair becomes U+FFFD.
func appendUnescaped(to, raw []byte) []byte {
	for len(raw) > 0 {
		plain := plainEnd(raw, 0)
		to = append(to, raw[:plain]...)
		raw = raw[plain:]
		switch {
		case len(raw) < 2:
			return to
		case raw[1] != 'u':
			to = append(to, unescapedByte(raw[1]))
			raw = raw[2:]
		default:
			r, size := unescapedRune(raw)
			to = utf8.AppendRune(to, r)
			raw = raw[size:]
		}
	}
	return to
}

func unescapedByte(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// unescapedRune reads the one or two \uXXXX of a character.
func unescapedRune(raw []byte) (r rune, size int) {
	r, _ = hexUnit(raw)
	if !utf16.IsSurrogate(r) {
		return r, unicodeSize
	}
	if second, ok := hexUnit(raw[unicodeSize:]); ok {
		if pair := utf16.DecodeRune(r, second); pair != utf8.RuneError {
			return pair, 2 * unicodeSize
		}
	}
	return utf8.RuneError, unicodeSize
}

// number reads a number and returns its text, nil if it is none, and whether it
// is written without fraction and exponent.
func (s *scanner) number() (token []byte, whole bool) {
	start := s.at
	if s.data[s.at] == '-' {
		s.at++
	}
	leading := s.at
	if digits := s.digits(); digits == 0 || digits > 1 && s.data[leading] == '0' {
		s.at = start
		s.fail("this is no number")
		return nil, false
	}
	whole = true
	if s.at < len(s.data) && s.data[s.at] == '.' {
		whole = false
		s.at++
		if s.digits() == 0 {
			s.fail("expected a digit behind the decimal point")
			return nil, false
		}
	}
	if s.at < len(s.data) && s.data[s.at]|0x20 == 'e' {
		whole = false
		s.at++
		if s.at < len(s.data) && (s.data[s.at] == '+' || s.data[s.at] == '-') {
			s.at++
		}
		if s.digits() == 0 {
			s.fail("expected a digit of the exponent")
			return nil, false
		}
	}
	return s.data[start:s.at], whole
}

// digits skips digits and returns how many.
func (s *scanner) digits() int {
	start := s.at
	for s.at < len(s.data) && isDigit(s.data[s.at]) {
		s.at++
	}
	return s.at - start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// numberValue converts a number. A whole number keeps its precision as far as
// 64 bits go; one that is too large for a float is the largest float.
func numberValue(token []byte, whole bool) detect.Value {
	if whole {
		if n, err := strconv.ParseInt(view(token), 10, 64); err == nil {
			return detect.Int(n)
		}
	}
	f, _ := strconv.ParseFloat(view(token), 64) // out of range is infinite
	return detect.Float(max(-math.MaxFloat64, min(f, math.MaxFloat64)))
}

// view is the text of bytes that do not change while it is used.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
