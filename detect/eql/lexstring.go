package eql

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const rawQuote = `"""`

// scanString reads a string in double quotes.
func (l *lexer) scanString() (token, error) {
	if strings.HasPrefix(l.text[l.at:], rawQuote) {
		return l.scanRawString()
	}
	start := l.at
	l.at++
	var content strings.Builder
	for {
		plain := strings.IndexAny(l.text[l.at:], "\"\\\r\n")
		if plain < 0 {
			l.at = len(l.text)
			return token{}, l.unterminatedString(start)
		}
		content.WriteString(l.text[l.at : l.at+plain])
		l.at += plain
		switch l.text[l.at] {
		case '"':
			l.at++
			return l.stringToken(start, content.String())
		case '\\':
			r, err := l.scanEscape()
			if err != nil {
				return token{}, err
			}
			content.WriteRune(r)
		default:
			return token{}, l.unterminatedString(start)
		}
	}
}

func (l *lexer) unterminatedString(start int) error {
	return l.errorAt(start, `add the closing quote; a line break is written \n`, "string does not end on its line")
}

// stringToken makes the token of a string whose source starts at start.
func (l *lexer) stringToken(start int, content string) (token, error) {
	if source := l.text[start:l.at]; !utf8.ValidString(source) {
		for offset, r := range source {
			if r != utf8.RuneError {
				continue
			}
			if _, size := utf8.DecodeRuneInString(source[offset:]); size == 1 {
				return token{}, l.errorAt(start+offset, "save the query as UTF-8", "byte 0x%02X is not valid UTF-8", source[offset])
			}
		}
	}
	return token{kind: tokenString, text: content}, nil
}

// scanRawString reads a string in three double quotes, which has no escapes,
// stays on its line and may end in one or two more quotes of its own.
func (l *lexer) scanRawString() (token, error) {
	start := l.at
	l.at += len(rawQuote)
	rest := l.text[l.at:]
	if line := strings.IndexAny(rest, "\r\n"); line >= 0 {
		rest = rest[:line]
	}
	end := strings.Index(rest, rawQuote)
	if end < 0 {
		l.at = len(l.text)
		return token{}, l.errorAt(start, `add the closing """ on the same line`, "raw string does not end on its line")
	}
	for own := 0; own < 2 && strings.HasPrefix(rest[end+1:], rawQuote); own++ {
		end++
	}
	l.at += end + len(rawQuote)
	return l.stringToken(start, rest[:end])
}

// scanEscape reads an escape sequence, from its backslash on.
func (l *lexer) scanEscape() (rune, error) {
	start := l.at
	c := l.peek(1)
	l.at += 2
	switch c {
	case 'b':
		return '\b', nil
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'f':
		return '\f', nil
	case 'r':
		return '\r', nil
	case '"', '\'', '\\':
		return rune(c), nil
	case 'u':
		return l.scanUnicodeEscape(start)
	}
	l.at = start
	return 0, l.errorAt(start, `write \\ for a backslash, or use a raw string """…"""`,
		`unknown escape sequence in string; EQL has \b \t \n \f \r \" \' \\ and \u{…}`)
}

// scanUnicodeEscape reads {hex digits} of an escape whose backslash is at start.
func (l *lexer) scanUnicodeEscape(start int) (rune, error) {
	const hint = `write the code point as 2 to 8 hexadecimal digits in braces: \u{1F600}`
	digits := 0
	for l.peek(1+digits) != 0 && isHex(l.peek(1+digits)) {
		digits++
	}
	if l.peek(0) != '{' || digits < 2 || digits > 8 || l.peek(1+digits) != '}' {
		return 0, l.errorAt(start, hint, `malformed \u escape in string`)
	}
	text := l.text[l.at+1 : l.at+1+digits]
	code, err := strconv.ParseUint(text, 16, 32)
	if err != nil || code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
		return 0, l.errorAt(start, "", `\u{%s} is not a Unicode character`, text)
	}
	l.at += digits + 2
	return rune(code), nil
}

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
