package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// row is a line of the table with what was measured.
type row struct {
	What   string `json:"what"`
	Beside string `json:"beside,omitempty"`
	Unit   string `json:"unit"`
	// Least or Most is the aim; neither says that there is none.
	Least *float64 `json:"least,omitempty"`
	Most  *float64 `json:"most,omitempty"`
	// Measured is nil where the benchmarks did not say it.
	Measured *float64 `json:"measured"`
	// OfAim is the measured value divided by the aim.
	OfAim *float64 `json:"of_aim,omitempty"`
	// Met is nil where there is no aim or no value.
	Met *bool `json:"met,omitempty"`
}

// judge puts aims and figures together.
func judge(aims []aim, figures map[string]float64) []row {
	rows := make([]row, 0, len(aims))
	for i := range aims {
		one := &aims[i]
		line := row{What: one.what, Beside: one.beside, Unit: one.unit}
		if one.value > 0 || one.most {
			value := one.value
			if one.most {
				line.Most = &value
			} else {
				line.Least = &value
			}
		}
		if measured, ok := one.measured(figures); ok {
			line.hold(measured)
		}
		rows = append(rows, line)
	}
	return rows
}

// measured is the aim's value among the figures.
func (a *aim) measured(figures map[string]float64) (float64, bool) {
	value, ok := figures[a.of]
	if a.under != "" {
		divisor, known := figures[a.under]
		if !known || divisor == 0 {
			return 0, false
		}
		value /= divisor
	}
	return value * cmp.Or(a.times, 1), ok
}

// hold holds a value against the aim.
func (r *row) hold(measured float64) {
	r.Measured = &measured
	limit, met := r.Most, false
	switch {
	case r.Most != nil:
		met = measured <= *r.Most
	case r.Least != nil:
		limit, met = r.Least, measured >= *r.Least
	default:
		return
	}
	r.Met = &met
	if *limit > 0 {
		ratio := measured / *limit
		r.OfAim = &ratio
	}
}

// printTable prints the rows and how many aims are met.
func printTable(to io.Writer, rows []row) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nwhat\tbeside\taim\tmeasured\tof the aim\tmet")
	met, aims := 0, 0
	for i := range rows {
		one := &rows[i]
		result := "-"
		switch {
		case one.Measured == nil:
			result = "not measured"
		case one.Met != nil && *one.Met:
			result = "yes"
		case one.Met != nil:
			result = "NO"
		}
		if one.Least != nil || one.Most != nil {
			aims++
		}
		if one.Met != nil && *one.Met {
			met++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", one.What, cmp.Or(one.Beside, "-"), one.aimText(), withUnit(one.Measured, one.Unit), ratioText(one.OfAim), result)
	}
	_ = table.Flush() // nothing can be done about a terminal that is gone
	fmt.Fprintf(to, "%d of %d aims are met\n", met, aims)
}

func (r *row) aimText() string {
	switch {
	case r.Most != nil:
		return "at most " + withUnit(r.Most, r.Unit)
	case r.Least != nil:
		return "at least " + withUnit(r.Least, r.Unit)
	}
	return "-"
}

// withUnit writes a value with three digits that count.
func withUnit(value *float64, unit string) string {
	if value == nil {
		return "-"
	}
	digits := 0
	for size := max(*value, -*value); size < 100 && digits < 2; size *= 10 {
		digits++
	}
	if *value == float64(int64(*value)) {
		digits = 0
	}
	return strconv.FormatFloat(*value, 'f', digits, 64) + " " + unit
}

func ratioText(ratio *float64) string {
	if ratio == nil {
		return "-"
	}
	return strconv.FormatFloat(*ratio, 'f', 2, 64)
}
