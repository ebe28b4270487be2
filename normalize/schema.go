package normalize

import (
	"slices"
	"strings"

	"tripline/detect"
)

// ECSVersion is the version of the Elastic Common Schema whose field names and
// types events have.
const ECSVersion = "8.17.0"

// field is one field of an event.
type field struct {
	name string
	typ  detect.Type
	// costly says that reading it from a live event may need a system call.
	costly bool
	// only are all the values that the field ever has, nil for any.
	only []string
	// array says that ECS wants an array in JSON even for one value.
	array bool
	// fixed says that the value is the same in every event of a host.
	fixed bool
	// kin says that the field is missing where nobody can look at the event's process.
	kin bool
	// pair says that the field is one of Event.data, which the JSON form shows all.
	pair bool
	// list is the list of objects that the JSON form has in place of the fields that
	// name it; empty for every other field.
	list string
	get  func(*Event) detect.Value
	// address says that the field has IP addresses.
	address bool
	// alike says that events of one likeness have the same value.
	alike bool
	// claimed reads what the records say where the process can have them say
	// something else than is so on the host; nil for every other field.
	claimed func(*Event) detect.Value
	// ofParent says that such a field is about the parent.
	ofParent bool
}

// registry has every field, sorted by the parts of their names so that the fields
// of one object are neighbours. It drives Schema, Event.Value and the JSON form.
// A field's index is its detect.FieldID.
//
//nolint:gochecknoglobals // a table that nothing changes
var registry = sortFields(slices.Concat(
	eventFields(), processFields(), userFields(), networkFields(), auditdFields(), hostFields(), pathFields(),
	ttyFields(), ancestryFields(), cgroupFields(),
))

func sortFields(fields []field) []field {
	slices.SortStableFunc(fields, func(a, b field) int {
		return slices.Compare(strings.Split(a.name, "."), strings.Split(b.name, "."))
	})
	return fields
}

// schema implements detect.Schema over the registry.
type schema struct {
	byName map[string]detect.FieldID
}

// Schema gives the fields that events offer.
func Schema() detect.Schema {
	s := schema{byName: make(map[string]detect.FieldID, len(registry))}
	for id := range registry {
		s.byName[registry[id].name] = detect.FieldID(id)
	}
	return s
}

// Field implements detect.Schema.
func (s schema) Field(name string) (detect.Field, bool) {
	id, ok := s.byName[name]
	if !ok {
		return detect.Field{}, false
	}
	one := &registry[id]
	return detect.Field{ID: id, Type: one.typ, Costly: one.costly, Forgeable: one.claimed != nil, Address: one.address, Only: one.only, Alike: one.alike}, true
}

// FieldNames implements detect.Schema.
func (s schema) FieldNames() []string {
	names := make([]string, len(registry))
	for id := range registry {
		names[id] = registry[id].name
	}
	return names
}

// constant makes a field that is the same in every event.
func constant(name, value string) field {
	one := limited(words(name, func(*Event) detect.Value { return detect.String(value) }), value)
	one.fixed = true
	return alike(one)
}

// words makes a text field.
func words(name string, get func(*Event) detect.Value) field {
	return field{name: name, typ: detect.TypeString, get: get}
}

// whole makes an integer field.
func whole(name string, get func(*Event) detect.Value) field {
	return field{name: name, typ: detect.TypeInt, get: get}
}

// asked marks a field as costly.
func asked(f field) field {
	f.costly = true
	return f
}

// address marks a field as one of IP addresses.
func address(f field) field {
	f.address = true
	return f
}

// forgeable marks a field as one that a process can have its records say what it
// likes in.
func forgeable(f field, claimed func(*Event) detect.Value) field {
	f.claimed = claimed
	return asked(f)
}

// alike marks a field as one that a likeness decides.
func alike(f field) field {
	f.alike = true
	return f
}

// ofParent is forgeable for a field that is about the parent's executable. The
// records say nothing of it.
func ofParent(f field) field {
	f = forgeable(f, func(*Event) detect.Value { return detect.Value{} })
	f.ofParent = true
	return f
}

// ofKin marks fields as missing where nobody can look at the event's process.
func ofKin(fields []field) []field {
	for i := range fields {
		fields[i].kin = true
	}
	return fields
}

// limited names all the values that a field ever has.
func limited(f field, values ...string) field {
	f.only = values
	return f
}

// several marks a field as an array.
func several(f field) field {
	f.array = true
	return f
}

func eventFields() []field {
	return []field{
		{name: "@timestamp", typ: detect.TypeDate, get: func(e *Event) detect.Value { return detect.Int(e.Time()) }},
		constant("ecs.version", ECSVersion),
		constant("data_stream.type", "logs"),
		constant("data_stream.dataset", "tripline.events"),
		constant("data_stream.namespace", "default"),
		constant("event.kind", "event"),
		constant("event.module", "tripline"),
		constant("event.dataset", "tripline.events"),
		alike(several(limited(words("event.category", (*Event).category), categories()...))),
		alike(several(asked(words("event.type", func(e *Event) detect.Value { return optional(e.describe().typ) })))),
		alike(asked(words("event.action", func(e *Event) detect.Value { return optional(e.describe().action) }))),
		alike(words("event.outcome", func(e *Event) detect.Value { return detect.String(e.outcome()) })),
		whole("event.sequence", func(e *Event) detect.Value { return detect.Int(int64(e.sequence)) }),
		asked(words("tripline.identity", (*Event).identityQuality)),
		{name: "tripline.incomplete", typ: detect.TypeBool, get: (*Event).incompleteFlag},
		{name: "tripline.executable.deleted", typ: detect.TypeBool, get: (*Event).deletedFlag},
		{name: "tripline.executable.memfd", typ: detect.TypeBool, get: (*Event).memfdFlag},
		{name: "tripline.executable.unproven", typ: detect.TypeBool, get: (*Event).unprovenFlag},
		{name: "tripline.masquerade", typ: detect.TypeBool, get: (*Event).masqueradeFlag},
		asked(words("tripline.mount_namespace", (*Event).mountNamespace)),
	}
}

// incompleteFlag is true for an event that lacks a record, else missing.
func (e *Event) incompleteFlag() detect.Value {
	return trueIf(e.incomplete)
}
