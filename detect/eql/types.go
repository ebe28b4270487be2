package eql

// Type is the type of an expression.
type Type uint8

// The types of expressions.
const (
	TypeUnknown Type = iota // known only when a value is read
	TypeNull
	TypeString
	TypeInteger
	TypeDecimal
	TypeBool
	TypeDate
)

// String names the type in error messages.
func (t Type) String() string {
	return [...]string{"a value", "null", "a string", "an integer", "a decimal number", "a boolean", "a date"}[t]
}

func (t Type) numeric() bool { return t == TypeInteger || t == TypeDecimal }

// open reports whether the type says nothing that could conflict.
func (t Type) open() bool { return t == TypeUnknown || t == TypeNull }

// comparable reports whether values of both types can be compared. Dates are
// written as strings.
func (t Type) comparable(other Type) bool {
	switch {
	case t.open() || other.open() || t == other:
		return true
	case t.numeric():
		return other.numeric()
	default:
		return t == TypeDate && other == TypeString || t == TypeString && other == TypeDate
	}
}
