package stricttoml

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tripline/internal/diag"
)

// place is a value's position and the name by which messages call it.
type place struct {
	*node
	name string
}

// key is the place of a key of the table at p.
func (p place) key(name string) place {
	at, ok := p.table[name]
	if !ok {
		at = p.node // cannot be unless scanner and parser disagree
	}
	if p.name != "" {
		name = p.name + "." + name
	}
	return place{at, name}
}

// element is the place of an element of the array at p.
func (p place) element(i int) place {
	at := p.node
	if i < len(p.array) {
		at = p.array[i]
	}
	return place{at, p.name + "[" + strconv.Itoa(i) + "]"}
}

// assign puts a parsed value into a Go value or reports why it cannot be.
func (d *decoder) assign(at place, value any, into reflect.Value) {
	if into.Kind() == reflect.Pointer {
		fresh := reflect.New(into.Type().Elem())
		d.assign(at, value, fresh.Elem())
		into.Set(fresh)
		return
	}
	if text, ok := into.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.textual(at, value, text)
		return
	}
	switch into.Kind() {
	case reflect.Struct:
		d.structure(at, value, into)
	case reflect.Map:
		d.mapping(at, value, into)
	case reflect.Slice:
		d.slice(at, value, into)
	case reflect.Interface:
		if into.NumMethod() > 0 {
			d.unsupported(at, into)
			return
		}
		into.Set(reflect.ValueOf(value))
	default:
		d.scalar(at, value, into)
	}
}

// unsupported reports a field that Decode cannot set, a defect of the program.
func (d *decoder) unsupported(at place, into reflect.Value) {
	d.report(at.at(), fmt.Sprintf("%s cannot be set: stricttoml does not support the type %s", at.name, into.Type()), "")
}

// structure assigns the keys of a table to the fields of a struct.
func (d *decoder) structure(at place, value any, into reflect.Value) {
	table, ok := value.(map[string]any)
	if !ok {
		d.wrongType(at, value, "a table")
		return
	}
	fields := fieldsOf(into.Type())
	for name, element := range table {
		if index, known := fields[name]; known {
			d.assign(at.key(name), element, into.Field(index))
		} else {
			d.unknownKey(at, name, element, fields)
		}
	}
}

// fieldsOf maps TOML names to the indexes of a struct's fields.
func fieldsOf(t reflect.Type) map[string]int {
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		fields[name] = i
	}
	return fields
}

func (d *decoder) mapping(at place, value any, into reflect.Value) {
	if into.Type().Key().Kind() != reflect.String {
		d.unsupported(at, into)
		return
	}
	table, ok := value.(map[string]any)
	if !ok {
		d.wrongType(at, value, "a table")
		return
	}
	if into.IsNil() {
		into.Set(reflect.MakeMapWithSize(into.Type(), len(table)))
	}
	for name, element := range table {
		fresh := reflect.New(into.Type().Elem()).Elem()
		d.assign(at.key(name), element, fresh)
		into.SetMapIndex(reflect.ValueOf(name).Convert(into.Type().Key()), fresh)
	}
}

func (d *decoder) slice(at place, value any, into reflect.Value) {
	list := reflect.ValueOf(value) // []any or []map[string]any
	if list.Kind() != reflect.Slice {
		d.wrongType(at, value, "a list")
		return
	}
	fresh := reflect.MakeSlice(into.Type(), list.Len(), list.Len())
	for i := range list.Len() {
		d.assign(at.element(i), list.Index(i).Interface(), fresh.Index(i))
	}
	into.Set(fresh)
}

// textual hands a value to a type that reads text. A whole number will do, so
// that sizes and limits can be written without quotes.
func (d *decoder) textual(at place, value any, into encoding.TextUnmarshaler) {
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case int64:
		text = strconv.FormatInt(value, 10)
	default:
		d.wrongType(at, value, "text in quotes")
		return
	}
	err := into.UnmarshalText([]byte(text))
	if err == nil {
		return
	}
	// A type that knows a remedy says so with a diag.Error of its own.
	var known *diag.Error
	if errors.As(err, &known) {
		d.report(at.at(), at.name+" "+known.Message, known.Hint)
		return
	}
	d.report(at.at(), at.name+": "+err.Error(), "")
}

