package detect

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// regexOperator is how the parts of a regular expression are joined that Go's
// regexp cannot express.
type regexOperator uint8

const (
	regexPlain regexOperator = iota
	regexUnion
	regexIntersection
	regexComplement
)

// regexTree is a regular expression of Lucene's: plain, in the syntax of Go's
// regexp, or an operator on parts, which are tested one by one.
type regexTree struct {
	operator regexOperator
	plain    string
	parts    []regexTree
}

// regexParser reads Lucene's syntax with all its optional operators, as
// Elasticsearch does for EQL. Nothing stands for a class of characters but [],
// and ^ and $ stand for themselves.
type regexParser struct {
	text  string
	at    int
	depth int
}

// maxRegexDepth is how deep parentheses may nest.
const maxRegexDepth = 100

func parseRegex(pattern string) (regexTree, error) {
	if pattern == "" {
		return regexTree{}, nil
	}
	p := &regexParser{text: pattern}
	tree, err := p.union()
	if err == nil && p.at < len(p.text) {
		err = fmt.Errorf(`")" at character %d closes nothing`, utf8.RuneCountInString(p.text[:p.at])+1)
	}
	return tree, err
}

// peek reports whether one of some characters comes next.
func (p *regexParser) peek(characters string) bool {
	return p.at < len(p.text) && strings.IndexByte(characters, p.text[p.at]) >= 0
}

// accept consumes a character if it comes next.
func (p *regexParser) accept(character byte) bool {
	found := p.at < len(p.text) && p.text[p.at] == character
	if found {
		p.at++
	}
	return found
}

func (p *regexParser) union() (regexTree, error) {
	p.depth++
	if p.depth > maxRegexDepth {
		return regexTree{}, fmt.Errorf("it nests more than %d deep", maxRegexDepth)
	}
	defer func() { p.depth-- }()
	left, err := p.intersection()
	for err == nil && p.accept('|') {
		var right regexTree
		if right, err = p.intersection(); err != nil {
			break
		}
		if left.operator == regexPlain && right.operator == regexPlain {
			left.plain += "|" + right.plain
		} else {
			left = regexTree{operator: regexUnion, parts: []regexTree{left, right}}
		}
	}
	return left, err
}

func (p *regexParser) intersection() (regexTree, error) {
	left, err := p.concatenation()
	for err == nil && p.accept('&') {
		var right regexTree
		right, err = p.concatenation()
		left = regexTree{operator: regexIntersection, parts: []regexTree{left, right}}
	}
	return left, err
}

func (p *regexParser) concatenation() (regexTree, error) {
	whole, err := p.repetition()
	for err == nil && p.at < len(p.text) && !p.peek(")|&") {
		var next regexTree
		if next, err = p.repetition(); err != nil {
			break
		}
		if whole.operator != regexPlain || next.operator != regexPlain {
			return regexTree{}, errNested
		}
		whole.plain += next.plain
	}
	return whole, err
}

var errNested = errors.New(`the operators ~ and & are evaluated only for whole alternatives; write \~ or \& for the characters`)

// repetition reads one element and the ? * + {n,m} behind it.
func (p *regexParser) repetition() (regexTree, error) {
	element, err := p.complement()
	for err == nil && p.peek("?*+{") {
		if element.operator != regexPlain {
			return regexTree{}, errNested
		}
		count := p.text[p.at : p.at+1]
		p.at++
		if count == "{" {
			if count, err = p.count(); err != nil {
				break
			}
		}
		element.plain = "(?:" + element.plain + ")" + count
	}
	return element, err
}

var (
	errCount       = errors.New("write a repetition as {n}, {n,} or {n,m}")
	errUnfinished  = errors.New("it ends unexpectedly")
	errParenthesis = errors.New(`")" is missing`)
	errBracket     = errors.New(`"]" is missing`)
)

// count reads the rest of {n}, {n,} or {n,m}.
func (p *regexParser) count() (string, error) {
	least, ok := p.digits()
	if !ok {
		return "", errCount
	}
	count := "{" + least
	if p.accept(',') {
		most, _ := p.digits()
		count += "," + most
	}
	if !p.accept('}') {
		return "", errCount
	}
	return count + "}", nil
}

// digits reads a whole number of a few digits, without leading zeros.
func (p *regexParser) digits() (string, bool) {
	start := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	text := p.text[start:p.at]
	if text == "" {
		return "", false
	}
	if text = strings.TrimLeft(text, "0"); text == "" {
		text = "0"
	}
	return text, true
}

func (p *regexParser) complement() (regexTree, error) {
	negated := false
	for p.accept('~') {
		negated = !negated
	}
	element, err := p.element()
	if negated && err == nil {
		element = regexTree{operator: regexComplement, parts: []regexTree{element}}
	}
	return element, err
}

// element reads a class of characters, a parenthesis, a quoted string or a
// character.
func (p *regexParser) element() (regexTree, error) {
	if p.at == len(p.text) {
		return regexTree{}, errUnfinished
	}
	var plain string
	var err error
	switch {
	case p.accept('['):
		plain, err = p.class()
	case p.accept('.'):
		plain = "."
	case p.accept('#'):
		plain = `[^\x00-\x{10FFFF}]` // no text at all matches
	case p.accept('@'):
		plain = "(?:.*)"
	case p.accept('"'):
		plain, err = p.quoted()
	case p.accept('<'):
		plain, err = p.interval()
	case p.accept('('):
		return p.parenthesis()
	default:
		var character string
		character, err = p.character()
		plain = regexp.QuoteMeta(character)
	}
	return regexTree{plain: plain}, err
}

func (p *regexParser) parenthesis() (regexTree, error) {
	if p.accept(')') {
		return regexTree{plain: "(?:)"}, nil
	}
	inner, err := p.union()
	if err != nil {
		return regexTree{}, err
	}
	if !p.accept(')') {
		return regexTree{}, errParenthesis
	}
	if inner.operator == regexPlain {
		inner.plain = "(?:" + inner.plain + ")"
	}
	return inner, nil
}

func (p *regexParser) quoted() (string, error) {
	text, rest, ok := strings.Cut(p.text[p.at:], `"`)
	if !ok {
		return "", errors.New(`a second " is missing; write \" for the character`)
	}
	p.at = len(p.text) - len(rest)
	return "(?:" + regexp.QuoteMeta(text) + ")", nil
}

// character reads one character, behind a backslash any.
func (p *regexParser) character() (string, error) {
	p.accept('\\')
	if p.at == len(p.text) {
		return "", errUnfinished
	}
	_, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	return p.text[p.at-size : p.at], nil
}

// class reads the rest of [abc], [a-z] or [^a-z].
func (p *regexParser) class() (string, error) {
	var class strings.Builder
	class.WriteByte('[')
	if p.accept('^') {
		class.WriteByte('^')
	}
	for first := true; first || !p.peek("]"); first = false {
		if p.at == len(p.text) {
			return "", errBracket
		}
		from, err := p.character()
		if err != nil {
			return "", err
		}
		writeClassRune(&class, from)
		if !p.peek("-") || strings.HasPrefix(p.text[p.at:], "-]") {
			continue
		}
		p.at++
		to, err := p.character()
		if err != nil {
			return "", err
		}
		class.WriteByte('-')
		writeClassRune(&class, to)
	}
	p.at++
	class.WriteByte(']')
	return class.String(), nil
}

func writeClassRune(class *strings.Builder, character string) {
	r, _ := utf8.DecodeRuneInString(character)
	fmt.Fprintf(class, `\x{%X}`, r)
}
