package normalize

import (
	"encoding/binary"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"tripline/detect"
)

// AppendJSON appends the event as one JSON document with nested objects, without
// a line ending, and returns the extended slice. The order of the fields is always
// the same. Bytes that are no UTF-8 are shown as U+FFFD each. host gives the
// fields host.* and agent.id, in place of Options.Host when it is not nil. Who
// writes many events uses an Encoder.
func (e *Event) AppendJSON(dst []byte, host *HostFacts) []byte {
	if host != nil {
		defer func(before *HostFacts) { e.host = before }(e.host)
		e.host = host
	}
	start := len(dst)
	w := documentWriter{event: e, family: e.family()}
	for i := range documentLayout.members {
		dst = w.member(dst, &documentLayout.members[i], (*Event).appendAncestors)
	}
	return w.end(dst, start)
}

// documentWriter writes fields, in the order of the layout, into nested objects.
type documentWriter struct {
	event  *Event
	family *Family
	// open is the number of the object that is being written.
	open  int
	shown int // how many of the event's data pairs have been written
	// told says that there are no more data pairs to be written.
	told bool
	// members, if set, gets where each member of the document itself begins.
	members *[]int
}

// mark notes that a member of the document itself begins at a comma.
func (w *documentWriter) mark(comma int) {
	if w.members != nil {
		*w.members = append(*w.members, comma)
	}
}

// member writes a field, if the event has it.
func (w *documentWriter) member(dst []byte, one *member, ancestors func(*Event, []byte) []byte) []byte {
	if one.field.kin && w.family == nil {
		return dst
	}
	if one.field.list != "" {
		if len(w.family.Ancestors) > 0 {
			dst = ancestors(w.event, w.begin(dst, one))
		}
		return dst
	}
	value := w.event.Value(one.id)
	if value.Kind() == detect.KindMissing {
		return dst
	}
	return appendField(w.begin(dst, one), one.field, value)
}

// begin writes the data pairs that come before a member, opens its object, and
// writes its name.
func (w *documentWriter) begin(dst []byte, one *member) []byte {
	if !w.told && (one.afterData || one.dataKey != "") {
		dst = w.pairs(dst, one)
	}
	if w.open == one.object {
		if w.open == 0 {
			w.mark(len(dst))
		}
		return append(dst, one.key...)
	}
	return append(w.enter(dst, one.object), one.key[1:]...)
}

// pairs writes the pairs of auditd.data that come before a field, or before the end
// where it is nil.
func (w *documentWriter) pairs(dst []byte, before *member) []byte {
	pairs := w.event.data()
	inside := before != nil && !before.afterData
	w.told = !inside
	for w.shown < len(pairs) && (!inside || text(pairs[w.shown].key) < before.dataKey) {
		one := pairs[w.shown]
		if w.open == documentLayout.data {
			dst = append(dst, ',')
		} else {
			dst = w.enter(dst, documentLayout.data)
		}
		dst = append(append(append(dst, '"'), one.key...), '"', ':') // see plainKey
		dst = appendString(dst, text(one.value))
		w.shown++
	}
	return dst
}

// closing closes as many objects as may be open, and goes on behind them.
const closing = "}}}}}}}}}}}},"

// enter closes objects and opens others until the one with the number is open.
func (w *documentWriter) enter(dst []byte, number int) []byte {
	common := int(documentLayout.common[w.open][number])
	dst = append(dst, closing[len(closing)-1-documentLayout.objects[w.open].depth+common:]...)
	if common == 0 {
		w.mark(len(dst) - 1)
	}
	opened := &documentLayout.objects[number]
	w.open = number
	return append(dst, opened.opens[opened.from[common]:]...)
}

// end writes the pairs that are left and closes the document, which began at start
// with the comma of its first member.
func (w *documentWriter) end(dst []byte, start int) []byte {
	if !w.told {
		dst = w.pairs(dst, nil)
	}
	if len(dst) == start {
		return append(dst, "{}"...)
	}
	dst[start] = '{'
	return append(w.leave(dst, 0), '}')
}

// leave closes what is open inside of the object with the number.
func (w *documentWriter) leave(dst []byte, number int) []byte {
	inside := documentLayout.objects[w.open].depth - documentLayout.objects[number].depth
	w.open = number
	return append(dst, closing[len(closing)-1-inside:len(closing)-1]...)
}

