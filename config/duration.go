package config

import (
	"strconv"
	"strings"
	"time"

	"tripline/internal/diag"
)

// Duration is a span of time, written as "500ms" or "1m30s".
type Duration time.Duration

// UnmarshalText reads the units of time.ParseDuration: ns, us, ms, s, m and h.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return &diag.Error{
			Message: "must be a span of time, not " + strconv.Quote(string(text)),
			Hint:    `write a number and ms, s, m or h, such as "500ms"`,
		}
	}
	*d = Duration(parsed)
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives the span as "1m30s", without the units at the end that are 0.
func (d Duration) String() string {
	text := time.Duration(d).String()
	for _, unit := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, unit) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// Std is the span as the standard library has it.
func (d Duration) Std() time.Duration { return time.Duration(d) }
