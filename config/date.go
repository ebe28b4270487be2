package config

import (
	"time"

	"tripline/internal/diag"
)

// Date is a calendar day, written as "2026-12-31". The zero value is no day.
type Date struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Date) UnmarshalText(text []byte) error {
	day, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return &diag.Error{Message: "must be a day, not \"" + string(text) + "\"", Hint: `write it as "2026-12-31"`}
	}
	d.Time = day
	return nil
}

// Over says whether the day is over everywhere at the given moment; no day never
// is. Days end at midnight UTC.
func (d Date) Over(now time.Time) bool {
	return !d.IsZero() && !now.Before(d.AddDate(0, 0, 1))
}