// text writes members of an object as text, with a comma before each.
func (w *documentWriter) text(dst []byte, object int, members []byte) []byte {
	switch {
	case len(members) == 0:
		return dst
	case w.open == object:
		return append(dst, members...)
	}
	return append(w.enter(dst, object), members[1:]...)
}

// appendField appends a field's value, as an array where ECS wants one.
func appendField(dst []byte, one *field, value detect.Value) []byte {
	switch {
	case value.Kind() == detect.KindList:
		return appendList(dst, one, value)
	case one.array:
		return append(appendScalar(append(dst, '['), one, value), ']')
	default:
		return appendScalar(dst, one, value)
	}
}

// appendList appends the value of a field that has several.
func appendList(dst []byte, one *field, value detect.Value) []byte {
	dst = append(dst, '[')
	for i, element := range value.Elements() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendScalar(dst, one, element)
	}
	return append(dst, ']')
}

// appendScalar appends a value that is no list.
func appendScalar(dst []byte, one *field, value detect.Value) []byte {
	switch value.Kind() {
	case detect.KindString:
		if one.only != nil { // none of which needs an escape
			return append(append(append(dst, '"'), value.Text()...), '"')
		}
		return appendString(dst, value.Text())
	case detect.KindBool:
		return strconv.AppendBool(dst, value.Bool())
	case detect.KindInt:
		if one.typ == detect.TypeDate {
			return appendTime(dst, value.Int())
		}
		return strconv.AppendInt(dst, value.Int(), 10)
	default:
		return append(dst, "null"...)
	}
}

// appendTime appends nanoseconds since the Unix epoch as RFC 3339 in UTC, with
// milliseconds.
func appendTime(dst []byte, nanos int64) []byte {
	const perMilli, perDay = int64(time.Millisecond), int64(24 * time.Hour)
	if nanos < 0 {
		dst = time.Unix(0, nanos).UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000Z")
		return append(dst, '"')
	}
	day, rest := nanos/perDay, nanos%perDay/perMilli
	year, month, dayOfMonth := civil(day)
	dst = appendDigits(append(dst, '"'), year, 4)
	dst = appendDigits(append(dst, '-'), month, 2)
	dst = appendDigits(append(dst, '-'), dayOfMonth, 2)
	dst = appendDigits(append(dst, 'T'), rest/3_600_000, 2)
	dst = appendDigits(append(dst, ':'), rest/60_000%60, 2)
	dst = appendDigits(append(dst, ':'), rest/1000%60, 2)
	dst = appendDigits(append(dst, '.'), rest%1000, 3)
	return append(dst, 'Z', '"')
}

// appendDigits appends a number with leading zeros.
func appendDigits(dst []byte, n int64, digits int) []byte {
	dst = append(dst, "0000"[:digits]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// civil is the date of a day since the Unix epoch, in the Gregorian calendar. It
// counts from 1 March of the year 0, so that a leap day is the last of its year:
// 146097 days are 400 years.
func civil(day int64) (year, month, dayOfMonth int64) {
	day += 719468 // from 0000-03-01 to 1970-01-01
	era, day := day/146097, day%146097
	yearOfEra := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*yearOfEra + yearOfEra/4 - yearOfEra/100
	fromMarch := (5*day + 2) / 153
	dayOfMonth = day - (153*fromMarch+2)/5 + 1
	year, month = era*400+yearOfEra, fromMarch+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, dayOfMonth
}

// appendString appends a text as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if at := plainPrefix(s); at < len(s) {
		return append(appendEscaped(append(dst, s[:at]...), s[at:]), '"')
	}
	return append(append(dst, s...), '"')
}

// plainPrefix counts the bytes at the beginning of a text that a JSON string has as
// they are, and may stop early.
func plainPrefix(s string) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(b); i += 8 {
		// The high bit of a byte is set where one of these holds, and maybe where one
		// holds in a byte before it: below 0x20, a quote, a backslash, above 0x7e.
		eight := binary.LittleEndian.Uint64(b[i:])
		quote, backslash := eight^('"'*ones), eight^('\\'*ones)
		if ((eight-' '*ones)|(quote-ones)&^quote|(backslash-ones)&^backslash|eight|(eight+ones))&highs != 0 {
			break
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			break
		}
	}
	return i
}

// appendEscaped appends a text as it is between the quotes of a JSON string.
func appendEscaped(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < 0x7f {
			i++
			continue
		}
		size := 1
		if b >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[done:i]...)
		switch {
		case b >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
		}
		i += size
		done = i
	}
	return append(dst, s[done:]...)
}
