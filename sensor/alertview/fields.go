package alertview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"tripline/sensor/alert"
)

// fields is an object of a JSON document. Numbers keep every digit.
type fields map[string]any

// parseFields reads one JSON object.
func parseFields(document []byte) (fields, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var all fields
	if err := decoder.Decode(&all); err != nil {
		return nil, fmt.Errorf("reading an alert: %w", err)
	}
	return all, nil
}

// get finds a value by its path, nil where it is missing.
func (f fields) get(path ...string) any {
	var value any = map[string]any(f)
	for _, name := range path {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[name]
	}
	return value
}

// text is a scalar as text, empty where it is missing or no scalar.
func (f fields) text(path ...string) string { return scalar(f.get(path...)) }

// prose is a text that a person wrote in several lines, as the document has it.
func (f fields) prose(path ...string) string {
	text, ok := f.get(path...).(string)
	if !ok {
		return ""
	}
	return text
}

// object is an inner object, nil where it is missing.
func (f fields) object(path ...string) fields {
	inner, ok := f.get(path...).(map[string]any)
	if !ok {
		return nil
	}
	return inner
}

// list is an array, nil where it is missing.
func (f fields) list(path ...string) []any {
	all, ok := f.get(path...).([]any)
	if !ok {
		return nil
	}
	return all
}

// objects are the objects in an array.
func (f fields) objects(path ...string) []fields {
	var all []fields
	for _, one := range f.list(path...) {
		if inner, ok := one.(map[string]any); ok {
			all = append(all, inner)
		}
	}
	return all
}

// texts are the scalars of an array, or the one scalar that takes its place.
func (f fields) texts(path ...string) []string {
	value := f.get(path...)
	all, ok := value.([]any)
	if !ok {
		all = []any{value}
	}
	var texts []string
	for _, one := range all {
		if text := scalar(one); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// time is a point in time, the zero time where it is missing.
func (f fields) time(path ...string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, f.text(path...))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// names are the keys in order.
func (f fields) names() []string { return slices.Sorted(maps.Keys(f)) }

// scalar is a string, number or boolean as text, on one line and without a
// character that does not print: no text can act on a terminal or turn the
// direction of writing on a page.
func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return alert.Escape(value)
	case json.Number:
		return value.String()
	case bool:
		if value {
			return "yes"
		}
		return "no"
	}
	return ""
}

// timeFormat is how points in time are shown; they are in UTC.
const timeFormat = "2006-01-02 15:04:05.000"

// readable is a scalar for a person: points in time lose the form of machines.
func readable(value any) string {
	text := scalar(value)
	const shortest = len("2006-01-02T15:04:05Z")
	if len(text) >= shortest && text[10] == 'T' {
		if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
			return at.UTC().Format(timeFormat) + " UTC"
		}
	}
	return text
}

// named is "name (id)" of an object with these keys, or the one that it has.
func named(user fields) string {
	name, id := user.text("name"), user.text("id")
	switch {
	case name == "":
		return id
	case id == "":
		return name
	}
	return name + " (" + id + ")"
}

// endpoint is an address with its port, where it has one.
func endpoint(address, port string) string {
	switch {
	case address == "" && port == "":
		return ""
	case address == "":
		return "*:" + port
	case port == "" || port == "0":
		return address
	}
	return net.JoinHostPort(address, port)
}

// words are a key's words, as safe to show as what scalar gives.
func words(key string) string {
	return alert.Escape(strings.NewReplacer("_", " ", ".", " ").Replace(key))
}
