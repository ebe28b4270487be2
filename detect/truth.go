package detect

import "tripline/detect/eql"

// The conditions inside of value expressions. Their logic is three-valued: true,
// false, or null where an operand that decides is null.

// comparisonValue compiles a comparison whose result is used as a value.
func (c *compiler) comparisonValue(e *eql.Comparison) (operand, error) {
	operands, err := c.comparedValues(e)
	if err != nil {
		return operand{}, err
	}
	left, right := operands[0], operands[1]
	operator, source, evaluate := e.Operator, e.Left, left.evaluate
	if left.isNull() {
		left, right, source = right, left, e.Right
		operator, evaluate = mirrored(operator), left.evaluate
	}
	if right.isNull() {
		if operator != eql.Equal && operator != eql.NotEqual {
			return constantOperand(Value{}), nil
		}
		isNull := combine(func(ev Event) Value {
			return Bool((evaluate(ev).kind == KindMissing) == (operator == eql.Equal))
		}, left)
		return c.guardedNull(operator, source, isNull), nil
	}
	if c.isDate(e.Left) || c.isDate(e.Right) {
		return c.dateValue(e, operands)
	}
	result := combine(c.comparedBy(operator, e, operands), operands...)
	if decides, _ := comparesTruth(e); decides {
		return result, nil
	}
	return c.guardedResult(result, operator != eql.NotEqual), nil
}

// comparedBy makes the comparison of two operands, neither of which is null for every
// event.
func (c *compiler) comparedBy(operator eql.ComparisonOperator, e *eql.Comparison, operands []operand) valuer {
	left, right := operands[0].evaluate, operands[1].evaluate
	if order, ok := c.unknownOrder(e.Left, operands[1]); ok {
		return func(ev Event) Value { return orderedValue(operator, left(ev), order) }
	}
	if order, ok := c.unknownOrder(e.Right, operands[0]); ok {
		operator = mirrored(operator)
		return func(ev Event) Value { return orderedValue(operator, right(ev), order) }
	}
	return func(ev Event) Value {
		constant := right(ev)
		if constant.kind == KindMissing {
			return Value{}
		}
		return orderedValue(operator, left(ev), func(value Value) (int, bool) { return compareScalars(value, constant) })
	}
}

// guardedResult guards what is true or, if affirms is false, false where a leaf
// holds.
func (c *compiler) guardedResult(o operand, affirms bool) operand {
	guarded, _ := reversed(c, !affirms, func() (operand, error) { return c.guarded(o, affirms), nil })
	return guarded
}

// guardedNull guards a comparison with null, see compareNull.
func (c *compiler) guardedNull(operator eql.ComparisonOperator, source eql.Expression, o operand) operand {
	if _, ok := source.(*eql.Field); ok {
		return o
	}
	return c.guardedResult(o, operator == eql.NotEqual)
}

// dateValue compiles a comparison of a date field with a constant.
func (c *compiler) dateValue(e *eql.Comparison, operands []operand) (operand, error) {
	operator, left, right, constant := e.Operator, operands[0], operands[1], e.Right
	if !c.isDate(e.Left) {
		operator, left, right, constant = mirrored(operator), right, left, e.Left
	}
	moment, err := c.dateOf(constant, right.evaluate(nil))
	if err != nil {
		return operand{}, err
	}
	evaluate := left.evaluate
	return combine(func(ev Event) Value {
		sign, ok := moment.compare(evaluate(ev))
		if !ok {
			return Value{}
		}
		return Bool(operatorHolds(operator, sign))
	}, left), nil
}

// orderedValue compares a value with what the order is by; null if the value is, or if
// they have no order.
func orderedValue(operator eql.ComparisonOperator, value Value, order scalarOrder) Value {
	if value.kind == KindMissing {
		return Value{}
	}
	sign, ok := order(value)
	if !ok {
		switch operator {
		case eql.Equal, eql.NotEqual:
			return Bool(operator == eql.NotEqual)
		default:
			return Value{}
		}
	}
	return Bool(operatorHolds(operator, sign))
}

// membershipValue compiles a membership whose result is used as a value.
func (c *compiler) membershipValue(e *eql.Membership) (operand, error) {
	o, err := believed(c, func() (operand, error) { return c.value(e.Value) })
	if err != nil {
		return operand{}, err
	}
	test, err := c.memberTest(e)
	if err != nil {
		return operand{}, err
	}
	evaluate, negated := o.evaluate, e.Negated
	result := combine(func(ev Event) Value {
		value := evaluate(ev)
		if value.kind == KindMissing {
			return Value{}
		}
		return Bool(test(value) != negated)
	}, o)
	return c.guardedResult(result, !negated), nil
}

// logicalValue compiles an and or or whose result is used as a value. What one
// operand decides alone holds although another is null.
func (c *compiler) logicalValue(e *eql.Logical) (operand, error) {
	operands, err := c.values(e.Operands)
	if err != nil {
		return operand{}, err
	}
	deciding := e.Operator == eql.Or
	return combine(func(ev Event) Value {
		result := Bool(!deciding)
		for _, one := range operands {
			switch value := one.evaluate(ev); {
			case value.kind != KindBool:
				result = Value{}
			case value.Bool() == deciding:
				return value
			}
		}
		return result
	}, operands...), nil
}

func (c *compiler) notValue(e *eql.Not) (operand, error) {
	o, err := reversed(c, true, func() (operand, error) { return c.value(e.Operand) })
	if err != nil {
		return operand{}, err
	}
	evaluate := o.evaluate
	return combine(func(ev Event) Value {
		value := evaluate(ev)
		if value.kind != KindBool {
			return Value{}
		}
		return Bool(!value.Bool())
	}, o), nil
}
