package eql

import "time"

// Query is a parsed query.
type Query struct {
	// Text is what was parsed; every Pos of the tree is an offset in it.
	Text      string
	Statement Statement
	Pipes     []*Pipe
}

// Statement is one of *EventQuery, *Sequence, *Sample and *Join.
type Statement interface{ statement() }

// EventQuery asks for single events: process where ….
type EventQuery struct {
	Filter *Filter
}

// Sequence asks for events in order.
type Sequence struct {
	Pos Pos
	// By are the join keys of every stage, before the stage's own.
	By []Expression
	// MaxSpan is the longest time from the first to the last event; zero when
	// the sequence has none.
	MaxSpan time.Duration
	Stages  []*Stage
	// Until ends pending sequences; nil when the sequence has none.
	Until *Stage
}

// Sample asks for events that share keys, in any order.
type Sample struct {
	Pos    Pos
	By     []Expression
	Stages []*Stage
}

// Join is a statement of EQL's grammar that Elasticsearch refuses too.
type Join struct {
	Pos    Pos
	By     []Expression
	Stages []*Stage
	Until  *Stage
}

func (*EventQuery) statement() {}
func (*Sequence) statement()   {}
func (*Sample) statement()     {}
func (*Join) statement()       {}

// Stage is one [category where condition] of a sequence, sample or join.
type Stage struct {
	Pos Pos
	// Negative is true for ![…], an event that must be absent.
	Negative bool
	Filter   *Filter
	By       []Expression
	// Runs is how many events in a row fill the stage, 1 or more.
	Runs int
}

// Filter is a category and a condition on its events.
type Filter struct {
	Pos Pos
	// Any is true for the category any; Category is empty then.
	Any       bool
	Category  string
	Condition Expression
}

// Pipe is a step that works on the results: | head 5.
type Pipe struct {
	Pos       Pos
	Name      string
	Arguments []Expression
}

// Expression is one of *Literal, *Field, *Call, *Logical, *Not, *Comparison,
// *Membership, *Arithmetic and *Negation.
type Expression interface {
	// Position is where the expression starts or, for one with an infix
	// operator, where the operator is.
	Position() Pos
	expression()
}

// LiteralKind is what a literal is.
type LiteralKind uint8

// The kinds of literals.
const (
	LiteralNull LiteralKind = iota
	LiteralBool
	LiteralInteger
	LiteralDecimal
	LiteralString
)

// Literal is a constant. Only the member of its kind is set.
type Literal struct {
	Pos     Pos
	Kind    LiteralKind
	Bool    bool
	Integer int64
	Decimal float64
	String  string
}

// Field is the value of an event's field.
type Field struct {
	Pos  Pos
	Name string
	// Optional is true for ?name, a field that may be unknown.
	Optional bool
}

// Call is a function and its arguments.
type Call struct {
	Pos  Pos
	Name string
	// Insensitive is true for name~.
	Insensitive bool
	Arguments   []Expression
}

// LogicalOperator is and or or.
type LogicalOperator uint8

// The logical operators.
const (
	And LogicalOperator = iota
	Or
)

// Logical joins two or more conditions by one operator. Operands written in
// parentheses stay a node of their own.
type Logical struct {
	Pos      Pos
	Operator LogicalOperator
	Operands []Expression
}

// Not negates a condition.
type Not struct {
	Pos     Pos
	Operand Expression
}

// ComparisonOperator is one of == != < <= > >=.
type ComparisonOperator uint8

// The comparison operators.
const (
	Equal ComparisonOperator = iota
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
)

// Comparison compares two values.
type Comparison struct {
	Pos         Pos
	Operator    ComparisonOperator
	Left, Right Expression
}

// MembershipOperator is one of : in in~ like like~ regex regex~.
type MembershipOperator uint8

// The membership operators.
const (
	Colon MembershipOperator = iota
	In
	InInsensitive
	Like
	LikeInsensitive
	Regex
	RegexInsensitive
)

// Membership asks whether a value is one of a list or matches one of several
// patterns: name in ("a", "b"), name : "a*".
type Membership struct {
	Pos      Pos
	Operator MembershipOperator
	// Negated is true for not in.
	Negated bool
	Value   Expression
	// Choices has at least one element.
	Choices []Expression
}

// ArithmeticOperator is one of + - * / %.
type ArithmeticOperator uint8

// The arithmetic operators.
const (
	Add ArithmeticOperator = iota
	Subtract
	Multiply
	Divide
	Modulo
)

// Arithmetic computes a number from two.
type Arithmetic struct {
	Pos         Pos
	Operator    ArithmeticOperator
	Left, Right Expression
}

// Negation is the minus before an expression that is no number literal.
type Negation struct {
	Pos     Pos
	Operand Expression
}

// Position says where the expression is.
func (e *Literal) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Field) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Call) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Logical) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Not) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Comparison) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Membership) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Arithmetic) Position() Pos { return e.Pos }

// Position says where the expression is.
func (e *Negation) Position() Pos { return e.Pos }

func (*Literal) expression()    {}
func (*Field) expression()      {}
func (*Call) expression()       {}
func (*Logical) expression()    {}
func (*Not) expression()        {}
func (*Comparison) expression() {}
func (*Membership) expression() {}
func (*Arithmetic) expression() {}
func (*Negation) expression()   {}

// String writes the operator as a query does.
func (o LogicalOperator) String() string { return [...]string{"and", "or"}[o] }

// String writes the operator as a query does.
func (o ComparisonOperator) String() string {
	return [...]string{"==", "!=", "<", "<=", ">", ">="}[o]
}

// String writes the operator as a query does.
func (o MembershipOperator) String() string {
	return [...]string{":", "in", "in~", "like", "like~", "regex", "regex~"}[o]
}

// String writes the operator as a query does.
func (o ArithmeticOperator) String() string { return [...]string{"+", "-", "*", "/", "%"}[o] }
