package eql

import (
	"math"
	"strconv"
	"strings"
)

// parsePredicate reads a primary expression and the in, : or like after it.
func (p *parser) parsePredicate() (Expression, error) {
	value, err := p.parsePrimary()
	if err != nil {
		return nil, err
	}
	negated := p.tok.is("not")
	pos := p.tok.pos
	if negated {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.tok.is("in") && !p.tok.is("in~") {
			return nil, p.unexpected(`"in" after "not"`, `"not" comes before the whole condition: not name like "a*"`)
		}
	}
	operator, ok := p.membershipOperator()
	if !ok {
		return value, nil
	}
	membership := &Membership{Pos: pos, Operator: operator, Negated: negated, Value: value}
	if err := p.advance(); err != nil {
		return nil, err
	}
	membership.Choices, err = p.parseChoices(operator)
	return membership, err
}

func (p *parser) membershipOperator() (MembershipOperator, bool) {
	if p.tok.kind == tokenSymbol || p.tok.kind == tokenKeyword {
		for operator := Colon; operator <= RegexInsensitive; operator++ {
			if p.tok.text == operator.String() {
				return operator, true
			}
		}
	}
	return 0, false
}

// parseChoices reads the right side of a membership: a constant or, in
// parentheses, a list.
func (p *parser) parseChoices(operator MembershipOperator) ([]Expression, error) {
	choice := p.parseConstant
	list, err := p.accept("(")
	if err != nil {
		return nil, err
	}
	if operator == In || operator == InInsensitive {
		if !list {
			return nil, p.unexpected(`"(" and a list after "`+operator.String()+`"`, "")
		}
		choice = p.parseExpression
	}
	if !list {
		constant, err := choice()
		return []Expression{constant}, err
	}
	var choices []Expression
	for {
		next, err := choice()
		if err != nil {
			return nil, err
		}
		choices = append(choices, next)
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			return choices, p.expect(")", "at the end of the list")
		}
	}
}

// parseConstant reads a literal, as patterns have to be.
func (p *parser) parseConstant() (Expression, error) {
	if p.tok.is("-") || p.tok.is("+") {
		return p.parseSigned()
	}
	literal, err := p.parseLiteral()
	if err != nil {
		return nil, err
	}
	if literal == nil {
		return nil, p.unexpected("a constant or a list of constants", "")
	}
	return literal, nil
}

// parseLiteral reads a literal; it returns nil and consumes nothing where the
// current token is none.
func (p *parser) parseLiteral() (Expression, error) {
	literal := &Literal{Pos: p.tok.pos}
	switch {
	case p.tok.kind == tokenInteger, p.tok.kind == tokenDecimal:
		return p.parseNumber(token{})
	case p.tok.kind == tokenString:
		literal.Kind, literal.String = LiteralString, p.tok.text
	case p.tok.is("null"):
		literal.Kind = LiteralNull
	case p.tok.is("true"), p.tok.is("false"):
		literal.Kind, literal.Bool = LiteralBool, p.tok.is("true")
	default:
		return nil, nil
	}
	return literal, p.advance()
}

// parseNumber reads a number; sign is the token before it that belongs to it,
// or the zero token.
func (p *parser) parseNumber(sign token) (Expression, error) {
	literal := &Literal{Pos: p.tok.pos, Kind: LiteralInteger}
	text := p.tok.text
	if sign.kind == tokenSymbol {
		literal.Pos = sign.pos
		text = sign.text + text
	}
	var err error
	if p.tok.kind == tokenInteger {
		literal.Integer, err = strconv.ParseInt(text, 10, 64)
	} else {
		literal.Kind = LiteralDecimal
		literal.Decimal, err = strconv.ParseFloat(text, 64)
	}
	if err != nil || math.IsInf(literal.Decimal, 0) {
		return nil, p.errorAt(literal.Pos, "", "number %s is too large", shorten(text))
	}
	return literal, p.advance()
}

// parsePrimary reads a literal, a field, a call or a parenthesis.
func (p *parser) parsePrimary() (Expression, error) {
	if literal, err := p.parseLiteral(); literal != nil || err != nil {
		return literal, err
	}
	switch {
	case p.tok.is("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		expression, err := p.parseExpression()
		if err != nil {
			return nil, err
		}
		if p.tok.is(",") {
			return nil, p.unexpected(`")" to close the parenthesis`, `a list comes after "in", ":" or "like": name in (…)`)
		}
		return expression, p.expect(")", "to close the parenthesis")
	case p.tok.is("?"), p.tok.kind == tokenQuotedIdentifier:
		return p.parseField(token{})
	case p.tok.kind == tokenTildeIdentifier:
		name := p.tok
		if err := p.advance(); err != nil {
			return nil, err
		}
		if !p.tok.is("(") {
			return nil, p.unexpected(`"(" after the function name `+name.text+"~", "")
		}
		return p.parseCall(name)
	case p.tok.kind == tokenIdentifier:
		name := p.tok
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.is("(") {
			return p.parseCall(name)
		}
		return p.parseField(name)
	}
	return nil, p.unexpected("a field, value or condition", "")
}

// parseField reads a field name; first is its first part if that is consumed
// already, or the zero token.
func (p *parser) parseField(first token) (Expression, error) {
	field := &Field{Pos: p.tok.pos}
	var name strings.Builder
	if first.kind == tokenIdentifier {
		field.Pos = first.pos
		name.WriteString(first.text)
	} else {
		var err error
		if field.Optional, err = p.accept("?"); err != nil {
			return nil, err
		}
		if err := p.parseNamePart(&name); err != nil {
			return nil, err
		}
	}
	for p.tok.is(".") {
		name.WriteByte('.')
		if err := p.advance(); err != nil {
			return nil, err
		}
		if err := p.parseNamePart(&name); err != nil {
			return nil, err
		}
	}
	field.Name = name.String()
	if p.tok.is("[") && p.lookAhead().kind == tokenInteger {
		return nil, p.errorAt(p.tok.pos, "compare the field itself: a field with several values matches if any value does",
			"elements of a field cannot be addressed")
	}
	return field, nil
}

// parseNamePart reads one part of a dotted field name.
func (p *parser) parseNamePart(name *strings.Builder) error {
	if p.tok.kind != tokenIdentifier && p.tok.kind != tokenQuotedIdentifier {
		return p.unexpected("a field name", "")
	}
	name.WriteString(p.tok.text)
	return p.advance()
}

// parseCall reads the arguments of a function whose name is consumed.
func (p *parser) parseCall(name token) (Expression, error) {
	call := &Call{Pos: name.pos, Name: name.text, Insensitive: name.kind == tokenTildeIdentifier}
	if err := p.advance(); err != nil {
		return nil, err
	}
	empty, err := p.accept(")")
	if err != nil || empty {
		return call, err
	}
	if call.Arguments, err = p.parseExpressions(); err != nil {
		return nil, err
	}
	return call, p.expect(")", "at the end of the arguments")
}
