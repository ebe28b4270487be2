package metrics

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// ContentType is the format's name in HTTP.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Type says how a metric may change.
type Type string

// The types. A counter only grows, but for a new start of the sensor or of what
// is counted.
const (
	Counter Type = "counter"
	Gauge   Type = "gauge"
)

// Family is a metric with all its samples.
type Family struct {
	// Name has letters, digits and underscores, and begins with no digit.
	Name string
	Help string
	Type Type
	// Samples have different labels each. Of several with the same labels the first
	// is written.
	Samples []Sample
}

// Sample is one figure.
type Sample struct {
	Labels []Label
	Value  float64
}

// Label tells samples of one family apart.
type Label struct {
	// Name is as that of a family.
	Name string
	// Value is any text; bytes that are no UTF-8 are written as U+FFFD.
	Value string
}

// Write writes families in their order. Those without samples are left out. The
// error is that of the writer.
func Write(to io.Writer, families []Family) error {
	var text []byte
	for i := range families {
		text = appendFamily(text, &families[i])
	}
	if _, err := to.Write(text); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

func appendFamily(dst []byte, family *Family) []byte {
	if len(family.Samples) == 0 {
		return dst
	}
	dst = append(dst, "# HELP "+family.Name+" "+escapeHelp(family.Help)+"\n"...)
	dst = append(dst, "# TYPE "+family.Name+" "+string(family.Type)+"\n"...)
	written := make(map[string]bool, len(family.Samples))
	for _, one := range family.Samples {
		series := family.Name + labels(one.Labels)
		if written[series] {
			continue
		}
		written[series] = true
		dst = append(append(dst, series...), ' ')
		dst = append(strconv.AppendFloat(dst, one.Value, 'g', -1, 64), '\n')
	}
	return dst
}

func labels(all []Label) string {
	if len(all) == 0 {
		return ""
	}
	pairs := make([]string, len(all))
	for i, one := range all {
		pairs[i] = one.Name + `="` + escapeLabel(one.Value) + `"`
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// escapeHelp escapes what ends a line of help.
func escapeHelp(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "\uFFFD"))
}

// escapeLabel escapes what ends a label's value.
func escapeLabel(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(strings.ToValidUTF8(text, "\uFFFD"))
}
