package eql

import "strconv"

// Pos is a place in a query: a byte offset from its start.
type Pos int

// tokenKind is the class of a token.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenIdentifier
	tokenQuotedIdentifier // `name`
	tokenTildeIdentifier  // name~, the name of a case-insensitive function
	tokenKeyword
	tokenString
	tokenInteger
	tokenDecimal
	tokenSymbol // operators and punctuation
)

// token is one word of a query.
type token struct {
	kind tokenKind
	// text is the name, keyword, symbol or number as written, and the content
	// of a string with its escapes resolved.
	text string
	pos  Pos
	end  Pos
}

// is reports whether the token is this keyword or symbol.
func (t token) is(text string) bool {
	return (t.kind == tokenKeyword || t.kind == tokenSymbol) && t.text == text
}

// String describes the token in an error message.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the query"
	case tokenString:
		return "string " + shorten(strconv.Quote(t.text))
	case tokenKeyword:
		return "keyword " + strconv.Quote(t.text)
	default:
		return shorten(strconv.Quote(t.text))
	}
}

// shorten keeps what an error message quotes from filling a terminal.
func shorten(text string) string {
	const longest = 60
	if len(text) <= longest {
		return text
	}
	cut := longest
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}

// isKeyword reports whether a word is reserved, so that a field or category of
// that name needs backticks or quotes.
func isKeyword(word string) bool {
	switch word {
	case "and", "any", "by", "false", "in", "in~", "join", "like", "like~", "maxspan", "not", "null", "of", "or",
		"regex", "regex~", "sample", "sequence", "true", "until", "where", "with":
		return true
	}
	return false
}
