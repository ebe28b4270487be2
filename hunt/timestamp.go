package hunt

import (
	"math"
	"strconv"
	"time"
)

const (
	nanosPerSecond = int64(time.Second)
	nanosPerMilli  = int64(time.Millisecond)
	// Times that nanoseconds since the Unix epoch can tell, in the years 1677
	// to 2262, with a little room at both ends.
	maxSeconds = math.MaxInt64/nanosPerSecond - 1
	maxMillis  = math.MaxInt64/nanosPerMilli - 1
)

// parseTimestamp reads a timestamp that is a JSON string: a date and time of
// RFC 3339, or of the forms of ISO 8601 that are like it, or epoch
// milliseconds. A time without a zone is UTC. The result is in nanoseconds
// since the Unix epoch; further digits are cut off.
func parseTimestamp(text []byte) (nanos int64, ok bool) {
	if len(text) <= 4 || text[4] != '-' {
		return parseEpochMillis(text)
	}
	t := timeText{rest: text, ok: true}
	year := t.number(4)
	t.expect("-")
	month := t.number(2)
	t.expect("-")
	day := t.number(2)
	if !t.ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	seconds := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()
	if len(t.rest) > 0 {
		t.expect("Tt ")
		seconds += t.clock()
	}
	if !t.ok || len(t.rest) > 0 || seconds > maxSeconds || seconds < -maxSeconds {
		return 0, false
	}
	return seconds*nanosPerSecond + t.fraction, true
}

// timeText is the rest of a timestamp's text. Its ok turns false at what is no
// timestamp.
type timeText struct {
	rest     []byte
	fraction int64 // of a second, in nanoseconds
	ok       bool
}

// number reads a number of exactly so many digits.
func (t *timeText) number(digits int) int {
	if !t.ok || len(t.rest) < digits {
		t.ok = false
		return 0
	}
	n := 0
	for _, c := range t.rest[:digits] {
		if !isDigit(c) {
			t.ok = false
			return 0
		}
		n = n*10 + int(c-'0')
	}
	t.rest = t.rest[digits:]
	return n
}

// next says whether the next character is one of some.
func (t *timeText) next(characters string) bool {
	if len(t.rest) > 0 {
		for i := range len(characters) {
			if t.rest[0] == characters[i] {
				return true
			}
		}
	}
	return false
}

// skip goes over the next character if it is one of some.
func (t *timeText) skip(characters string) bool {
	found := t.next(characters)
	if found {
		t.rest = t.rest[1:]
	}
	return found
}

// expect is skip for what has to be there.
func (t *timeText) expect(characters string) {
	t.ok = t.skip(characters) && t.ok
}

// clock reads the time of day and the zone, in seconds to add to the day's
// start in UTC. The leap second is the first one of the next minute.
func (t *timeText) clock() int64 {
	hour := t.number(2)
	t.expect(":")
	minute, second := t.number(2), 0
	if t.skip(":") {
		second = t.number(2)
		if t.skip(".,") {
			t.readFraction()
		}
	}
	t.ok = t.ok && hour < 24 && minute < 60 && second <= 60
	return int64(hour*3600+minute*60+second) - t.zone()
}

func (t *timeText) readFraction() {
	t.ok = t.ok && t.next("0123456789")
	unit := nanosPerSecond
	for len(t.rest) > 0 && isDigit(t.rest[0]) {
		unit /= 10 // zero from the tenth digit on
		t.fraction += int64(t.rest[0]-'0') * unit
		t.rest = t.rest[1:]
	}
}

// zone reads the offset from UTC in seconds: Z, +01:00, +0100, +01 or nothing.
func (t *timeText) zone() int64 {
	if len(t.rest) == 0 || t.skip("Zz") {
		return 0
	}
	sign := int64(1)
	if t.next("-") {
		sign = -1
	}
	t.expect("+-")
	hours, minutes := t.number(2), 0
	if t.skip(":") || len(t.rest) > 0 {
		minutes = t.number(2)
	}
	t.ok = t.ok && hours < 24 && minutes < 60
	return sign * int64(hours*3600+minutes*60)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// parseEpochMillis reads milliseconds since the Unix epoch, which may have a
// fraction, as nanoseconds.
func parseEpochMillis(text []byte) (nanos int64, ok bool) {
	t := timeText{rest: text, ok: true}
	negative := t.skip("-")
	millis, digits := int64(0), 0
	for ; len(t.rest) > 0 && isDigit(t.rest[0]); digits++ {
		if millis > maxMillis {
			return 0, false
		}
		millis = millis*10 + int64(t.rest[0]-'0')
		t.rest = t.rest[1:]
	}
	if digits == 0 {
		return 0, false
	}
	if t.skip(".") {
		t.readFraction()
	}
	if t.next("eE") {
		return parseFloatMillis(text)
	}
	if !t.ok || len(t.rest) > 0 || millis > maxMillis {
		return 0, false
	}
	const fractionUnits = nanosPerSecond / nanosPerMilli // of a second in a fraction of a millisecond
	nanos = millis*nanosPerMilli + t.fraction/fractionUnits
	if negative {
		nanos = -nanos
	}
	return nanos, true
}

// parseFloatMillis reads epoch milliseconds that have an exponent.
func parseFloatMillis(text []byte) (nanos int64, ok bool) {
	millis, err := strconv.ParseFloat(view(text), 64)
	if err != nil || math.Abs(millis) > float64(maxMillis) {
		return 0, false
	}
	whole, fraction := math.Modf(millis)
	return int64(whole)*nanosPerMilli + int64(math.Round(fraction*float64(nanosPerMilli))), true
}
