package detect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tripline/detect"
)

// TestHostileQueries compiles what no person writes and runs it over events. It
// must end soon, with matches or with an error, and never crash.
func TestHostileQueries(t *testing.T) {
	list := func(n int, format string) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(format, i))
		}
		return strings.Join(items, ", ")
	}
	for name, query := range map[string]string{
		"a megabyte of or":       "any where x == 1" + strings.Repeat(" or x == 2", 100_000),
		"too long":               "any where x == 1" + strings.Repeat(" or x == 2", 110_000),
		"10,000 strings":         "any where s in (" + list(10_000, `"v%d"`) + ")",
		"10,000 patterns":        "any where s : (" + list(10_000, `"*v%d*"`) + ")",
		"10,000 numbers":         "any where x in (" + list(10_000, "%d") + ")",
		"1,000 expressions":      "any where s regex (" + list(1_000, `"v%d.*"`) + ")",
		"10,000 expressions":     "any where s regex (" + list(10_000, `".{999}%d"`) + ")",
		"10,000 parentheses":     "any where " + strings.Repeat("(", 10_000) + "true" + strings.Repeat(")", 10_000),
		"10,000 signs":           "any where x == " + strings.Repeat("-", 10_000) + "1",
		"10,000 nots":            "any where " + strings.Repeat("not ", 10_000) + "flag",
		"10,000 sums":            "any where x" + strings.Repeat(" + 1", 10_000) + " == 1",
		"deep calls":             "any where " + strings.Repeat("concat(", 10_000) + "s" + strings.Repeat(")", 10_000) + ` == "x"`,
		"runs=100 times 50":      "sequence by k" + strings.Repeat(" [any where x >= 0] with runs=100", 50),
		"runs=100 times 10":      "sequence by k" + strings.Repeat(" [any where x >= 0] with runs=100", 10),
		"stars":                  `any where s : "` + strings.Repeat("*a", 500) + `*b"`,
		"a growing text":         "any where length(" + strings.Repeat("concat(s, s, ", 200) + "s" + strings.Repeat(")", 200) + ") > 1",
		"a text that doubles":    "any where length(" + doubled(20) + ") > 1",
		"many negative stages":   "sequence by k with maxspan=1m [any where true]" + strings.Repeat(" ![any where x == 3]", 500),
		"a long expression":      `any where s regex "` + strings.Repeat("(a|b)*", 150) + `"`,
		"a repeated expression":  `any where s regex "((a{9}){9}){9}b"`,
		"numbers beyond 2^53":    "any where x == 9007199254740993 or x == 9223372036854775807 or x > 1e300",
		"a number beyond 2^63":   "any where x == 9223372036854775808",
		"many choices of values": `any where concat(s, k, s, k, process.executable) == "x"`,
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			schema := newTestSchema()
			compiled, err := detect.Compile(newRule(query), schema)
			if err != nil {
				if text := err.Error(); len(text) > 2_000 {
					t.Errorf("the error has %d bytes: %.100s…", len(text), text)
				}
			} else {
				feedHostile(t, schema, compiled)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// doubled nests calls that each double their text.
func doubled(depth int) string {
	text := "s"
	for range depth {
		text = "concat(substring(" + text + ", 0, 99), s)"
	}
	return text
}

func feedHostile(t *testing.T, schema detect.Schema, compiled *detect.Compiled) {
	t.Helper()
	var many []any
	for i := range 300 {
		many = append(many, fmt.Sprint("v", i))
	}
	engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) {})
	for i, s := range []any{strings.Repeat("a", 10_000), "v9999", "\xff\xfe", "", many, nil} {
		engine.Process(newEvent(t, schema, start+int64(i)*ms, "event.category", "a", "s", s, "k", many, "process.executable", many, "x", i))
	}
	engine.Close()
}

// TestTextIsBounded runs a query that repeats a field's text more often than
// memory has room for: what concat makes is null beyond its bound.
func TestTextIsBounded(t *testing.T) {
	schema := newTestSchema()
	query := "any where concat(s" + strings.Repeat(", s", 200_000) + ") == null"
	for text, want := range map[string]int{strings.Repeat("x", 5): 0, strings.Repeat("x", 6): 1, strings.Repeat("x", 1<<20): 1} {
		engine, matches := newEngine(t, schema, detect.Limits{}, query)
		engine.Process(newEvent(t, schema, start, "s", text))
		if len(*matches) != want {
			t.Errorf("%d bytes: %d matches, want %d", len(text), len(*matches), want)
		}
	}
}

// TestNumbersBeyondTheFloatingPoint compares large integers exactly.
func TestNumbersBeyondTheFloatingPoint(t *testing.T) {
	schema := newTestSchema()
	const large int64 = 9007199254740993 // 2^53 + 1
	for query, want := range map[string]int{
		"any where x == 9007199254740993":              1,
		"any where x == 9007199254740992":              0,
		"any where x == 9007199254740992.0":            0,
		"any where x > 9007199254740992.0":             1,
		"any where x < 1e30 and x > -1e30":             1,
		"any where x in (1, 9007199254740993)":         1,
		"any where x + 1 == 9007199254740994":          1,
		`any where string(x) == "9007199254740993"`:    1,
		`any where x == number("9007199254740993")`:    1,
		"any where x * 9007199254740993 == null":       1,
		"any where x in (9007199254740992.0)":          0,
		"any where not x >= 9007199254740994":          1,
		`any where cidrMatch(s, "10.0.0.0/8")`:         1,
		`any where cidrMatch(s, "::1", "10.0.0.1")`:    1,
		`any where cidrMatch(s, "::1", "10.0.0.2")`:    0,
		`any where cidrMatch(s, "::ffff:10.0.0.1")`:    1,
		`any where s == "10.0.0.1" and s : "10.*"`:     1,
		`any where cidrMatch(s, "::ffff:0:0/96")`:      1,
		`any where not cidrMatch(s, "192.168.0.0/16")`: 1,
	} {
		engine, matches := newEngine(t, schema, detect.Limits{}, query)
		engine.Process(newEvent(t, schema, start, "x", large, "s", "10.0.0.1"))
		if len(*matches) != want {
			t.Errorf("%s: %d matches, want %d", query, len(*matches), want)
		}
	}
}
