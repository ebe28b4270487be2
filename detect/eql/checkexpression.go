package eql

import (
	"fmt"

	"tripline/internal/diag"
)

// expression verifies an expression and returns its type.
func (c *checker) expression(expression Expression) Type {
	switch e := expression.(type) {
	case *Literal:
		return literalType(e)
	case *Field:
		return c.field(e)
	case *Call:
		return c.call(e)
	case *Logical:
		for _, operand := range e.Operands {
			c.operand(operand, e.Operator.String())
		}
		return TypeBool
	case *Not:
		c.operand(e.Operand, "not")
		return TypeBool
	case *Comparison:
		c.comparison(e)
		return TypeBool
	case *Membership:
		c.membership(e)
		return TypeBool
	case *Arithmetic:
		return c.arithmetic(e)
	case *Negation:
		return c.number(e.Operand, "-")
	default:
		return TypeUnknown
	}
}

func literalType(literal *Literal) Type {
	switch literal.Kind {
	case LiteralBool:
		return TypeBool
	case LiteralInteger:
		return TypeInteger
	case LiteralDecimal:
		return TypeDecimal
	case LiteralString:
		return TypeString
	default:
		return TypeNull
	}
}

func (c *checker) field(field *Field) Type {
	t, ok := c.fields.FieldType(field.Name)
	switch {
	case ok:
		return t
	case field.Optional:
		return TypeNull
	}
	hint := fmt.Sprintf("write ?%s if events need not have it", fieldName(shorten(field.Name)))
	if near, ok := diag.Nearest(field.Name, c.fields.FieldNames()); ok {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	if len(c.errs) < maxCheckErrors {
		c.errs = append(c.errs, &UnknownFieldError{
			Field: field.Name,
			Err:   c.query.ErrorAt(field.Pos, hint, "unknown field %q", shorten(field.Name)),
		})
	}
	return TypeUnknown
}

// operand verifies an operand of and, or and not.
func (c *checker) operand(operand Expression, operator string) {
	if t := c.expression(operand); t != TypeBool && !t.open() {
		c.errorf(operand.Position(), `compare it: … == …`, "operand of %q is %s, not true or false", operator, t)
	}
}

func (c *checker) comparison(e *Comparison) {
	left, right := c.expression(e.Left), c.expression(e.Right)
	switch {
	case !isConstant(e.Left) && !isConstant(e.Right):
		c.errorf(e.Pos, "", "one field cannot be compared with another")
	case !left.comparable(right):
		c.mismatch(e.Pos, e.Operator.String(), e.Left, e.Right, left, right)
	case e.Operator >= Less && (left == TypeBool || right == TypeBool):
		c.errorf(e.Pos, `write "==" or "!="`, "booleans have no order")
	}
}

// mismatch reports two types that cannot be compared.
func (c *checker) mismatch(pos Pos, operator string, left, right Expression, leftType, rightType Type) {
	hint := ""
	switch {
	case leftType == TypeString && rightType.numeric():
		hint = numberAsString(right)
	case leftType.numeric() && rightType == TypeString:
		hint = "write the number without quotes"
	case rightType == TypeString && leftType.numeric():
		hint = numberAsString(left)
	}
	c.errorf(pos, hint, "%q cannot compare %s with %s", operator, leftType, rightType)
}

func numberAsString(e Expression) string {
	if literal, ok := e.(*Literal); ok {
		return fmt.Sprintf("write it as a string: %q", literalText(literal))
	}
	return ""
}

func (c *checker) membership(e *Membership) {
	value := c.expression(e.Value)
	patterns := e.Operator != In && e.Operator != InInsensitive
	if patterns && value != TypeString && !value.open() {
		c.errorf(e.Pos, `write "==" or "in"`, "%q matches strings, not %s", e.Operator.String(), value)
		return
	}
	for _, choice := range e.Choices {
		t := c.expression(choice)
		switch {
		case !isConstant(choice):
			c.errorf(choice.Position(), "", "the right side of %q must be constant", e.Operator.String())
		case patterns && t != TypeString:
			c.errorf(choice.Position(), "", "the right side of %q must be a string, not %s", e.Operator.String(), t)
		case !value.comparable(t):
			c.mismatch(choice.Position(), e.Operator.String(), e.Value, choice, value, t)
		}
	}
}

func (c *checker) arithmetic(e *Arithmetic) Type {
	left := c.number(e.Left, e.Operator.String())
	right := c.number(e.Right, e.Operator.String())
	if left == TypeInteger && right == TypeInteger {
		return TypeInteger
	}
	return TypeDecimal
}

// number verifies an operand that has to be a number.
func (c *checker) number(operand Expression, operator string) Type {
	t := c.expression(operand)
	if !t.numeric() && !t.open() {
		c.errorf(operand.Position(), "", "operand of %q is %s, not a number", operator, t)
	}
	return t
}

// isConstant reports whether the expression reads no field.
func isConstant(expression Expression) bool {
	switch e := expression.(type) {
	case *Field:
		return false
	case *Call:
		return allConstant(e.Arguments)
	case *Logical:
		return allConstant(e.Operands)
	case *Not:
		return isConstant(e.Operand)
	case *Comparison:
		return isConstant(e.Left) && isConstant(e.Right)
	case *Membership:
		return isConstant(e.Value) && allConstant(e.Choices)
	case *Arithmetic:
		return isConstant(e.Left) && isConstant(e.Right)
	case *Negation:
		return isConstant(e.Operand)
	}
	return true
}

func allConstant(expressions []Expression) bool {
	for _, expression := range expressions {
		if !isConstant(expression) {
			return false
		}
	}
	return true
}
