package termtext

import (
	"strconv"
	"strings"
)

// Width is how many columns a text takes.
func Width(text string) int {
	n := 0
	for _, r := range text {
		n += Columns(r)
	}
	return n
}

// Cut shortens a text to so many columns, with an ellipsis for what is missing.
func Cut(text string, to int) string {
	if Width(text) <= to {
		return text
	}
	n := 0
	for i, r := range text {
		if n+Columns(r) > to-1 {
			return text[:i] + "…"
		}
		n += Columns(r)
	}
	return text
}

// CutFront is Cut at the beginning of the text.
func CutFront(text string, to int) string {
	missing := Width(text) - to
	if missing <= 0 {
		return text
	}
	n := 0
	for i, r := range text {
		if n > missing {
			return "…" + text[i:]
		}
		n += Columns(r)
	}
	return "…"
}

// Pad fills a text with spaces to so many columns.
func Pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-Width(text)))
}

// Wrap breaks a text into lines of so many columns, at spaces where there are
// any. Spaces at the breaks are dropped.
func Wrap(text string, to int) []string {
	const least = 8
	to = max(to, least)
	var lines []string
	for {
		end, space, n := len(text), -1, 0
		for i, r := range text {
			n += Columns(r)
			if n > to {
				end = i
				break
			}
			if r == ' ' {
				space = i
			}
		}
		if end == len(text) {
			return append(lines, text)
		}
		if text[end] == ' ' {
			space = end
		}
		if space > 0 {
			end = space
		}
		lines = append(lines, strings.TrimRight(text[:end], " "))
		text = strings.TrimLeft(text[end:], " ")
	}
}

// Plural is a number with the word for one or for many.
func Plural(count int, one, many string) string {
	if count == 1 {
		return "1 " + one
	}
	return strconv.Itoa(count) + " " + many
}
