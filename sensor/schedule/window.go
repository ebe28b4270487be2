package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tripline/detect"
	"tripline/sensor/throttle"
)

// defaultFrom is how far back Elastic's detection engine looks where a rule does
// not say.
const defaultFrom = 6 * time.Minute

// window says at which times a rule runs, and at what it looks.
type window struct {
	interval time.Duration
	// from and to are how long before a run what it looks at begins and ends.
	from, to time.Duration
}

// windowOf reads the times of a rule: interval = "5m", from = "now-9m".
func windowOf(rule *detect.Rule) (window, error) {
	w := window{interval: throttle.Interval(rule), from: defaultFrom}
	var err error
	if rule.From != "" {
		if w.from, err = before(rule.From); err != nil {
			return w, fmt.Errorf("%s: rule.from: %w", rule.File, err)
		}
	}
	if w.to, err = before(rule.To); err != nil {
		return w, fmt.Errorf("%s: rule.to: %w", rule.File, err)
	}
	if w.from <= w.to {
		return w, fmt.Errorf("%s: rule.from is not before rule.to: no event can be found", rule.File)
	}
	return w, nil
}

// before reads "now-9m" as nine minutes; "now" and the empty text are none.
func before(text string) (time.Duration, error) {
	rest, ok := strings.CutPrefix(text, "now")
	if text == "" || ok && rest == "" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(rest, "-")
	if ok && len(digits) > 1 {
		unit := map[byte]time.Duration{
			's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
		}[digits[len(digits)-1]]
		const longest = 366 * 24 * time.Hour
		if n, err := strconv.ParseUint(digits[:len(digits)-1], 10, 31); err == nil && unit > 0 && time.Duration(n) <= longest/unit {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q is no time before now; write it as now-9m, with s, m, h, d or w", text)
}

// run is the run that finds a match whose events are from first to last, in
// nanoseconds since the Unix epoch, and false where no run sees both.
func (w window) run(first, last int64) (number int64, found bool) {
	interval := int64(w.interval)
	number = floor(last+int64(w.to), interval) + 1
	return number, first >= number*interval-int64(w.from)
}

func floor(a, b int64) int64 {
	quotient := a / b
	if a%b < 0 {
		quotient--
	}
	return quotient
}
