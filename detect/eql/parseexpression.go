package eql

// Precedence, weakest first: or, and, not, comparison, + -, * / %, minus sign,
// in and like and their kin. Comparisons do not chain.

// parseExpression reads an expression of any precedence.
func (p *parser) parseExpression() (Expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.parseLogical(Or, func() (Expression, error) {
		return p.parseLogical(And, p.parseNot)
	})
}

// enter counts one more enclosing expression; leave counts it off.
func (p *parser) enter() error {
	p.depth++
	if p.depth > MaxDepth {
		return p.errorAt(p.tok.pos, "write long alternatives as a list: name in (…)",
			"expressions nest more than %d deep", MaxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// parseLogical reads operands with one logical operator between them.
func (p *parser) parseLogical(operator LogicalOperator, operand func() (Expression, error)) (Expression, error) {
	pos := p.tok.pos
	first, err := operand()
	if err != nil {
		return nil, err
	}
	if !p.tok.is(operator.String()) {
		return first, nil
	}
	logical := &Logical{Pos: pos, Operator: operator, Operands: []Expression{first}}
	for p.tok.is(operator.String()) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		next, err := operand()
		if err != nil {
			return nil, err
		}
		logical.Operands = append(logical.Operands, next)
	}
	return logical, nil
}

func (p *parser) parseNot() (Expression, error) {
	if !p.tok.is("not") {
		return p.parseComparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	not := &Not{Pos: p.tok.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var err error
	not.Operand, err = p.parseNot()
	return not, err
}

// comparisonOperator returns the comparison that the current token is.
func (p *parser) comparisonOperator() (ComparisonOperator, bool) {
	if p.tok.kind == tokenSymbol {
		for operator := Equal; operator <= GreaterOrEqual; operator++ {
			if p.tok.text == operator.String() {
				return operator, true
			}
		}
	}
	return 0, false
}

func (p *parser) parseComparison() (Expression, error) {
	left, err := p.parseSum()
	if err != nil {
		return nil, err
	}
	if p.tok.is("=") {
		return nil, p.errorAt(p.tok.pos, `write "=="`, `"=" does not compare`)
	}
	operator, ok := p.comparisonOperator()
	if !ok {
		return left, nil
	}
	comparison := &Comparison{Pos: p.tok.pos, Operator: operator, Left: left}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if comparison.Right, err = p.parseSum(); err != nil {
		return nil, err
	}
	return comparison, p.refuseChain()
}

// refuseChain refuses a second comparison operator: a < b < c.
func (p *parser) refuseChain() error {
	if _, chained := p.comparisonOperator(); chained {
		return p.errorAt(p.tok.pos, `join two comparisons by "and"`, "comparisons cannot be chained")
	}
	return nil
}

// parseSum reads operands with + and - between them.
func (p *parser) parseSum() (Expression, error) {
	return p.parseArithmetic(Add, Subtract, func() (Expression, error) {
		return p.parseArithmetic(Multiply, Modulo, p.parseSigned)
	})
}

// parseArithmetic reads operands with operators from lowest to highest
// between them, which associate to the left.
func (p *parser) parseArithmetic(lowest, highest ArithmeticOperator, operand func() (Expression, error)) (Expression, error) {
	left, err := operand()
	if err != nil {
		return nil, err
	}
	for length := 1; ; length++ {
		operator, ok := p.arithmeticOperator(lowest, highest)
		if !ok {
			return left, nil
		}
		if length > MaxDepth {
			return nil, p.errorAt(p.tok.pos, "", "more than %d arithmetic operators in a row", MaxDepth)
		}
		node := &Arithmetic{Pos: p.tok.pos, Operator: operator, Left: left}
		if err := p.advance(); err != nil {
			return nil, err
		}
		if node.Right, err = operand(); err != nil {
			return nil, err
		}
		left = node
	}
}

func (p *parser) arithmeticOperator(lowest, highest ArithmeticOperator) (ArithmeticOperator, bool) {
	if p.tok.kind == tokenSymbol {
		for operator := lowest; operator <= highest; operator++ {
			if p.tok.text == operator.String() {
				return operator, true
			}
		}
	}
	return 0, false
}

// parseSigned reads an operand with any signs before it. A sign directly
// before a number belongs to the number.
func (p *parser) parseSigned() (Expression, error) {
	sign := p.tok
	if !sign.is("-") && !sign.is("+") {
		return p.parsePredicate()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenInteger || p.tok.kind == tokenDecimal {
		return p.parseNumber(sign)
	}
	if sign.is("+") {
		return nil, p.unexpected(`a number after "+"`, "")
	}
	operand, err := p.parseSigned()
	return &Negation{Pos: sign.pos, Operand: operand}, err
}
