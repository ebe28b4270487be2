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

// scalarOrder orders a value by a constant: before, at or behind it; false if the
// two have no order.
type scalarOrder func(Value) (sign int, ok bool)

// test makes the test whether a value stands in a relation to the constant.
func (o scalarOrder) test(operator eql.ComparisonOperator) scalarTest {
	return func(value Value) bool {
		sign, ok := o(value)
		return ok && operatorHolds(operator, sign)
	}
}

// dateOrder orders the values of a field of unknown type by a constant that may be a
// date; false for any other constant. As Elasticsearch does where no mapping says
// what a field is, it takes text that looks like a date for one.
func dateOrder(constant Value) (scalarOrder, bool) {
	text := constant.Text()
	if moment, ok := epochMoment(text); ok {
		return whereDate(millisecondAt(moment), constant), true
	}
	if constant.kind == KindInt {
		return whereDate(millisecondOf(constant.Int()), constant), true
	}
	d, ok := parseDate(text)
	if !ok || !looksLikeDate(text) {
		return nil, false
	}
	return func(value Value) (int, bool) {
		if sign, ok := d.compareUnknown(value); ok {
			return sign, true
		}
		return compareScalars(value, constant)
	}, true
}

// millisecondOf is the date of epoch milliseconds. A moment that nanoseconds cannot
// express is beyond every date.
func millisecondOf(number int64) date {
	const perMillisecond = int64(time.Millisecond)
	const farthest = math.MaxInt64/perMillisecond - 1
	return millisecondAt(min(max(number, -farthest), farthest) * perMillisecond)
}

// whereDate orders text that looks like a date by a date, and every other value by
// the constant that stands for it.
func whereDate(d date, constant Value) scalarOrder {
	return func(value Value) (int, bool) {
		if value.kind == KindString && looksLikeDate(value.Text()) {
			return d.compare(value)
		}
		return compareScalars(value, constant)
	}
}

// looksLikeDate reports whether a text starts like 2024-01-31.
func looksLikeDate(text string) bool {
	return len(text) >= len("2006-01-02") && text[4] == '-' && text[7] == '-' && '0' <= text[0] && text[0] <= '9'
}

// unknownOrder is the order for the comparison of a field of unknown type with a
// constant that may be a date; false for any other comparison.
func (c *compiler) unknownOrder(field eql.Expression, other operand) (scalarOrder, bool) {
	if !c.isUnknown(field) || !other.isConstant() {
		return nil, false
	}
	return dateOrder(other.evaluate(nil))
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
