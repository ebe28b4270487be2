package eql

import (
	"strconv"
	"strings"
)

// precedence orders expressions by how strongly their parts bind.
type precedence uint8

const (
	precedenceOr precedence = iota
	precedenceAnd
	precedenceNot
	precedenceComparison
	precedenceSum
	precedenceProduct
	precedenceSigned
	precedencePrimary
)

// expression writes an expression, in parentheses if it binds more weakly than
// its place demands.
func (p *printer) expression(expression Expression, least precedence) {
	if precedenceOf(expression) < least {
		p.text.WriteByte('(')
		defer p.text.WriteByte(')')
	}
	switch e := expression.(type) {
	case *Literal:
		p.text.WriteString(literalText(e))
	case *Field:
		if e.Optional {
			p.text.WriteByte('?')
		}
		p.text.WriteString(fieldName(e.Name))
	case *Call:
		p.call(e)
	case *Logical:
		p.logical(e)
	case *Not:
		p.text.WriteString("not ")
		p.expression(e.Operand, precedenceNot)
	case *Comparison:
		p.binary(e.Operator.String(), e.Left, e.Right, precedenceSum, precedenceSum)
	case *Membership:
		p.membership(e)
	case *Arithmetic:
		own := precedenceOf(e)
		p.binary(e.Operator.String(), e.Left, e.Right, own, own+1)
	case *Negation:
		p.negation(e)
	}
}

func precedenceOf(expression Expression) precedence {
	switch e := expression.(type) {
	case *Logical:
		if e.Operator == Or {
			return precedenceOr
		}
		return precedenceAnd
	case *Not:
		return precedenceNot
	case *Comparison:
		return precedenceComparison
	case *Arithmetic:
		if e.Operator <= Subtract {
			return precedenceSum
		}
		return precedenceProduct
	case *Negation, *Membership:
		return precedenceSigned
	case *Literal:
		if strings.HasPrefix(literalText(e), "-") {
			return precedenceSigned
		}
	}
	return precedencePrimary
}

func (p *printer) list(expressions []Expression) {
	for i, expression := range expressions {
		if i > 0 {
			p.text.WriteString(", ")
		}
		p.expression(expression, precedenceOr)
	}
}

func (p *printer) call(call *Call) {
	p.text.WriteString(call.Name)
	if call.Insensitive {
		p.text.WriteByte('~')
	}
	p.text.WriteByte('(')
	p.list(call.Arguments)
	p.text.WriteByte(')')
}

func (p *printer) logical(logical *Logical) {
	for i, operand := range logical.Operands {
		if i > 0 {
			p.text.WriteString(" " + logical.Operator.String() + " ")
		}
		p.expression(operand, precedenceOf(logical)+1)
	}
}

func (p *printer) binary(operator string, left, right Expression, leastLeft, leastRight precedence) {
	p.expression(left, leastLeft)
	p.text.WriteString(" " + operator + " ")
	p.expression(right, leastRight)
}

func (p *printer) membership(membership *Membership) {
	p.expression(membership.Value, precedencePrimary)
	if membership.Negated {
		p.text.WriteString(" not")
	}
	p.text.WriteString(" " + membership.Operator.String() + " ")
	in := membership.Operator == In || membership.Operator == InInsensitive
	if len(membership.Choices) == 1 && !in {
		p.expression(membership.Choices[0], precedenceSigned)
		return
	}
	p.text.WriteByte('(')
	p.list(membership.Choices)
	p.text.WriteByte(')')
}

// negation keeps a number literal in parentheses, as the minus would become a
// part of it.
func (p *printer) negation(negation *Negation) {
	least := precedenceSigned
	if _, ok := negation.Operand.(*Literal); ok {
		least = precedencePrimary + 1
	}
	p.text.WriteByte('-')
	p.expression(negation.Operand, least)
}

func literalText(literal *Literal) string {
	switch literal.Kind {
	case LiteralBool:
		return strconv.FormatBool(literal.Bool)
	case LiteralInteger:
		return strconv.FormatInt(literal.Integer, 10)
	case LiteralDecimal:
		text := strconv.FormatFloat(literal.Decimal, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case LiteralString:
		return quote(literal.String)
	default:
		return "null"
	}
}
