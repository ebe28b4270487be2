package alertview

import (
	"strings"
	"unicode"
)

// MinWidth and MaxWidth bound the width, in columns of a terminal, for which
// something is laid out.
const (
	MinWidth = 60
	MaxWidth = 240
)

// columns is how many columns of a terminal a printable character takes: two for
// those of East Asia and pictographs, none for marks on the one before.
func columns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// width is how many columns a text takes.
func width(text string) int {
	n := 0
	for _, r := range text {
		n += columns(r)
	}
	return n
}

// cut shortens a text to so many columns, with an ellipsis for what is missing.
func cut(text string, to int) string {
	if width(text) <= to {
		return text
	}
	n := 0
	for i, r := range text {
		if n+columns(r) > to-1 {
			return text[:i] + "…"
		}
		n += columns(r)
	}
	return text
}

// cutFront is cut at the beginning of the text.
func cutFront(text string, to int) string {
	missing := width(text) - to
	if missing <= 0 {
		return text
	}
	n := 0
	for i, r := range text {
		if n > missing {
			return "…" + text[i:]
		}
		n += columns(r)
	}
	return "…"
}

// pad fills a text with spaces to so many columns.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-width(text)))
}

// wrap breaks a text into lines of so many columns, at spaces where there are
// any. Spaces at the breaks are dropped.
func wrap(text string, to int) []string {
	const least = 8
	to = max(to, least)
	var lines []string
	for {
		end, space, n := len(text), -1, 0
		for i, r := range text {
			n += columns(r)
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
