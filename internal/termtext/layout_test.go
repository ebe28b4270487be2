package termtext

import (
	"slices"
	"testing"
)

// TestLayout has texts with characters of one column, of two, and of none.
func TestLayout(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{Cut("äb", 2), "äb"},
		{Cut("äbc", 2), "ä…"},
		{Cut("漢字", 4), "漢字"},
		{Cut("漢字漢", 4), "漢…"},
		{CutFront("/usr/bin/agent", 6), "…agent"},
		{CutFront("漢字漢", 4), "…漢"},
		{Pad("漢", 4), "漢  "},
		{Pad("abcd", 2), "abcd"},
		{Plural(1, "rule", "rules"), "1 rule"},
		{Plural(0, "rule", "rules"), "0 rules"},
	} {
		if test.got != test.want {
			t.Errorf("%q, not %q", test.got, test.want)
		}
	}
	if n := Width("e\u0301漢"); n != 3 {
		t.Errorf("an e with an accent and a wide character take %d columns", n)
	}
	if lines := Wrap("one two three four", 9); !slices.Equal(lines, []string{"one two", "three", "four"}) {
		t.Errorf("%q", lines)
	}
}
