package detect

import (
	"strings"
	"unicode/utf8"
)

// wildcard is a pattern in which * stands for any run of characters and ? for
// exactly one character; nothing else is special. Matching neither allocates
// nor backtracks over more than one * at a time: its time is bounded by the
// product of the lengths of pattern and text.
type wildcard struct {
	fold bool
	// segments are what is between the stars.
	segments []segment
}

// segment is a part of a pattern without a star.
type segment struct {
	// runes are its characters, folded in a pattern that ignores case;
	// anyRune stands for ?, and invalidByte+b for a byte b that is no UTF-8.
	runes []rune
}

const (
	anyRune     rune = -1
	invalidByte rune = utf8.MaxRune + 1
)

// hasWildcard reports whether a pattern is more than a plain string.
func hasWildcard(pattern string) bool { return strings.ContainsAny(pattern, "*?") }

// newWildcard prepares a pattern for matching with or without regard to case.
func newWildcard(pattern string, fold bool) *wildcard {
	w := &wildcard{fold: fold}
	parts := strings.Split(pattern, "*")
	for i, part := range parts {
		if part == "" && i > 0 && i < len(parts)-1 {
			continue // ** is *
		}
		w.segments = append(w.segments, w.newSegment(part))
	}
	return w
}

func (w *wildcard) newSegment(part string) segment {
	var s segment
	for i := 0; i < len(part); {
		r, size := w.next(part, i)
		if part[i] == '?' {
			r = anyRune
		}
		s.runes = append(s.runes, r)
		i += size
	}
	return s
}

// ascii is the character of a byte below utf8.RuneSelf, folded if need be.
func (w *wildcard) ascii(c byte) rune {
	if w.fold && 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return rune(c)
}

// next returns the character of text that starts at byte i, and its length.
func (w *wildcard) next(text string, i int) (rune, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return w.ascii(c), 1
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	switch {
	case r == utf8.RuneError && size == 1:
		return invalidByte + rune(text[i]), 1
	case w.fold:
		return foldRune(r), size
	}
	return r, size
}

// match reports whether the whole text matches the pattern.
func (w *wildcard) match(text string) bool {
	first := w.segments[0]
	at, ok := w.matchAt(first, text, 0)
	if !ok {
		return false
	}
	if len(w.segments) == 1 {
		return at == len(text)
	}
	last := w.segments[len(w.segments)-1]
	end, ok := startOfLast(text, len(last.runes))
	if !ok || end < at {
		return false
	}
	if _, ok := w.matchAt(last, text, end); !ok {
		return false
	}
	for _, middle := range w.segments[1 : len(w.segments)-1] {
		if at, ok = w.find(middle, text[:end], at); !ok {
			return false
		}
	}
	return true
}

// matchAt matches a segment at byte i of text and returns where it ends.
func (w *wildcard) matchAt(s segment, text string, i int) (int, bool) {
	for _, want := range s.runes {
		if i == len(text) {
			return 0, false
		}
		size := 1
		got := rune(text[i])
		if got < utf8.RuneSelf {
			got = w.ascii(text[i])
		} else {
			got, size = w.next(text, i)
		}
		if got != want && want != anyRune {
			return 0, false
		}
		i += size
	}
	return i, true
}

// find looks for the first place of a segment, which is not empty, at or after byte i of text and
// returns where it ends there.
func (w *wildcard) find(s segment, text string, i int) (int, bool) {
	for len(text)-i >= len(s.runes) {
		// Most places differ in their first character.
		if c := text[i]; c < utf8.RuneSelf && w.ascii(c) != s.runes[0] && s.runes[0] != anyRune {
			i++
			continue
		}
		if end, ok := w.matchAt(s, text, i); ok {
			return end, true
		}
		_, size := w.next(text, i)
		i += size
	}
	return 0, false
}

// startOfLast returns where the last n characters of text start, and false if
// it has fewer.
func startOfLast(text string, n int) (int, bool) {
	end := len(text)
	for ; n > 0; n-- {
		if end == 0 {
			return 0, false
		}
		_, size := utf8.DecodeLastRuneInString(text[:end])
		end -= size
	}
	return end, true
}
