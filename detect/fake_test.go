package detect_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"tripline/detect"
)

// testSchema gives every field that a test names an ID.
type testSchema struct {
	fields map[string]detect.Field
	// open accepts any name as a field of unknown type.
	open bool
}

func newTestSchema() *testSchema {
	s := &testSchema{fields: make(map[string]detect.Field)}
	for name, t := range map[string]detect.Type{
		"event.category":     detect.TypeString,
		"event.action":       detect.TypeString,
		"event.type":         detect.TypeString,
		"user.id":            detect.TypeString,
		"process.entity_id":  detect.TypeString,
		"process.executable": detect.TypeString,
		"process.pid":        detect.TypeInt,
		"process.ppid":       detect.TypeInt,
		"host.load":          detect.TypeFloat,
		"flag":               detect.TypeBool,
		"@timestamp":         detect.TypeDate,
		"k":                  detect.TypeString,
		"x":                  detect.TypeInt,
		"s":                  detect.TypeString,
		"anything":           detect.TypeUnknown,
	} {
		s.add(name, t, name == "process.executable")
	}
	return s
}

func (s *testSchema) add(name string, t detect.Type, costly bool) detect.Field {
	field := detect.Field{ID: detect.FieldID(len(s.fields)), Type: t, Costly: costly, Forgeable: name == "process.executable"}
	s.fields[name] = field
	return field
}

func (s *testSchema) Field(name string) (detect.Field, bool) {
	field, ok := s.fields[name]
	if !ok && s.open {
		return s.add(name, detect.TypeUnknown, false), true
	}
	return field, ok
}

func (s *testSchema) FieldNames() []string { return slices.Sorted(maps.Keys(s.fields)) }

// testEvent is an event that counts who keeps it.
type testEvent struct {
	name          string
	time          int64
	tiebreaker    int64
	hasTiebreaker bool
	values        map[detect.FieldID]detect.Value
	retained      int
	reads         map[detect.FieldID]int
}

func (e *testEvent) Time() int64               { return e.time }
func (e *testEvent) Tiebreaker() (int64, bool) { return e.tiebreaker, e.hasTiebreaker }
func (e *testEvent) Retain()                   { e.retained++ }
func (e *testEvent) Release()                  { e.retained-- }
func (e *testEvent) Value(id detect.FieldID) detect.Value {
	if e.reads != nil {
		e.reads[id]++
	}
	return e.values[id]
}

func (e *testEvent) String() string { return e.name }

// newEvent makes an event from pairs of field names and Go values.
func newEvent(t testing.TB, schema detect.Schema, ns int64, pairs ...any) *testEvent {
	t.Helper()
	e := &testEvent{time: ns, values: make(map[detect.FieldID]detect.Value)}
	for i := 0; i < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		field, ok := schema.Field(name)
		if !ok {
			t.Fatalf("no field %q", name)
		}
		e.values[field.ID] = valueOf(t, pairs[i+1])
	}
	return e
}

func valueOf(t testing.TB, value any) detect.Value {
	t.Helper()
	switch v := value.(type) {
	case nil:
		return detect.Value{}
	case string:
		return detect.String(v)
	case int:
		return detect.Int(int64(v))
	case int64:
		return detect.Int(v)
	case float64:
		return detect.Float(v)
	case bool:
		return detect.Bool(v)
	case []any:
		var list []detect.Value
		for _, element := range v {
			list = append(list, valueOf(t, element))
		}
		return detect.List(list)
	default:
		t.Fatalf("no value of type %T", value)
		return detect.Value{}
	}
}

func compile(t testing.TB, schema detect.Schema, query string) *detect.Compiled {
	t.Helper()
	compiled, err := detect.Compile(newRule(query), schema)
	if err != nil {
		t.Fatalf("Compile(%s): %v", query, err)
	}
	return compiled
}

func newRule(query string) *detect.Rule {
	rule := new(detect.Rule)
	rule.Query = query
	rule.RuleID = fmt.Sprintf("%q", query)
	return rule
}
