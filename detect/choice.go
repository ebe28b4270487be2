package detect

// maxChoices is how many combinations of the values of one event's fields a
// condition is tried with.
const maxChoices = 10_000

// choice is an event of which some fields with several values have one of them.
type choice struct {
	Event
	fields []FieldID
	values []Value
}

// Value reads a field, one of its values if it has several.
func (c *choice) Value(id FieldID) Value {
	for i, field := range c.fields {
		if field == id {
			return c.values[i]
		}
	}
	return c.Event.Value(id)
}

// Proves asks the event, whose forgeable fields have one value.
func (c *choice) Proves(id FieldID, holds func(Value) bool) bool {
	prover, ok := c.Event.(Prover)
	if !ok {
		return holds(c.Value(id))
	}
	return prover.Proves(id, holds)
}

// anyChoice reports whether a predicate holds for any choice of one value from
// each of some fields of an event.
func anyChoice(ev Event, fields []FieldID, holds predicate) bool {
	var lists [][]Value
	one := &choice{Event: ev}
	for _, field := range fields {
		if value := ev.Value(field); value.kind == KindList {
			one.fields = append(one.fields, field)
			one.values = append(one.values, value.Elements()[0])
			lists = append(lists, value.Elements())
		}
	}
	at := make([]int, len(lists))
	for range maxChoices {
		if holds(one) {
			return true
		}
		if !one.step(lists, at) {
			return false
		}
	}
	return false
}

// step moves to the next choice; at has the index of each field's value.
func (c *choice) step(lists [][]Value, at []int) bool {
	for i, list := range lists {
		at[i]++
		if at[i] < len(list) {
			c.values[i] = list[at[i]]
			return true
		}
		at[i] = 0
		c.values[i] = list[0]
	}
	return false
}
