package detect

import (
	"cmp"
	"time"

	"tripline/detect/eql"
)

// date is a moment as a query writes it, which stands for all of the time that
// the text leaves open: "2024-01" is the whole month.
type date struct {
	// first and last are in nanoseconds since the Unix epoch.
	first, last int64
}

// dateLayouts are the forms of dates from the coarsest to the finest, each
// with or without a zone behind it if it has a time of day.
func dateLayouts() []string {
	return []string{
		"2006", "2006-01", "2006-01-02", "2006-01-02T15", "2006-01-02T15:04", "2006-01-02T15:04:05",
		"2006-01-02T15Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z07:00",
	}
}

// parseDate reads a date and, as Elasticsearch does, takes a missing zone for
// UTC. A fraction of a second may have any number of digits.
func parseDate(text string) (date, bool) {
	for _, layout := range dateLayouts() {
		moment, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		first := moment
		last := endOf(layout, moment)
		if first.Year() < 1678 || last.Year() > 2261 {
			return date{}, false // what nanoseconds in 64 bits cannot express
		}
		d := date{first: first.UnixNano(), last: last.UnixNano()}
		if moment.Nanosecond() != 0 {
			d.last = milliseconds(d.first)*int64(time.Millisecond) + int64(time.Millisecond) - 1
			d.first = milliseconds(d.first) * int64(time.Millisecond)
		}
		return d, true
	}
	return date{}, false
}

// endOf returns the last nanosecond of what a text of a layout stands for.
func endOf(layout string, moment time.Time) time.Time {
	switch len(layout) {
	case len("2006"):
		moment = moment.AddDate(1, 0, 0)
	case len("2006-01"):
		moment = moment.AddDate(0, 1, 0)
	case len("2006-01-02"):
		moment = moment.AddDate(0, 0, 1)
	case len("2006-01-02T15"), len("2006-01-02T15Z07:00"):
		moment = moment.Add(time.Hour)
	case len("2006-01-02T15:04"), len("2006-01-02T15:04Z07:00"):
		moment = moment.Add(time.Minute)
	default: // seconds, which stand for their first millisecond
		moment = moment.Add(time.Millisecond)
	}
	return moment.Add(-1)
}

// compare orders the value of a date field: before, within or after the date;
// false if the value is no date.
func (d date) compare(value Value) (int, bool) {
	var moment int64
	switch value.kind {
	case KindInt:
		moment = value.Int()
	case KindString:
		parsed, err := time.Parse(time.RFC3339Nano, value.text)
		if err != nil {
			other, ok := parseDate(value.text)
			if !ok {
				return 0, false
			}
			moment = other.first
			break
		}
		if year := parsed.Year(); year < 1678 || year > 2261 {
			return cmp.Compare(year, 2000), true
		}
		moment = parsed.UnixNano()
	default:
		return 0, false
	}
	switch {
	case moment < d.first:
		return -1, true
	case moment > d.last:
		return 1, true
	}
	return 0, true
}

// isDate reports whether an expression is a field that holds a date.
func (c *compiler) isDate(expression eql.Expression) bool {
	field, ok := expression.(*eql.Field)
	if !ok {
		return false
	}
	known, ok := c.schema.Field(field.Name)
	return ok && known.Type == TypeDate
}

// dateOf reads a constant that a date field is compared with.
func (c *compiler) dateOf(expression eql.Expression, value Value) (date, error) {
	if d, ok := parseDate(value.text); ok && value.kind == KindString {
		return d, nil
	}
	return date{}, c.query.ErrorAt(expression.Position(), `write a date such as "2024-01-31" or "2024-01-31T10:00:00Z"`,
		"%s is no date", eql.PrintExpression(expression))
}

// dateTest makes the test whether the value of a date field stands in a
// relation to a date.
func dateTest(operator eql.ComparisonOperator, d date) scalarTest {
	return func(value Value) bool {
		sign, ok := d.compare(value)
		return ok && operatorHolds(operator, sign)
	}
}
