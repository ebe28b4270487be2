// Package diag describes what is wrong with a text that a person wrote, and
// where: rule files, EQL queries, configuration, recorded logs.
package diag

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"tripline/internal/termtext"
)

// Error is one defect in an input text. The zero value of a position field
// means that it is not known and it is left out of the message.
type Error struct {
	// File names the input as the user knows it, "-" for standard input.
	File string
	// Line and Column count from 1; Column counts characters, not bytes.
	Line, Column int
	// Message says what is wrong.
	Message string
	// Hint says what to do about it, empty where there is nothing to add.
	Hint string
	// Source is the text of the line, without its line ending, for Detail.
	Source string
}

// Error gives the defect on one line: file:line:column: message; hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		b.WriteByte(':')
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "%d:", e.Line)
		if e.Column > 0 {
			fmt.Fprintf(&b, "%d:", e.Column)
		}
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// sourceWindow bounds how many columns of a line Detail shows, so that a query of
// a megabyte on one line does not fill the terminal.
const sourceWindow = 120

// Detail gives the defect followed by the source line and a caret under the
// place, also where characters of the source are wide or combine. Control and
// format characters of the source are shown as spaces. It equals Error where the
// source or the column is not known.
func (e *Error) Detail() string {
	if e.Source == "" || e.Column <= 0 {
		return e.Error()
	}
	line, caret := window(e.Source, e.Column-1)
	return e.Error() + "\n  " + line + "\n  " + strings.Repeat(" ", caret) + "^"
}

// window cuts at most sourceWindow columns around the character with index at out
// of line, and returns the cut and the column of that character in it, or of the
// one that it combines with.
func window(line string, at int) (string, int) {
	chars := make([]rune, 0, min(len(line), 4*sourceWindow))
	for _, r := range line {
		if unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError {
			r = ' '
		}
		chars = append(chars, r)
	}
	at = min(at, len(chars))
	for at > 0 && at < len(chars) && termtext.Columns(chars[at]) == 0 {
		at--
	}
	from, caret := at, 0
	for from > 0 && caret+termtext.Columns(chars[from-1]) <= sourceWindow/2 {
		from--
		caret += termtext.Columns(chars[from])
	}
	to, columns := at, caret
	for to < len(chars) && columns+termtext.Columns(chars[to]) <= sourceWindow {
		columns += termtext.Columns(chars[to])
		to++
	}
	return strings.TrimRight(string(chars[from:to]), " "), caret
}

// Detail gives every defect of err with its source line and caret where err
// is or wraps an *Error, also inside joined errors, and err's own text
// otherwise.
func Detail(err error) string {
	if err == nil {
		return ""
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts := make([]string, 0, 4)
		for _, one := range joined.Unwrap() {
			parts = append(parts, Detail(one))
		}
		return strings.Join(parts, "\n")
	}
	if inner := errors.Unwrap(err); inner != nil && inner.Error() == err.Error() {
		return Detail(inner)
	}
	var defect *Error
	if errors.As(err, &defect) {
		return strings.Replace(err.Error(), defect.Error(), defect.Detail(), 1)
	}
	return err.Error()
}

// Flatten lists the errors that err joins, at any depth; err itself where it
// joins none, nothing for nil.
func Flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, Flatten(one)...)
	}
	return all
}

// WithoutPrefix moves the places of the errors that err joins to where they are in
// the text that a user wrote, before which the prefix was put in its first line. The
// errors themselves stay as they are. The prefix is ASCII.
func WithoutPrefix(err error, prefix string) error {
	var moved []error
	for _, one := range Flatten(err) {
		var defect *Error
		if !errors.As(one, &defect) {
			moved = append(moved, one)
			continue
		}
		own := *defect
		if own.Line == 1 {
			own.Column = max(1, own.Column-len(prefix))
			own.Source = strings.TrimPrefix(own.Source, prefix)
		}
		moved = append(moved, &own)
	}
	return errors.Join(moved...)
}

// Position converts a byte offset in text into a line and a column, both from
// 1, the column in characters, and returns the line's text.
func Position(text string, offset int) (line, column int, source string) {
	offset = max(0, min(offset, len(text)))
	line = 1 + strings.Count(text[:offset], "\n")
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	end := strings.IndexByte(text[offset:], '\n')
	if end < 0 {
		end = len(text)
	} else {
		end += offset
	}
	column = 1 + utf8.RuneCountInString(text[start:offset])
	return line, column, strings.TrimSuffix(text[start:end], "\r")
}

// Nearest returns the candidate that is most like word, for "did you mean"
// hints, and false when none is near enough to be what was meant.
func Nearest(word string, candidates []string) (string, bool) {
	best, bestDistance := "", 1+max(1, len(word)/3)
	for _, candidate := range candidates {
		if d := distance(word, candidate, bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best, best != ""
}

// Misspelled returns the candidate that word is most likely a misspelling of: the
// nearest of those that two edits at most lead to. Nearest is more generous.
func Misspelled(word string, candidates []string) (string, bool) {
	const tooFar = 3
	best, bestDistance := "", tooFar
	for _, candidate := range candidates {
		if d := distance(word, candidate, bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best, best != ""
}

// distance is the Levenshtein distance of a and b in bytes, or limit when it
// is at least that.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	previous := make([]int, len(b)+1)
	current := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
		}
		previous, current = current, previous
	}
	return min(previous[len(b)], limit)
}
