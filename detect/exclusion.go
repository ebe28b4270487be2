package detect

import "tripline/detect/eql"

// A condition excludes where its being true keeps an event from counting: under an
// odd number of negations, and in an exception, a negative stage or until under an
// even one. What a process can make its events say must not suffice there, so that
// a leaf which excludes and reads a forgeable field is true only if the event
// proves the value. Everywhere else the event is believed: to look like what a rule
// looks for is nothing to gain.

// reversed compiles what decides the other way round if flip is true: the operand
// of a negation.
func reversed[T any](c *compiler, flip bool, compile func() (T, error)) (T, error) {
	before := c.excludes
	defer func() { c.excludes = before }()
	c.excludes = before != flip
	return compile()
}

// believed compiles what a value is computed from, whose truth alone decides
// nothing.
func believed[T any](c *compiler, compile func() (T, error)) (T, error) {
	before := c.excludes
	defer func() { c.excludes = before }()
	c.excludes = false
	return compile()
}

// fieldTest makes the predicate of a test of a field's values.
func (c *compiler) fieldTest(field Field, test scalarTest) predicate {
	if field.Address {
		test = eitherForm(test)
	}
	id := field.ID
	plain := func(ev Event) bool {
		value := ev.Value(id)
		switch value.kind {
		case KindMissing:
			return false
		case KindList:
			return anyElement(value, test)
		default:
			return test(value)
		}
	}
	if !c.excludes || !field.Forgeable {
		return plain
	}
	return func(ev Event) bool {
		if prover, ok := ev.(Prover); ok {
			return prover.Proves(id, test)
		}
		return plain(ev)
	}
}

// guarded makes an operand that, where it excludes, is true only if the event
// proves what it was computed from. affirms is the value that counts as true.
func (c *compiler) guarded(o operand, affirms bool) operand {
	if !c.excludes || len(o.forgeable) == 0 {
		return o
	}
	evaluate, forgeable := o.evaluate, o.forgeable
	o.evaluate = func(ev Event) Value {
		value := evaluate(ev)
		if value.kind == KindBool && value.Bool() == affirms && !proven(ev, forgeable) {
			return Bool(!affirms)
		}
		return value
	}
	return o
}

// guardedLeaf is leafOf for a condition that is asked to prove what it reads where
// it excludes.
func (c *compiler) guardedLeaf(o operand, test scalarTest) condition {
	leaf := leafOf(o, test)
	if !c.excludes || len(o.forgeable) == 0 {
		return leaf
	}
	holds, forgeable := leaf.test, o.forgeable
	leaf.test = func(ev Event) bool { return holds(ev) && proven(ev, forgeable) }
	return leaf
}

// proven reports whether an event's forgeable fields are what they say. One that is
// missing says nothing.
func proven(ev Event, forgeable []FieldID) bool {
	prover, ok := ev.(Prover)
	if !ok {
		return true
	}
	for _, id := range forgeable {
		if ev.Value(id).kind != KindMissing && !prover.Proves(id, func(Value) bool { return true }) {
			return false
		}
	}
	return true
}

// comparesTruth reports whether a comparison is one with true or false, so that
// what is compared decides, and whether it decides the other way round.
func comparesTruth(e *eql.Comparison) (compares, reverses bool) {
	if e.Operator != eql.Equal && e.Operator != eql.NotEqual {
		return false, false
	}
	for _, side := range []eql.Expression{e.Left, e.Right} {
		if literal, ok := side.(*eql.Literal); ok && literal.Kind == eql.LiteralBool {
			return true, literal.Bool != (e.Operator == eql.Equal)
		}
	}
	return false, false
}
