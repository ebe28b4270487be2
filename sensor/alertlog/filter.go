package alertlog

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"tripline/detect"
)

// Filter says which alerts are wanted. The zero value wants all.
type Filter struct {
	// Since and Until bound the alert's @timestamp; Since is inclusive. Zero is
	// no bound.
	Since, Until time.Time
	// Rule is a rule_id, or a part of a rule's name in any case.
	Rule string
	// Severities are the severities that are wanted, nil for any.
	Severities []string
	// Host is a host's name or id, with * for any text.
	Host string
	// ID is the beginning of the alert's id.
	ID string
	// Where is an EQL condition on the alert document.
	Where string
}

// wants says whether an alert passes all but Where. Evidence goes with its alert.
func (f *Filter) wants(a *Alert) bool {
	switch {
	case a.Evidence:
		return strings.HasPrefix(a.ID, f.ID)
	case !f.Since.IsZero() && a.Time.Before(f.Since), !f.Until.IsZero() && !a.Time.Before(f.Until):
		return false
	case f.ID != "" && !strings.HasPrefix(a.ID, f.ID):
		return false
	case f.Rule != "" && a.RuleID != f.Rule && !strings.Contains(strings.ToLower(a.RuleName), strings.ToLower(f.Rule)):
		return false
	case f.Severities != nil && !slices.Contains(f.Severities, a.Severity):
		return false
	}
	return f.Host == "" || matchesHost(f.Host, a.Host) || matchesHost(f.Host, a.HostID)
}

func matchesHost(pattern, name string) bool {
	matched, err := path.Match(pattern, name)
	return err == nil && matched
}

// ParseSeverities reads a list such as "medium,high"; "medium+" is medium and
// all that is worse. The empty text is any.
func ParseSeverities(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	known := detect.Severities()
	var wanted []string
	for one := range strings.SplitSeq(text, ",") {
		name, above := strings.CutSuffix(strings.ToLower(strings.TrimSpace(one)), "+")
		at := slices.Index(known, name)
		switch {
		case at < 0:
			return nil, fmt.Errorf("%q is no severity; these are: %s, and with + all that is worse", one, strings.Join(known, ", "))
		case above:
			wanted = append(wanted, known[at:]...)
		default:
			wanted = append(wanted, name)
		}
	}
	return wanted, nil
}

// ParseTime reads a point in time: a span before now such as "90m", "24h", "7d"
// or "2w", RFC 3339, or "2006-01-02" and "2006-01-02 15:04" in UTC.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if span, err := time.ParseDuration(text); err == nil && span >= 0 {
		return now.Add(-span), nil
	}
	if len(text) > 1 {
		days := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
		const longest = 100 * 366 // days, far from overflow
		if n, err := strconv.ParseUint(text[:len(text)-1], 10, 32); err == nil && days > 0 && n <= longest/7 {
			return now.Add(-time.Duration(n) * days), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no point in time; write a span before now such as 24h or 7d, or 2026-11-25T08:00:00Z, or a day such as 2026-11-25", text)
}
