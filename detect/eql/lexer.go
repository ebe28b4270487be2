package eql

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tripline/internal/diag"
)

// lexer cuts a query into tokens.
type lexer struct {
	text string
	at   int
}

// errorAt describes what is wrong at a place of the query.
func errorAt(text string, pos Pos, hint, format string, args ...any) *diag.Error {
	line, column, source := diag.Position(text, int(pos))
	return &diag.Error{Line: line, Column: column, Source: source, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func (l *lexer) errorAt(at int, hint, format string, args ...any) error {
	return errorAt(l.text, Pos(at), hint, format, args...)
}

// next returns the next token; at the end of the query it is tokenEnd, again
// and again.
func (l *lexer) next() (token, error) {
	if err := l.skipBlank(); err != nil {
		return token{}, err
	}
	start := l.at
	if start == len(l.text) {
		return token{kind: tokenEnd, pos: Pos(start), end: Pos(start)}, nil
	}
	tok, err := l.scan(l.text[start])
	tok.pos, tok.end = Pos(start), Pos(l.at)
	return tok, err
}

// scan reads the token that starts with the character c.
func (l *lexer) scan(c byte) (token, error) {
	switch {
	case isIdentifierStart(c):
		return l.scanWord(), nil
	case isDigit(c), c == '.' && isDigit(l.peek(1)):
		return l.scanNumber()
	case c == '"':
		return l.scanString()
	case c == '`':
		return l.scanQuotedIdentifier()
	case c == '\'':
		return token{}, l.errorAt(l.at, `write it in double quotes: "…"`, "strings in single quotes are not part of EQL")
	case c == '?' && (l.peek(1) == '"' || l.peek(1) == '\''):
		return token{}, l.errorAt(l.at, `write a raw string in three double quotes: """…"""`, "strings written ?\"…\" are not part of EQL")
	default:
		return l.scanSymbol()
	}
}

// peek returns the byte at a distance from the current one, 0 beyond the end.
func (l *lexer) peek(distance int) byte {
	if l.at+distance < len(l.text) {
		return l.text[l.at+distance]
	}
	return 0
}

// symbols are the operators and punctuation, longer ones before their prefixes.
var symbols = [...]string{
	"![", "==", "!=", "<=", ">=", "<", ">", ":", "=", "+", "-", "*", "/", "%", ".", ",", "[", "]", "(", ")", "|", "?",
}

func (l *lexer) scanSymbol() (token, error) {
	rest := l.text[l.at:]
	for _, symbol := range symbols {
		if strings.HasPrefix(rest, symbol) {
			l.at += len(symbol)
			return token{kind: tokenSymbol, text: symbol}, nil
		}
	}
	r, size := utf8.DecodeRuneInString(rest)
	if r == utf8.RuneError && size == 1 {
		return token{}, l.errorAt(l.at, "save the query as UTF-8", "byte 0x%02X is not valid UTF-8", rest[0])
	}
	hint := ""
	switch {
	case r == '!':
		hint = `write "not", or "!=" for inequality`
	case r == '&':
		hint = `write "and"`
	case r == '“' || r == '”':
		hint = `use straight double quotes: "`
	case r >= utf8.RuneSelf:
		hint = "write a name with such characters in backticks: `name`"
	}
	return token{}, l.errorAt(l.at, hint, "unexpected character %q", r)
}

// scanWord reads a name or a keyword. A tilde directly after it belongs to it:
// "in~" is a keyword, "startsWith~" the name of a function.
func (l *lexer) scanWord() token {
	start := l.at
	l.at++
	for l.at < len(l.text) && isIdentifierPart(l.text[l.at]) {
		l.at++
	}
	if l.peek(0) == '~' {
		if word := l.text[start : l.at+1]; isKeyword(word) {
			l.at++
			return token{kind: tokenKeyword, text: word}
		}
		l.at++
		return token{kind: tokenTildeIdentifier, text: l.text[start : l.at-1]}
	}
	word := l.text[start:l.at]
	if isKeyword(word) {
		return token{kind: tokenKeyword, text: word}
	}
	return token{kind: tokenIdentifier, text: word}
}

// scanQuotedIdentifier reads a name in backticks, where two backticks stand
// for one.
func (l *lexer) scanQuotedIdentifier() (token, error) {
	start := l.at
	var name strings.Builder
	for {
		l.at++
		end := strings.IndexByte(l.text[l.at:], '`')
		if end < 0 {
			l.at = len(l.text)
			return token{}, l.errorAt(start, "add the closing backtick", "name in backticks does not end")
		}
		name.WriteString(l.text[l.at : l.at+end])
		l.at += end + 1
		if l.peek(0) != '`' {
			break
		}
		name.WriteByte('`')
	}
	if name.Len() == 0 {
		return token{}, l.errorAt(start, "", "name in backticks is empty")
	}
	if !utf8.ValidString(name.String()) {
		return token{}, l.errorAt(start, "save the query as UTF-8", "name in backticks is not valid UTF-8")
	}
	return token{kind: tokenQuotedIdentifier, text: name.String()}, nil
}

// scanNumber reads an integer or a decimal. Its sign is an operator.
func (l *lexer) scanNumber() (token, error) {
	start, kind := l.at, tokenInteger
	l.skipDigits()
	if l.peek(0) == '.' {
		kind = tokenDecimal
		l.at++
		l.skipDigits()
	}
	if c := l.peek(0); c == 'e' || c == 'E' {
		sign := 0
		if next := l.peek(1); next == '+' || next == '-' {
			sign = 1
		}
		if isDigit(l.peek(1 + sign)) {
			kind = tokenDecimal
			l.at += 1 + sign
			l.skipDigits()
		}
	}
	return token{kind: kind, text: l.text[start:l.at]}, nil
}

func (l *lexer) skipDigits() {
	for isDigit(l.peek(0)) {
		l.at++
	}
}

// skipBlank moves over white space and comments.
func (l *lexer) skipBlank() error {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			l.at++
		case c == '/' && l.peek(1) == '/':
			end := strings.IndexAny(l.text[l.at:], "\r\n")
			if end < 0 {
				end = len(l.text) - l.at
			}
			l.at += end
		case c == '/' && l.peek(1) == '*':
			if err := l.skipComment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// skipComment moves over a /* comment */. Comments nest. Where an inner one
// does not end, as in "/* all of /etc/* */", the last */ ends the comment, as
// it does in Elasticsearch.
func (l *lexer) skipComment() error {
	depth, last := 0, -1
	for at := l.at; at+1 < len(l.text); {
		switch l.text[at : at+2] {
		case "/*":
			depth++
			at += 2
		case "*/":
			depth--
			at += 2
			last = at
			if depth == 0 {
				l.at = at
				return nil
			}
		default:
			at++
		}
	}
	if last < 0 {
		return l.errorAt(l.at, "add the closing */", "comment does not end")
	}
	l.at = last
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentifierStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '@'
}

func isIdentifierPart(c byte) bool {
	return c != '@' && isIdentifierStart(c) || isDigit(c)
}
