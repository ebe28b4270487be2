package diag

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestError(t *testing.T) {
	for _, test := range []struct {
		name         string
		err          Error
		line, detail string
	}{
		{
			"everything",
			Error{File: "a.toml", Line: 3, Column: 5, Message: "unknown key", Hint: "remove it", Source: "key = 1"},
			"a.toml:3:5: unknown key; remove it",
			"a.toml:3:5: unknown key; remove it\n  key = 1\n      ^",
		},
		{"no file", Error{Line: 1, Column: 1, Message: "bad", Source: "x"}, "1:1: bad", "1:1: bad\n  x\n  ^"},
		{"no position", Error{File: "-", Message: "bad"}, "-: bad", "-: bad"},
		{"message only", Error{Message: "bad"}, "bad", "bad"},
		{"behind the end", Error{Line: 1, Column: 99, Message: "bad", Source: "ab"}, "1:99: bad", "1:99: bad\n  ab\n    ^"},
		{
			"a terminal escape",
			Error{Line: 1, Column: 3, Message: "bad", Source: "\x1b[x\u009by"},
			"1:3: bad", "1:3: bad\n   [x y\n    ^",
		},
		{
			"characters, not bytes",
			Error{Line: 1, Column: 3, Message: "bad", Source: "ééx"},
			"1:3: bad", "1:3: bad\n  ééx\n    ^",
		},
		{
			"wide characters",
			Error{Line: 1, Column: 4, Message: "bad", Source: "日本ｘx🦊"},
			"1:4: bad", "1:4: bad\n  日本ｘx🦊\n        ^",
		},
		{
			"halfwidth katakana are narrow",
			Error{Line: 1, Column: 2, Message: "bad", Source: "ｱx"},
			"1:2: bad", "1:2: bad\n  ｱx\n   ^",
		},
		{
			"characters that combine",
			Error{Line: 1, Column: 5, Message: "bad", Source: "e\u0301e\u0301x"},
			"1:5: bad", "1:5: bad\n  e\u0301e\u0301x\n    ^",
		},
		{
			"the place is a character that combines",
			Error{Line: 1, Column: 3, Message: "bad", Source: "ae\u0301x"},
			"1:3: bad", "1:3: bad\n  ae\u0301x\n   ^",
		},
		{
			"a syllable of jamo",
			Error{Line: 1, Column: 4, Message: "bad", Source: "\u1112\u1161\u11abx"},
			"1:4: bad", "1:4: bad\n  \u1112\u1161\u11abx\n    ^",
		},
		{
			"a mark that turns the direction",
			Error{Line: 1, Column: 3, Message: "bad", Source: "a\u202ex"},
			"1:3: bad", "1:3: bad\n  a x\n    ^",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.err.Error(); got != test.line {
				t.Errorf("Error: %q", got)
			}
			if got := test.err.Detail(); got != test.detail {
				t.Errorf("Detail: %q, want %q", got, test.detail)
			}
		})
	}
}

func TestDetailShowsAWindowOfALongLine(t *testing.T) {
	err := Error{Line: 1, Column: 500_001, Message: "bad", Source: strings.Repeat("a", 500_000) + "X" + strings.Repeat("b", 500_000)}
	lines := strings.Split(err.Detail(), "\n")
	if len(lines) != 3 || len(lines[1]) > 130 || lines[1][len(lines[2])-1] != 'X' {
		t.Errorf("%q", lines)
	}
}

func TestDetailShowsAWindowOfWideCharacters(t *testing.T) {
	err := Error{Line: 1, Column: 501, Message: "bad", Source: strings.Repeat("日", 500) + "X" + strings.Repeat("本", 500)}
	lines := strings.Split(err.Detail(), "\n")
	want := []string{
		"1:501: bad",
		"  " + strings.Repeat("日", 30) + "X" + strings.Repeat("本", 29),
		strings.Repeat(" ", 2+60) + "^",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%q", lines)
	}
}

