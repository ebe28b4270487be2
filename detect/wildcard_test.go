package detect

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestWildcard(t *testing.T) {
	tests := []struct {
		pattern, text string
		fold, want    bool
	}{
		{"", "", false, true},
		{"", "a", false, false},
		{"*", "", false, true},
		{"*", "anything", false, true},
		{"**", "", false, true},
		{"?", "", false, false},
		{"?", "a", false, true},
		{"?", "é", false, true},
		{"?", "ab", false, false},
		{"a*", "abc", false, true},
		{"a*", "ba", false, false},
		{"*c", "abc", false, true},
		{"*c", "abcd", false, false},
		{"a*c", "ac", false, true},
		{"a*c", "abcc", false, true},
		{"ab*ba", "aba", false, false},
		{"a?c*?", "abcd", false, true},
		{"a?c*?", "abc", false, false},
		{"*ab*ab*", "xabyabz", false, true},
		{"*ab*ab*", "xabyaz", false, false},
		{"*aab*", "aaab", false, true},
		{"Abc", "aBC", true, true},
		{"Abc", "aBC", false, false},
		{"*ÉT?", "xéta", true, true},
		{"k*", "\u212aelvin", true, true}, // the Kelvin sign
		{"*s", "ſ", true, true},           // the long s
		{"a?b", "a\xffb", false, true},
		{"a\ufffdb", "a\xffb", false, false},
		{`a\*`, `a\b`, false, true}, // a backslash escapes nothing
	}
	for _, test := range tests {
		if got := newWildcard(test.pattern, test.fold).match(test.text); got != test.want {
			t.Errorf("newWildcard(%q, %t).match(%q) = %t, want %t", test.pattern, test.fold, test.text, got, test.want)
		}
	}
}

func TestWildcardTakesNoExponentialTime(t *testing.T) {
	pattern := newWildcard(strings.Repeat("*a", 200)+"b", true)
	text := strings.Repeat("a", 20_000)
	began := time.Now()
	if pattern.match(text) {
		t.Error("matched")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// matchPlainly is the definition of a wildcard match, by a table.
func matchPlainly(pattern, text string, fold bool) bool {
	p, t := characters(pattern, fold), characters(text, fold)
	table := make([]bool, len(t)+1)
	table[0] = true
	for _, want := range p {
		next := make([]bool, len(t)+1)
		next[0] = want == '*' && table[0]
		for i, got := range t {
			switch want {
			case '*':
				next[i+1] = next[i] || table[i+1]
			case '?':
				next[i+1] = table[i]
			default:
				next[i+1] = table[i] && want == got
			}
		}
		table = next
	}
	return table[len(t)]
}

func characters(text string, fold bool) []rune {
	var all []rune
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			r = invalidByte + rune(text[0])
		case fold:
			r = foldRune(r)
		}
		all = append(all, r)
		text = text[size:]
	}
	return all
}

func FuzzWildcard(f *testing.F) {
	for _, seed := range []struct {
		pattern, text string
		fold          bool
	}{{"*a*b?", "xaybz", false}, {"a?*", "Ab", true}, {"*\u212a\xff", "xk\xff", true}, {"*a*a*a*b", "aaaaaaaa", false}} {
		f.Add(seed.pattern, seed.text, seed.fold)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 300 || len(text) > 300 {
			return
		}
		want := matchPlainly(pattern, text, fold)
		if got := newWildcard(pattern, fold).match(text); got != want {
			t.Fatalf("newWildcard(%q, %t).match(%q) = %t, want %t", pattern, fold, text, got, want)
		}
	})
}

// TestPatternSetAgreesWithItsPatterns: what is ruled out by the grams of a text is
// what does not match.
func TestPatternSetAgreesWithItsPatterns(t *testing.T) {
	pieces := []string{"a", "b", "c", "ab", "Bc", "ä", "Ä", "\u212a", "k", "\xff", "*", "*", "?"}
	matches := 0
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		write := func(pieces []string, most int) string {
			var text strings.Builder
			for range random.IntN(most) {
				text.WriteString(pieces[random.IntN(len(pieces))])
			}
			return text.String()
		}
		fold := seed%2 == 0
		var patterns []*wildcard
		for range 5 {
			patterns = append(patterns, newWildcard(write(pieces, 12), fold))
		}
		set := newPatternSet(patterns)
		for range 50 {
			text := write(pieces[:10], 12)
			want := slices.ContainsFunc(patterns, func(pattern *wildcard) bool { return pattern.match(text) })
			if got := set.match(text); got != want {
				t.Fatalf("seed %d: %q matches together %t, one by one %t", seed, text, got, want)
			}
			if want {
				matches++
			}
		}
	}
	if matches < 1000 {
		t.Errorf("only %d matches", matches)
	}
}

func TestExactTestAgreesAcrossSizes(t *testing.T) {
	few := []string{"abc", "Ünder", "straße", "\u212aelvin"}
	many := append([]string{"1", "2", "3", "4", "5", "6", "7"}, few...)
	for _, text := range []string{"ABC", "üNDER", "STRASSE", "STRAßE", "kelvin", "KELVIN", "abcd", "", strings.Repeat("x", 1000)} {
		if a, b := exactTest(few, true)(text), exactTest(many, true)(text); a != b {
			t.Errorf("%q is in a short list: %t, in a long one: %t", text, a, b)
		}
	}
}
