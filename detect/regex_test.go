package detect

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestRegex checks Lucene's syntax with all its optional operators.
func TestRegex(t *testing.T) {
	for _, test := range []struct{ pattern, matches, others string }{
		{"abc", "abc", "ab abcd xabc ABC"},
		{"a.c", "abc a.c a\nc aéc", "ac abbc"},
		{"ab?c", "ac abc", "abbc"},
		{"ab+c", "abc abbc", "ac"},
		{"ab*c", "ac abbbc", "abd"},
		{"a{2}", "aa", "a aaa"},
		{"a{2,}", "aa aaaa", "a"},
		{"a{2,3}", "aa aaa", "a aaaa"},
		{"a{02}", "aa", "a"},
		{"a|bc", "a bc", "ac b"},
		{"(a|b)c", "ac bc", "a"},
		{"[abc]d", "ad bd", "dd"},
		{"[a-c]", "a b c", "d -"},
		{"[^a-c]", "d é", "a b"},
		{"[]a]", "] a", "b"},
		{"[a-]", "a -", "b"},
		{`[\]\-x]`, "] - x", `\ y`},
		{".*?b", "b aab", "ba"},
		{"a+?b", "aab b", "a"},
		{"a**", "aaa", "b"},
		{"^a$", "^a$", "a"},
		{`\d\s\w`, "dsw", "1_a"},
		{`\.\*`, ".*", "ab"},
		{`"a.b"c`, "a.bc", "axbc"},
		{"@", "anything at-all", ""},
		{"a@", "a ab", "b"},
		{"a#", "", "a a#"},
		{"#|a", "a", "#"},
		{"()a", "a", "()a"},
		{"<1-12>", "1 9 12 012", "0 13 1a"},
		{"<01-12>", "01 12 05", "1 13 005"},
		{"x<95-1003>y", "x95y x100y x999y x1000y x1003y x0095y", "x94y x1004y"},
		{"<7-7>", "7", "8"},
		{"~a", "b aa", "a"},
		{"~(a.*)", "b x", "a ab"},
		{"a.*&.*b", "ab axb", "a b"},
		{"a.*&~(.*x.*)|q", "ab q", "ax b"},
		{"*a", "*a", "a"},
		{"{a}", "{a}", "a"},
	} {
		match, err := new(regexCompiler).compile(test.pattern, false)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		for _, text := range strings.Split(test.matches, " ") {
			if text != "" && !match(text) {
				t.Errorf("%s does not match %q", test.pattern, text)
			}
		}
		for _, text := range strings.Split(test.others, " ") {
			if text != "" && match(text) {
				t.Errorf("%s matches %q", test.pattern, text)
			}
		}
	}
}

func TestRegexIgnoresCase(t *testing.T) {
	match, err := new(regexCompiler).compile("[a-c]é.", true)
	if err != nil || !match("BÉx") || match("DÉx") {
		t.Errorf("match is wrong: %v", err)
	}
}

func TestRegexOfTheEmptyText(t *testing.T) {
	for pattern, want := range map[string]bool{"": true, "a*": true, "()": true, "a": false, "@": true, "#": false, ".": false} {
		match, err := new(regexCompiler).compile(pattern, false)
		if err != nil || match("") != want {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

func TestRegexInterval(t *testing.T) {
	for low := 0; low <= 120; low += 7 {
		for high := low; high <= 1200; high += 53 {
			match, err := new(regexCompiler).compile(fmt.Sprintf("<%d-%d>", low, high), false)
			if err != nil {
				t.Fatal(err)
			}
			for n := range 1300 {
				text := fmt.Sprint(n)
				want := n >= low && n <= high
				if width := len(fmt.Sprint(low)); width == len(fmt.Sprint(high)) {
					want = want && len(text) == width
				}
				if match(text) != want {
					t.Fatalf("<%d-%d> of %d is %t", low, high, n, !want)
				}
			}
		}
	}
}

func TestRegexErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"(a":                         `")" is missing`,
		"a)":                         `")" at character 2 closes nothing`,
		"[a":                         `"]" is missing`,
		"[z-a]":                      "a character range ends before it starts",
		"a|":                         "it ends unexpectedly",
		`a\`:                         "it ends unexpectedly",
		`"a`:                         `a second " is missing; write \" for the character`,
		"<a>":                        `write an interval as <1-99>, and \< for the character`,
		"a{1":                        "write a repetition as {n}, {n,} or {n,m}",
		"a~b":                        errNested.Error(),
		"(a&b)*":                     errNested.Error(),
		"(((a{99}){99}){99})":        "it repeats more than 1000 times or nests too deep",
		strings.Repeat("a", 1001):    "it is longer than 1000 characters",
		strings.Repeat("(", 900):     "it nests more than 100 deep",
		strings.Repeat(".{999}", 20): "it needs more than 10000 states",
	} {
		if _, err := new(regexCompiler).compile(pattern, false); err == nil || err.Error() != want {
			t.Errorf("%.40s: %v, want %s", pattern, err, want)
		}
	}
}

// TestRegexIsLinear checks patterns on which backtracking takes for ever.
func TestRegexIsLinear(t *testing.T) {
	text := strings.Repeat("a", 100_000) + "b"
	for _, pattern := range []string{"(a*)*c", "(a|a)*c", "(a+)+c", ".*a.*a.*a.*a.*c", "(a?){20}a{20}c"} {
		match, err := new(regexCompiler).compile(pattern, false)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if match(text) {
			t.Errorf("%s matches", pattern)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s took %v", pattern, took)
		}
	}
}

func FuzzRegex(f *testing.F) {
	for _, seed := range []string{"a.*[b-d]{2,3}", "~(a&b)|<1-99>", `"x"\.@#`, "[^]]+"} {
		f.Add(seed, "abcd")
	}
	f.Fuzz(func(_ *testing.T, pattern, text string) {
		for _, fold := range []bool{false, true} {
			if match, err := new(regexCompiler).compile(pattern, fold); err == nil {
				match(text)
			}
		}
	})
}
