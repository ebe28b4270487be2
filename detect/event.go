package detect

import (
	"math"
	"slices"
	"unsafe"
)

// FieldID names one field of a Schema. It means nothing outside that schema.
type FieldID int32

// Type is what a field holds, as EQL's checker sees it.
type Type uint8

// The types of fields. ECS's keyword, wildcard, text and ip are TypeString,
// long is TypeInt, float is TypeFloat, date is TypeDate. The value of a date is
// an integer, nanoseconds since the Unix epoch, or a string as of RFC 3339.
const (
	TypeUnknown Type = iota // known only when a value is read (JSON of any producer)
	TypeString
	TypeInt
	TypeFloat
	TypeBool
	TypeDate
)

// Field is what a Schema knows of one field.
type Field struct {
	ID   FieldID
	Type Type
	// Costly says that reading the field may need a system call. Conditions
	// on costly fields are evaluated after all others.
	Costly bool
	// Forgeable says that the process which an event is about can have the field
	// say something else than is so on the host. See Prover.
	Forgeable bool
	// Address says that the field holds IP addresses, for which an IPv4 address
	// and the same mapped into IPv6 (::ffff:192.0.2.1) are equal.
	Address bool
	// Only are all the values that the field ever has, nil for any. A rule that
	// demands another one cannot match.
	Only []string
	// Alike says that events of one likeness have the same value. See Alike.
	Alike bool
}

// Schema is the set of fields that an event source offers. It is asked while
// rules are compiled, never per event.
type Schema interface {
	// Field finds a field by its full ECS name, "process.entity_id".
	Field(name string) (Field, bool)
	// FieldNames lists every known name, for suggestions.
	FieldNames() []string
}

// Event is what the engine needs of an event. One goroutine uses it at a time.
//
// Strings inside the values that an event returns may be views into memory that
// the event's owner reuses: they are valid until the engine's Process returns
// or, for a retained event, until its last Release.
type Event interface {
	// Time is the event's @timestamp in nanoseconds since the Unix epoch.
	Time() int64
	// Tiebreaker orders events of equal Time (event.sequence); false when the
	// event has none, which orders it last.
	Tiebreaker() (int64, bool)
	// Value reads a field. A missing field is the zero Value.
	Value(id FieldID) Value
	// Retain keeps the event and its memory alive beyond the call that
	// delivered it, until as many calls of Release.
	Retain()
	Release()
}

// Prover is an Event that can tell whether a forgeable field is what it says. An
// event that is no Prover is believed.
type Prover interface {
	// Proves reports whether holds is true of a value that a forgeable field has
	// beyond doubt. It is asked only where a condition's truth would keep the
	// event from counting.
	Proves(id FieldID, holds func(Value) bool) bool
}

// Alike is an Event that may know which others are like it, so that what rules made of
// one is known of all.
type Alike interface {
	// Likeness is a number that events share only if every field with Field.Alike has
	// the same value in them; 0 where nothing is known. A number that was used for one
	// likeness is never used for another.
	Likeness() uint64
}

// Keeper is an Event for which something smaller can be kept as long as nobody reads
// it.
type Keeper interface {
	// Keep retains the event, as Retain does, and returns what stands for it: its
	// Release lets the event go. If that is a Kept, the event to be read is another.
	Keep() Event
}

// Kept stands for an event that was kept.
type Kept interface {
	// Whole is the event. It is valid until the release of what stands for it.
	Whole() Event
}

// Kind is the dynamic kind of a Value.
type Kind uint8

// The kinds of values.
const (
	KindMissing Kind = iota
	KindString
	KindInt
	KindFloat
	KindBool
	// KindList is a field with several values, none of them a list.
	KindList
)

// Value is the content of a field: missing, one scalar, or several scalars.
// The zero Value is the missing field.
//
// It is read several times for each event and rule. In three words it is
// passed in registers, which a string and a slice side by side are not.
type Value struct {
	// data is the first byte of a string, or the first element of a list.
	data unsafe.Pointer
	// num is the bits of a number, 1 for true, or the length of data.
	num  uint64
	kind Kind
}

// String makes a string value. The text is not copied.
func String(text string) Value {
	return Value{kind: KindString, num: uint64(len(text)), data: unsafe.Pointer(unsafe.StringData(text))}
}

// Int makes an integer value.
func Int(n int64) Value { return Value{kind: KindInt, num: uint64(n)} }

// Float makes a floating-point value.
func Float(f float64) Value { return Value{kind: KindFloat, num: math.Float64bits(f)} }

// Bool makes a boolean value.
func Bool(b bool) Value {
	if b {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// List makes a value of several scalars. The slice is not copied. No elements
// make the missing value, one element makes that scalar.
func List(values []Value) Value {
	switch len(values) {
	case 0:
		return Value{}
	case 1:
		return values[0]
	}
	return Value{kind: KindList, num: uint64(len(values)), data: unsafe.Pointer(unsafe.SliceData(values))}
}

// Kind says what the value is.
func (v Value) Kind() Kind { return v.kind }

// Text is the text of a string value, empty for every other kind.
func (v Value) Text() string {
	if v.kind != KindString {
		return ""
	}
	return unsafe.String((*byte)(v.data), int(v.num))
}

// Int is the number of an integer value.
func (v Value) Int() int64 { return int64(v.num) }

// Float is the number of a floating-point value.
func (v Value) Float() float64 { return math.Float64frombits(v.num) }

// Bool is the truth of a boolean value.
func (v Value) Bool() bool { return v.num != 0 }

// Elements are the scalars of a list; nil for every other kind.
func (v Value) Elements() []Value {
	if v.kind != KindList {
		return nil
	}
	return unsafe.Slice((*Value)(v.data), int(v.num))
}

// Equal reports whether two values have the same kind and content. As EQL
// compares numbers of different kinds, it is stricter than EQL's ==.
func (v Value) Equal(other Value) bool {
	if v.kind != other.kind || v.num != other.num {
		return false
	}
	return v.Text() == other.Text() && slices.EqualFunc(v.Elements(), other.Elements(), Value.Equal)
}
