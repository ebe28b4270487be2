package schema

import (
	"reflect"
	"strings"
	"time"

	"tripline/sensor/evidence"
)

// evidencePrefix is where evidence is in its document.
const evidencePrefix = "tripline.alert.evidence"

// evidenceFields are those of evidence, from the types that it is made of.
func evidenceFields() map[string]string {
	all := make(map[string]string)
	addStruct(all, evidencePrefix, reflect.TypeFor[evidence.Evidence]())
	return all
}

// addStruct adds the fields that encoding/json makes of a struct.
func addStruct(all map[string]string, prefix string, of reflect.Type) {
	for i := range of.NumField() {
		one := of.Field(i)
		name, _, _ := strings.Cut(one.Tag.Get("json"), ",")
		switch {
		case name == "-" || !one.IsExported() && !one.Anonymous:
		case one.Anonymous && name == "":
			addStruct(all, prefix, one.Type)
		default:
			addType(all, prefix+"."+name, one.Type)
		}
	}
}

func addType(all map[string]string, name string, of reflect.Type) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		addType(all, name, of.Elem())
	case reflect.Struct:
		if of == reflect.TypeFor[time.Time]() {
			all[name] = "date"
			return
		}
		addStruct(all, name, of)
	case reflect.Bool:
		all[name] = "boolean"
	case reflect.String:
		all[name] = textType(name)
	default:
		all[name] = "long" // there are no fractions in evidence
	}
}

// textType is the type of a text, which its name tells.
func textType(name string) string {
	switch {
	case strings.HasSuffix(name, "_ip"):
		return "ip"
	case strings.HasSuffix(name, ".command_line"):
		return "wildcard"
	case strings.HasSuffix(name, ".failed"), strings.HasSuffix(name, ".text"):
		return "match_only_text"
	default:
		return "keyword"
	}
}