func (d *decoder) scalar(at place, value any, into reflect.Value) {
	switch into.Kind() {
	case reflect.String:
		if text, ok := value.(string); ok {
			into.SetString(text)
			return
		}
		d.wrongType(at, value, "text in quotes")
	case reflect.Bool:
		if truth, ok := value.(bool); ok {
			into.SetBool(truth)
			return
		}
		d.wrongType(at, value, "true or false")
	case reflect.Float32, reflect.Float64:
		d.float(at, value, into)
	default:
		d.integer(at, value, into)
	}
}

func (d *decoder) float(at place, value any, into reflect.Value) {
	switch number := value.(type) {
	case float64:
		into.SetFloat(number)
	case int64:
		into.SetFloat(float64(number))
	default:
		d.wrongType(at, value, "a number")
	}
}

func (d *decoder) integer(at place, value any, into reflect.Value) {
	if !into.CanInt() && !into.CanUint() {
		d.unsupported(at, into)
		return
	}
	number, ok := value.(int64)
	if !ok {
		d.wrongType(at, value, "a whole number")
		return
	}
	bits := into.Type().Bits()
	switch {
	case into.CanInt() && !into.OverflowInt(number):
		into.SetInt(number)
	case into.CanUint() && number >= 0 && !into.OverflowUint(uint64(number)):
		into.SetUint(uint64(number))
	case into.CanInt():
		d.outOfRange(at, number, -1<<(bits-1), 1<<(bits-1)-1)
	case number < 0:
		d.report(at.at(), fmt.Sprintf("%s must not be negative, as %d is", at.name, number), "")
	default:
		d.outOfRange(at, number, 0, 1<<min(bits, 63)-1)
	}
}

func (d *decoder) outOfRange(at place, number, low, high int64) {
	d.report(at.at(), fmt.Sprintf("%s must be between %d and %d, not %d", at.name, low, high, number), "")
}

func (d *decoder) wrongType(at place, value any, want string) {
	hint := ""
	_, isText := value.(string)
	kind := reflect.TypeOf(value).Kind()
	isScalar := kind != reflect.Map && kind != reflect.Slice
	switch {
	case want == "text in quotes" && isScalar:
		hint = "put the value between quotation marks"
	case want == "a list" && isText:
		hint = `put the value between brackets: ["…"]`
	case want == "a whole number" && isText, want == "true or false" && isText:
		hint = "leave out the quotation marks"
	}
	d.report(at.at(), fmt.Sprintf("%s must be %s, not %s", at.name, want, kindName(value)), hint)
}

// kindName names the type of a parsed value in a user's words.
func kindName(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case int64:
		return "a whole number"
	case float64:
		return "a number with a fraction"
	case bool:
		return "true or false"
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "a list"
	default:
		return "a date or time"
	}
}

// unknownKey reports a key that a table of the struct does not have.
func (d *decoder) unknownKey(table place, name string, value any, fields map[string]int) {
	known := make([]string, 0, len(fields))
	for field := range fields {
		known = append(known, field)
	}
	slices.Sort(known)

	what := "key"
	switch value.(type) {
	case map[string]any, []map[string]any:
		what = "table"
	}
	message := fmt.Sprintf("unknown %s %q", what, name)
	if table.name != "" {
		message += " in " + table.name
	}
	d.report(table.key(name).node.key, message, nearestHint(name, known))
}

// nearestHint suggests the known name that was probably meant.
func nearestHint(name string, known []string) string {
	for _, candidate := range known {
		if strings.EqualFold(candidate, name) {
			return fmt.Sprintf("did you mean %q?", candidate)
		}
	}
	if nearest, ok := diag.Nearest(name, known); ok {
		return fmt.Sprintf("did you mean %q?", nearest)
	}
	const fewEnoughToList = 8
	if len(known) == 0 || len(known) > fewEnoughToList {
		return ""
	}
	return "known here: " + strings.Join(known, ", ")
}
