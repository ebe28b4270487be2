package main

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// terminalColumns is how many columns standard output's terminal has, else what
// the shell says in COLUMNS, else usual.
func terminalColumns(usual int) int {
	if columns, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && columns > 0 {
		return columns
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	return usual
}
