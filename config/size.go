package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"tripline/internal/diag"
)

// Size is a number of bytes, written as "16MiB".
type Size int64

// The units of a Size.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

// sizeUnit returns the unit with the given name, and false for other names.
func sizeUnit(name string) (Size, bool) {
	switch name {
	case "", "B":
		return 1, true
	case "KiB":
		return KiB, true
	case "MiB":
		return MiB, true
	case "GiB":
		return GiB, true
	}
	return 0, false
}

// UnmarshalText reads a whole number with a unit: B, KiB, MiB or GiB. Without
// a unit it is bytes.
func (s *Size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "BKMGTPkmgtpib ")
	unit, ok := sizeUnit(strings.TrimSpace(strings.TrimPrefix(string(text), digits)))
	n, err := strconv.ParseInt(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) || (err == nil && ok && n > math.MaxInt64/int64(unit)) {
		return &diag.Error{Message: "is larger than can be counted: " + strconv.Quote(string(text))}
	}
	if err != nil || !ok || n < 0 {
		return &diag.Error{
			Message: "must be a size, not " + strconv.Quote(string(text)),
			Hint:    `write a whole number and B, KiB, MiB or GiB, such as "16MiB"`,
		}
	}
	*s = Size(n) * unit
	return nil
}

// MarshalText writes the form that UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String gives the size in the largest unit in which it is a whole number.
func (s Size) String() string {
	for _, name := range []string{"GiB", "MiB", "KiB"} {
		if unit, _ := sizeUnit(name); s != 0 && s%unit == 0 {
			return strconv.FormatInt(int64(s/unit), 10) + name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}
