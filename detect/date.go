package detect

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"tripline/detect/eql"
)

// date is a moment as a query writes it, which stands for all of the time of day
// that the text leaves open: "2024-01-31" is the whole day, "2024-01-31T10:00:00Z"
// the whole second. A month or day that is left open is the first: "2024-01" is the
// first of January. So Elasticsearch completes dates in its range queries.
type date struct {
	// first and last are in nanoseconds since the Unix epoch.
	first, last int64
}

// The years that nanoseconds in 64 bits can express from end to end.
const (
	firstYear = 1678
	lastYear  = 2261
)

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
		last := endOf(layout, moment)
		if moment.Year() < firstYear || last.Year() > lastYear {
			return date{}, false
		}
		if strings.ContainsAny(text, ".,") { // a fraction leaves nothing open but what is below a millisecond
			return millisecondAt(milliseconds(moment.UnixNano()) * int64(time.Millisecond)), true
		}
		return date{first: moment.UnixNano(), last: last.UnixNano()}, true
	}
	return date{}, false
}

// endOf returns the last nanosecond of what a text of a layout stands for.
func endOf(layout string, moment time.Time) time.Time {
	switch len(layout) {
	case len("2006"), len("2006-01"), len("2006-01-02"):
		moment = moment.AddDate(0, 0, 1)
	case len("2006-01-02T15"), len("2006-01-02T15Z07:00"):
		moment = moment.Add(time.Hour)
	case len("2006-01-02T15:04"), len("2006-01-02T15:04Z07:00"):
		moment = moment.Add(time.Minute)
	default:
		moment = moment.Add(time.Second)
	}
	return moment.Add(-1)
}

// compare orders the value of a date field: before, within or after the date;
// false if the value is no date.
func (d date) compare(value Value) (int, bool) {
	switch value.kind {
	case KindInt:
		return d.compareMoment(value.Int()), true
	case KindString:
		parsed, err := time.Parse(time.RFC3339Nano, value.Text())
		if err != nil {
			other, ok := parseDate(value.Text())
			return d.compareMoment(other.first), ok
		}
		if year := parsed.Year(); year < firstYear || year > lastYear {
			return cmp.Compare(year, firstYear), true
		}
		return d.compareMoment(parsed.UnixNano()), true
	default:
		return 0, false
	}
}

// compareMoment orders a moment, in nanoseconds since the Unix epoch.
func (d date) compareMoment(moment int64) int {
	switch {
	case moment < d.first:
		return -1
	case moment > d.last:
		return 1
	default:
		return 0
	}
}

// compareUnknown orders the value of a field of unknown type: text that looks
// like a date, or epoch milliseconds; false for any other value.
func (d date) compareUnknown(value Value) (int, bool) {
	switch {
	case value.kind == KindInt:
		const perMillisecond = int64(time.Millisecond)
		if n := value.Int(); n > math.MinInt64/perMillisecond && n < math.MaxInt64/perMillisecond {
			return d.compareMoment(n * perMillisecond), true
		}
		return cmp.Compare(value.Int(), 0), true
	case value.kind == KindString && looksLikeDate(value.Text()):
		return d.compare(value)
	case value.kind == KindString:
		if moment, ok := epochMoment(value.Text()); ok {
			return d.compareMoment(moment), true
		}
	}
	return 0, false
}

// epochMoment reads epoch milliseconds that are written as a string of digits,
// in nanoseconds. Four digits and fewer are a year.
func epochMoment(text string) (int64, bool) {
	if len(text) <= len("2006") || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n >= math.MaxInt64/int64(time.Millisecond) {
		return 0, false
	}
	return n * int64(time.Millisecond), true
}

// millisecondAt is the date that epoch milliseconds stand for.
func millisecondAt(moment int64) date {
	return date{first: moment, last: moment + int64(time.Millisecond) - 1}
}

// unknownNumberTest makes the test of a field of unknown type against a whole
// number: epoch milliseconds where the field's text looks like a date. A moment
// that nanoseconds cannot express is beyond every date.
func unknownNumberTest(operator eql.ComparisonOperator, number Value) scalarTest {
	const perMillisecond = int64(time.Millisecond)
	const farthest = math.MaxInt64/perMillisecond - 1
	n := min(max(number.Int(), -farthest), farthest)
	return whereDate(operator, millisecondAt(n*perMillisecond), compareWith(operator, number))
}

// whereDate compares text that looks like a date with a date, and leaves every
// other value to a plain test.
func whereDate(operator eql.ComparisonOperator, d date, plain scalarTest) scalarTest {
	return func(value Value) bool {
		if value.kind == KindString && looksLikeDate(value.Text()) {
			sign, ok := d.compare(value)
			return ok && operatorHolds(operator, sign)
		}
		return plain(value)
	}
}

// looksLikeDate reports whether a text starts like 2024-01-31.
func looksLikeDate(text string) bool {
	return len(text) >= len("2006-01-02") && text[4] == '-' && text[7] == '-' && '0' <= text[0] && text[0] <= '9'
}

// unknownTest makes the test of a field of unknown type, whose values may be
// dates, as Elasticsearch takes text that looks like one for a date where no
// mapping says what a field is.
func unknownTest(operator eql.ComparisonOperator, text string) scalarTest {
	plain := compareWith(operator, String(text))
	if moment, ok := epochMoment(text); ok {
		return whereDate(operator, millisecondAt(moment), plain)
	}
	d, ok := parseDate(text)
	if !ok || !looksLikeDate(text) {
		return plain
	}
	return func(value Value) bool {
		if sign, ok := d.compareUnknown(value); ok {
			return operatorHolds(operator, sign)
		}
		return plain(value)
	}
}

// isUnknown reports whether an expression is a field whose type is not known.
func (c *compiler) isUnknown(expression eql.Expression) bool {
	field, ok := expression.(*eql.Field)
	if !ok {
		return false
	}
	known, ok := c.schema.Field(field.Name)
	return ok && known.Type == TypeUnknown
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
	if d, ok := parseDate(value.Text()); ok && value.kind == KindString {
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
