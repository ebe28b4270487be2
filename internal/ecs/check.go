package ecs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Check says what in a JSON document is not as the schema has it: names, types,
// lists, and the values of event.kind, category, type and outcome. Names with one of
// the prefixes in own, and below it, are the producer's own and not looked at.
func Check(document []byte, own ...string) []error {
	fields, err := Fields()
	if err != nil {
		return []error{err}
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var root map[string]any
	if err := decoder.Decode(&root); err != nil {
		return []error{fmt.Errorf("decoding the document: %w", err)}
	}
	c := checker{fields: fields, own: own}
	c.object("", root)
	c.categorization(root)
	return c.found
}

type checker struct {
	fields map[string]Field
	own    []string
	found  []error
}

func (c *checker) complain(format string, args ...any) {
	c.found = append(c.found, fmt.Errorf(format, args...))
}

// isOwn says that a name is the producer's own.
func (c *checker) isOwn(name string) bool {
	return slices.ContainsFunc(c.own, func(prefix string) bool {
		return name == prefix || strings.HasPrefix(name, prefix+".")
	})
}

// object checks the members of an object under a path.
func (c *checker) object(path string, members map[string]any) {
	for key, value := range members {
		name := key
		if path != "" {
			name = path + "." + key
		}
		if c.isOwn(name) {
			continue
		}
		field, known := c.fields[name]
		if inner, ok := value.(map[string]any); ok && (!known || field.Type == "object") {
			c.object(name, inner)
			continue
		}
		if !known {
			c.complain("%s is no field of ECS", name)
			continue
		}
		c.value(field, value)
	}
}

// value checks one field's value.
func (c *checker) value(field Field, value any) {
	list, isList := value.([]any)
	if field.Array && !isList {
		c.complain("%s is to be a list and is %v", field.Name, value)
	}
	if !isList {
		list = []any{value}
	}
	for _, one := range list {
		if !fits(field.Type, one) {
			c.complain("%s is a %s and has the value %v", field.Name, field.Type, one)
		}
	}
}

// fits says whether a value that is no list has a type.
func fits(typ string, value any) bool {
	text, isText := value.(string)
	number, isNumber := value.(json.Number)
	switch typ {
	case "keyword", "wildcard", "constant_keyword", "match_only_text":
		return isText
	case "long":
		_, err := number.Int64()
		return isNumber && err == nil
	case "float", "scaled_float":
		return isNumber
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "date":
		_, err := time.Parse(time.RFC3339Nano, text)
		return isText && err == nil
	case "ip":
		_, err := netip.ParseAddr(text)
		return isText && err == nil
	case "object", "nested", "flattened":
		_, ok := value.(map[string]any)
		return ok
	default: // geo_point, which has several forms
		return true
	}
}

// categorization checks the values of the four fields that classify an event.
func (c *checker) categorization(root map[string]any) {
	event, _ := root["event"].(map[string]any)
	if kind, ok := event["kind"].(string); !ok || !slices.Contains(Kinds(), kind) {
		c.complain("event.kind is %v", event["kind"])
	}
	if outcome, ok := event["outcome"].(string); ok && !slices.Contains(Outcomes(), outcome) {
		c.complain("event.outcome is %v", outcome)
	}
	categories, types := texts(event["category"]), texts(event["type"])
	for _, category := range categories {
		if TypesOf(category) == nil {
			c.complain("event.category is %v", category)
		}
	}
	for _, typ := range types {
		if len(categories) > 0 && !slices.ContainsFunc(categories, func(category string) bool { return slices.Contains(TypesOf(category), typ) }) {
			c.complain("event.type %v does not go with event.category %v", typ, categories)
		}
	}
}

func texts(value any) []string {
	list, _ := value.([]any)
	var all []string
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}
