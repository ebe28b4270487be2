package eql

import (
	"fmt"
	"strings"

	"tripline/internal/diag"
)

// parameter is what a function takes in one place.
type parameter struct {
	accepts parameterType
	// constant says that no field may be read for it.
	constant bool
}

// parameterType is a set of types that an argument may have.
type parameterType uint8

const (
	anyType parameterType = iota
	stringType
	numberType
	integerType
	boolType
)

// String names the types in error messages.
func (t parameterType) String() string {
	return [...]string{"a value", "a string", "a number", "an integer", "a boolean"}[t]
}

func (t parameterType) includes(actual Type) bool {
	switch t {
	case stringType:
		return actual == TypeString
	case numberType:
		return actual.numeric()
	case integerType:
		return actual == TypeInteger
	case boolType:
		return actual == TypeBool
	default:
		return true
	}
}

// signature is what a function takes and returns.
type signature struct {
	// name is the function's name as EQL's documentation writes it.
	name       string
	parameters []parameter
	// optional is how many of the last parameters may be left out.
	optional int
	// repeats says that the last parameter may come any number of times.
	repeats bool
	// caseAware says that the function has a variant that ignores case.
	caseAware bool
	// result is TypeUnknown for a number whose type is that of the arguments.
	result Type
}

func signatures() []signature {
	text, number, integer := parameter{accepts: stringType}, parameter{accepts: numberType}, parameter{accepts: integerType}
	constantText := parameter{accepts: stringType, constant: true}
	two := []parameter{number, number}
	return []signature{
		{name: "add", parameters: two},
		{name: "between", parameters: []parameter{text, text, text, {accepts: boolType, constant: true}}, optional: 1, caseAware: true, result: TypeString},
		{name: "cidrMatch", parameters: []parameter{text, constantText}, repeats: true, result: TypeBool},
		{name: "concat", parameters: []parameter{{}}, repeats: true, result: TypeString},
		{name: "divide", parameters: two},
		{name: "endsWith", parameters: []parameter{text, text}, caseAware: true, result: TypeBool},
		{name: "indexOf", parameters: []parameter{text, text, integer}, optional: 1, caseAware: true, result: TypeInteger},
		{name: "length", parameters: []parameter{text}, result: TypeInteger},
		{name: "modulo", parameters: two},
		{name: "multiply", parameters: two},
		{name: "number", parameters: []parameter{text, {accepts: integerType, constant: true}}, optional: 1, result: TypeDecimal},
		{name: "startsWith", parameters: []parameter{text, text}, caseAware: true, result: TypeBool},
		{name: "string", parameters: []parameter{{}}, result: TypeString},
		{name: "stringContains", parameters: []parameter{text, text}, caseAware: true, result: TypeBool},
		{name: "substring", parameters: []parameter{text, integer, integer}, optional: 1, result: TypeString},
		{name: "subtract", parameters: two},
	}
}

// findSignature finds a function; names match without regard to case.
func findSignature(name string) (signature, bool) {
	for _, s := range signatures() {
		if strings.EqualFold(s.name, name) {
			return s, true
		}
	}
	return signature{}, false
}

// functionNames lists EQL's functions as its documentation writes them.
func functionNames() []string {
	var names []string
	for _, s := range signatures() {
		names = append(names, s.name)
	}
	return names
}

// call verifies a function, the number of its arguments and their types.
func (c *checker) call(call *Call) Type {
	types := make([]Type, len(call.Arguments))
	for i, argument := range call.Arguments {
		types[i] = c.expression(argument)
	}
	s, ok := findSignature(call.Name)
	if !ok {
		c.unknownFunction(call)
		return TypeUnknown
	}
	if call.Insensitive && !s.caseAware {
		c.errorf(call.Pos, "write "+s.name+" without ~", "function %s has no variant that ignores case", s.name)
	}
	if !c.argumentCount(call, s) {
		return s.resultType(nil)
	}
	for i, argument := range call.Arguments {
		p := s.parameters[min(i, len(s.parameters)-1)]
		switch {
		case !types[i].open() && !p.accepts.includes(types[i]):
			c.errorf(argument.Position(), "", "argument %d of %s must be %s, not %s", i+1, s.name, p.accepts, types[i])
		case p.constant && !isConstant(argument):
			c.errorf(argument.Position(), "", "argument %d of %s must be constant", i+1, s.name)
		}
	}
	return s.resultType(types)
}

func (c *checker) unknownFunction(call *Call) {
	hint := ""
	if strings.EqualFold(call.Name, "wildcard") || strings.EqualFold(call.Name, "match") {
		hint = `write: field : "pattern*" or field regex "…"`
	} else if near, ok := diag.Nearest(call.Name, functionNames()); ok {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	c.errorf(call.Pos, hint, "unknown function %q", shorten(call.Name))
}

// argumentCount reports whether a call has as many arguments as it must.
func (c *checker) argumentCount(call *Call, s signature) bool {
	got, most := len(call.Arguments), len(s.parameters)
	least := most - s.optional
	if got >= least && (got <= most || s.repeats) {
		return true
	}
	want := count(least, "argument")
	switch {
	case s.repeats:
		want += " or more"
	case s.optional > 0:
		want = fmt.Sprintf("%d to %d arguments", least, most)
	}
	c.errorf(call.Pos, "", "function %s takes %s, not %d", s.name, want, got)
	return false
}

// resultType is the type of the result for arguments of some types.
func (s signature) resultType(arguments []Type) Type {
	if s.result != TypeUnknown {
		return s.result
	}
	for _, argument := range arguments {
		if argument != TypeInteger {
			return TypeDecimal
		}
	}
	return TypeInteger
}