func TestDetailOfJoinedAndWrapped(t *testing.T) {
	first := &Error{Line: 1, Column: 1, Message: "one", Source: "x"}
	second := &Error{Line: 2, Column: 1, Message: "two", Source: "y"}
	const want = "1:1: one\n  x\n  ^\n2:1: two\n  y\n  ^"
	for name, err := range map[string]error{
		"joined":          errors.Join(first, second),
		"joined twice":    errors.Join(errors.Join(first), errors.Join(second)),
		"plainly wrapped": plain{errors.Join(first, second)},
	} {
		if got := Detail(err); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := Detail(fmt.Errorf("reading: %w", first)); got != "reading: 1:1: one\n  x\n  ^" {
		t.Errorf("wrapped with words: %q", got)
	}
	if got := Detail(errors.New("plain")); got != "plain" {
		t.Errorf("plain: %q", got)
	}
	if got := Detail(nil); got != "" {
		t.Errorf("nil: %q", got)
	}
}

// plain wraps an error without words of its own.
type plain struct{ err error }

func (p plain) Error() string { return p.err.Error() }
func (p plain) Unwrap() error { return p.err }

func TestPosition(t *testing.T) {
	const text = "first\r\nsécond\nlast"
	for _, test := range []struct {
		offset, line, column int
		source               string
	}{
		{0, 1, 1, "first"},
		{4, 1, 5, "first"},
		{7, 2, 1, "sécond"},
		{10, 2, 3, "sécond"},
		{len(text), 3, 5, "last"},
		{999, 3, 5, "last"},
		{-1, 1, 1, "first"},
	} {
		line, column, source := Position(text, test.offset)
		if line != test.line || column != test.column || source != test.source {
			t.Errorf("offset %d: %d:%d %q", test.offset, line, column, source)
		}
	}
}

func TestNearest(t *testing.T) {
	candidates := []string{"source", "backlog_limit", "key", "level"}
	for word, want := range map[string]string{
		"sorce": "source", "backlog": "", "backlog_limits": "backlog_limit", "kex": "key", "zzz": "", "": "", "sourcE": "source",
	} {
		got, found := Nearest(word, candidates)
		if got != want || found != (want != "") {
			t.Errorf("%q: %q, %v", word, got, found)
		}
	}
}

func TestMisspelled(t *testing.T) {
	known := []string{"process.name", "user.id"}
	tests := []struct {
		word, want string
		ok         bool
	}{
		{"proces.name", "process.name", true},
		{"process.nmae", "process.name", true},
		{"process.path", "", false},
		{"dll.name", "", false},
	}
	for _, test := range tests {
		if got, ok := Misspelled(test.word, known); got != test.want || ok != test.ok {
			t.Errorf("Misspelled(%q) is %q, %v, want %q, %v", test.word, got, ok, test.want, test.ok)
		}
	}
}

// TestWithoutPrefix moves defects to where they are in what the user wrote, and
// leaves alone what they were and what is no defect.
func TestWithoutPrefix(t *testing.T) {
	first := &Error{Line: 1, Column: 12, Source: "any where pid =", Message: "a"}
	inPrefix := &Error{Line: 1, Column: 3, Source: "any where x", Message: "b"}
	second := &Error{Line: 2, Column: 4, Source: "any where", Message: "c"}
	other := errors.New("other")
	moved := Flatten(WithoutPrefix(errors.Join(first, fmt.Errorf("about: %w", inPrefix), second, other), "any where "))
	want := []Error{
		{Line: 1, Column: 2, Source: "pid =", Message: "a"},
		{Line: 1, Column: 1, Source: "x", Message: "b"},
		{Line: 2, Column: 4, Source: "any where", Message: "c"},
	}
	if len(moved) != 4 || !errors.Is(moved[3], other) || first.Column != 12 {
		t.Fatalf("moved to %v", moved)
	}
	for i, one := range want {
		var got *Error
		if !errors.As(moved[i], &got) || *got != one {
			t.Errorf("%d is now %+v", i, moved[i])
		}
	}
	if WithoutPrefix(nil, "x") != nil {
		t.Error("nothing is an error")
	}
}
