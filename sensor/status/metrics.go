package status

import (
	"reflect"
	"strings"
	"time"

	"tripline/sensor/metrics"
)

// prefix begins the name of every metric.
const prefix = "tripline_"

// Metrics is the status as metrics, in the order of the fields.
func (s *Status) Metrics() []metrics.Family {
	c := collector{place: make(map[string]int)}
	c.structure(reflect.ValueOf(*s), nil)
	return c.families
}

// collector walks a status.
type collector struct {
	families []metrics.Family
	place    map[string]int // of a family, by its name
}

// structure collects the metrics of a structure, whose labels come on top of
// those of what it is part of.
func (c *collector) structure(of reflect.Value, labels []metrics.Label) {
	fields := reflect.VisibleFields(of.Type())
	for _, field := range fields {
		if name := field.Tag.Get("label"); name != "" {
			labels = append(labels[:len(labels):len(labels)], metrics.Label{Name: name, Value: of.FieldByIndex(field.Index).String()})
		}
	}
	for _, field := range fields {
		c.value(field, of.FieldByIndex(field.Index), labels)
	}
}

func (c *collector) value(field reflect.StructField, value reflect.Value, labels []metrics.Label) {
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return
		}
		value = value.Elem()
	}
	if name := field.Tag.Get("metric"); name != "" {
		c.sample(field, prefix+name, value, labels)
		return
	}
	switch {
	case value.Type() == reflect.TypeFor[time.Time]():
	case value.Kind() == reflect.Struct:
		c.structure(value, labels)
	case value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct:
		for i := range value.Len() {
			c.structure(value.Index(i), labels)
		}
	}
}

// sample adds one figure to its family. A time that is not known has none.
func (c *collector) sample(field reflect.StructField, name string, value reflect.Value, labels []metrics.Label) {
	var figure float64
	switch {
	case value.Type() == reflect.TypeFor[time.Time]():
		at, _ := value.Interface().(time.Time) // its type was asked
		if at.IsZero() {
			return
		}
		figure = float64(at.UnixMilli()) / 1000
	case value.Kind() == reflect.String:
		figure = 1
		labels = append(labels[:len(labels):len(labels)], metrics.Label{Name: jsonName(field), Value: value.String()})
	case value.Kind() == reflect.Bool:
		if value.Bool() {
			figure = 1
		}
	case value.CanInt():
		figure = float64(value.Int())
	case value.CanUint():
		figure = float64(value.Uint())
	case value.CanFloat():
		figure = value.Float()
	}
	at, known := c.place[name]
	if !known {
		at = len(c.families)
		c.place[name] = at
		c.families = append(c.families, metrics.Family{Name: name, Help: help(field), Type: typeOf(name)})
	}
	c.families[at].Samples = append(c.families[at].Samples, metrics.Sample{Labels: labels, Value: figure})
}

// typeOf is the type of a metric, which its name tells.
func typeOf(name string) metrics.Type {
	if strings.HasSuffix(name, "_total") {
		return metrics.Counter
	}
	return metrics.Gauge
}

// help is a field's description as a sentence.
func help(field reflect.StructField) string {
	text := field.Tag.Get("doc")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// jsonName is a field's name in the document, empty where it is not there.
func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "-" {
		return ""
	}
	return name
}
