package hunt

import (
	"math"
	"slices"
	"strconv"

	"tripline/detect"
)

// document is one line of the input as an event. The strings of its values are
// views into line or unescaped.
type document struct {
	// line is the JSON as it was read, without the space around it.
	line []byte
	// unescaped holds the strings that have escapes in line.
	unescaped []byte
	// found has the fields that have a value; slots is indexed by field and has
	// 1 plus the index in found, 0 for a field without a value. So a document
	// that waits for others stays small, however many fields all rules read.
	found []foundField
	slots []int32

	doubts []detect.FieldID // see fieldSet

	time          int64
	hasTime       bool
	tiebreaker    int64
	hasTiebreaker bool

	// pool takes the document back when nobody holds it any more; nil for one
	// that is not pooled.
	pool       *documentPool
	references int
}

// foundField is a field with its value. The list is the memory of a value that
// is one.
type foundField struct {
	id    detect.FieldID
	value detect.Value
	list  []detect.Value
}

// newDocument makes a document with room for the fields that there are now.
func newDocument(fields *fieldSet) *document {
	return &document{slots: make([]int32, len(fields.names)), doubts: fields.doubts}
}

// reset forgets all but the memory.
func (d *document) reset() {
	for i := range d.found {
		d.slots[d.found[i].id] = 0
	}
	d.found = d.found[:0]
	d.unescaped = d.unescaped[:0]
	d.hasTime, d.hasTiebreaker = false, false
}

// add gives a field one more value.
func (d *document) add(id detect.FieldID, value detect.Value) {
	slot := d.slots[id]
	if slot == 0 {
		d.addFirst(id, value)
		return
	}
	field := &d.found[slot-1]
	if field.value.Kind() == detect.KindList {
		field.list = append(field.list, value)
	} else {
		field.list = append(field.list[:0], field.value, value)
	}
	field.value = detect.List(field.list)
}

// addFirst gives a field its first value. The memory of an old list stays.
func (d *document) addFirst(id detect.FieldID, value detect.Value) {
	n := len(d.found)
	if n == cap(d.found) {
		d.found = append(d.found, foundField{})
	}
	d.found = d.found[:n+1]
	d.found[n].id, d.found[n].value = id, value
	d.slots[id] = int32(n + 1)
}

// Time implements detect.Event.
func (d *document) Time() int64 { return d.time }

// Tiebreaker implements detect.Event.
func (d *document) Tiebreaker() (int64, bool) { return d.tiebreaker, d.hasTiebreaker }

// Value implements detect.Event.
func (d *document) Value(id detect.FieldID) detect.Value {
	slot := d.slots[id]
	if slot == 0 {
		return detect.Value{}
	}
	return d.found[slot-1].value
}

// Proves implements detect.Prover: what the live engine could not prove is not
// proved later either, and everything else is believed.
func (d *document) Proves(id detect.FieldID, holds func(detect.Value) bool) bool {
	for _, doubt := range d.doubts {
		if value := d.Value(doubt); value.Kind() == detect.KindBool && value.Bool() {
			return false
		}
	}
	value := d.Value(id)
	if elements := value.Elements(); value.Kind() == detect.KindList {
		return slices.ContainsFunc(elements, holds)
	}
	return value.Kind() != detect.KindMissing && holds(value)
}

// Retain implements detect.Event.
func (d *document) Retain() { d.references++ }

// Release implements detect.Event.
func (d *document) Release() {
	d.references--
	if d.references == 0 && d.pool != nil {
		d.pool.put(d)
	}
}

// readTiebreaker takes the tiebreaker from its field: a whole number, or a
// string of digits.
func (d *document) readTiebreaker(id detect.FieldID) {
	value := d.Value(id)
	if elements := value.Elements(); len(elements) > 0 {
		value = elements[0]
	}
	switch value.Kind() {
	case detect.KindInt:
		d.tiebreaker, d.hasTiebreaker = value.Int(), true
	case detect.KindFloat:
		if f := value.Float(); math.Abs(f) < 1<<63 {
			d.tiebreaker, d.hasTiebreaker = int64(f), true
		}
	case detect.KindString:
		n, err := strconv.ParseInt(value.Text(), 10, 64)
		d.tiebreaker, d.hasTiebreaker = n, err == nil
	}
}

// documentPool keeps the memory of documents for the next ones. One goroutine
// uses it.
type documentPool struct {
	fields *fieldSet
	free   []*document
}

// keptBytes is the largest buffer that a free document keeps.
const keptBytes = 64 << 10

// get returns a document that holds a copy of a line and has one reference.
func (p *documentPool) get(line []byte) *document {
	var d *document
	if last := len(p.free) - 1; last >= 0 {
		d = p.free[last]
		p.free = p.free[:last]
	} else {
		d = newDocument(p.fields)
		d.pool = p
	}
	d.line = append(d.line[:0], line...)
	d.references = 1
	return d
}

func (p *documentPool) put(d *document) {
	d.reset()
	if cap(d.line) > keptBytes {
		d.line = nil
	}
	if cap(d.unescaped) > keptBytes {
		d.unescaped = nil
	}
	p.free = append(p.free, d)
}
