package eql_test

import (
	"reflect"
	"strings"
	"testing"

	"tripline/detect/eql"
)

// roundTrip parses a query, prints it and parses the print.
func roundTrip(t *testing.T, query string) string {
	t.Helper()
	first, err := eql.Parse(query)
	if err != nil {
		t.Fatalf("Parse(%q): %v", query, err)
	}
	printed := eql.Print(first)
	second, err := eql.Parse(printed)
	if err != nil {
		t.Fatalf("Parse(Print(%q)) = Parse(%q): %v", query, printed, err)
	}
	if !equalTrees(first, second) {
		t.Fatalf("Parse(Print(q)) differs from Parse(q)\nq:     %s\nprint: %s\nagain: %s", query, printed, eql.Print(second))
	}
	return printed
}

// equalTrees compares two queries, apart from positions and source text.
func equalTrees(a, b *eql.Query) bool {
	return equalValues(reflect.ValueOf(*a), reflect.ValueOf(*b))
}

func equalValues(a, b reflect.Value) bool {
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return equalValues(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range a.NumField() {
			if name := a.Type().Field(i).Name; name == "Pos" || name == "Text" {
				continue
			}
			if !equalValues(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	default:
		return a.Interface() == b.Interface()
	}
}

func TestPrint(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"event", `process where true`, `process where true`},
		{"any", `any where true`, `any where true`},
		{"quoted category", `"my category" where true`, `"my category" where true`},
		{"quotes that are not needed", `"process" where true`, `process where true`},
		{"and binds more than or", `a where x == 1 or y == 2 and z == 3`, `a where x == 1 or y == 2 and z == 3`},
		{"parentheses kept where they matter", `a where (x == 1 or y == 2) and z == 3`, `a where (x == 1 or y == 2) and z == 3`},
		{"parentheses dropped where they do not", `a where ((x == 1)) or (y == 2 and z == 3)`, `a where x == 1 or y == 2 and z == 3`},
		{"not binds more than and", `a where not x == 1 and y == 2`, `a where not x == 1 and y == 2`},
		{"not of a group", `a where not (x == 1 and y == 2)`, `a where not (x == 1 and y == 2)`},
		{"escapes", `a where x == "\b\t\n\f\r\"\'\\\u{41}\u{1F600}"`, `a where x == "\u{08}\t\n\u{0c}\r\"'\\A😀"`},
		{"raw string", `a where x == """\d"q"""""`, `a where x == "\\d\"q\"\""`},
		{"empty raw string", `a where x == """"""`, `a where x == ""`},
		{"backticks", "a where `odd name`.b == 1 and `a``b` == 2", "a where `odd name.b` == 1 and `a``b` == 2"},
		{"timestamp", `a where @timestamp != null`, `a where @timestamp != null`},
		{"optional", `a where ?x.y == null`, `a where ?x.y == null`},
		{
			"lists", `a where x in (1, 2.5, -3) and y not in~ ("a") and z : ("b", "c")`,
			`a where x in (1, 2.5, -3) and y not in~ ("a") and z : ("b", "c")`,
		},
		{"patterns", `a where x like "a*" and y like~ ("b?") and z regex """c+"""`, `a where x like "a*" and y like~ "b?" and z regex "c+"`},
		{"comments", "a // one\nwhere /* two /* inner */ */ true", `a where true`},
		{"comment with an inner one that does not end", "a where /* all of /etc/* */ true", `a where true`},
		{"signs", `a where x == -1 and y == +2 and z == -(1) and w == - -1`, `a where x == -1 and y == 2 and z == -(1) and w == -(-1)`},
		{"arithmetic", `a where (1 + 2) * 3 - (4 - 5) == x`, `a where (1 + 2) * 3 - (4 - 5) == x`},
		{"calls", `a where startsWith~(x, "a") and length(y) > 0`, `a where startsWith~(x, "a") and length(y) > 0`},
		{
			"sequence", "sequence by a, ?b with maxspan=1m [x where true] by c [y where true] by d until [z where true] by e",
			"sequence by a, ?b with maxspan=1m [x where true] by c [y where true] by d until [z where true] by e",
		},
		{"spans", `sequence with maxspan=120s [x where true] [y where true]`, `sequence with maxspan=2m [x where true] [y where true]`},
		{"milliseconds", `sequence with maxspan = 1500ms [x where true] [y where true]`, `sequence with maxspan=1500ms [x where true] [y where true]`},
		{
			"negative and runs", `sequence with maxspan=1d [x where true] by a with runs=3 ![y where true] by a`,
			`sequence with maxspan=1d [x where true] by a with runs=3 ![y where true] by a`,
		},
		{"sample and pipes", `sample by a [x where true] [y where true] | head 5 | tail 1`, `sample by a [x where true] [y where true] | head 5 | tail 1`},
		{"join", `join by a [x where true] [y where true] until [z where true]`, `join by a [x where true] [y where true] until [z where true]`},
		{"condition compared", `a where null == (x > -1)`, `a where null == (x > -1)`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := roundTrip(t, test.query); got != test.want {
				t.Errorf("Print(Parse(%q))\n got %s\nwant %s", test.query, got, test.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"empty", ``, `1:1: query is empty; write a query such as process where user.id == "0"`},
		{"no where", `process`, `1:8: expected "where" after the event category, found the end of the query; an event query is written: category where condition`},
		{"no condition", `process where`, `1:14: expected a field, value or condition, found the end of the query`},
		{"single quotes", `a where x == 'y'`, `1:14: strings in single quotes are not part of EQL; write it in double quotes: "…"`},
		{"old raw string", `a where x == ?"y"`, `1:14: strings written ?"…" are not part of EQL; write a raw string in three double quotes: """…"""`},
		{"assignment", `a where x = "y"`, `1:11: "=" does not compare; write "=="`},
		{"with before by", `sequence with maxspan=1m by a [x where true] [y where true]`, `1:26: "by" must come before "with"; write: sequence by … with maxspan=…`},
		{"chain", `a where 1 < x < 3`, `1:15: comparisons cannot be chained; join two comparisons by "and"`},
		{"upper case keyword", `a where x == 1 AND y == 2`, `1:16: unexpected "AND" after the query; keywords are written in lower case`},
		{"second line", "a where\n  x == 1 and\n  ]", `3:3: expected a field, value or condition, found "]"`},
		{"column in characters", `a where "äöü" == 'x'`, `1:18: strings in single quotes are not part of EQL; write it in double quotes: "…"`},
		{"open parenthesis", `a where (x == 1`, `1:16: expected ")" to close the parenthesis, found the end of the query`},
		{"list after ==", `a where x == ("a", "b")`, `1:18: expected ")" to close the parenthesis, found ","; a list comes after "in", ":" or "like": name in (…)`},
		{"open string", `a where x == "abc`, `1:14: string does not end on its line; add the closing quote; a line break is written \n`},
		{"string over two lines", "a where x == \"a\nb\"", `1:14: string does not end on its line; add the closing quote; a line break is written \n`},
		{"raw string over two lines", "a where x == \"\"\"a\nb\"\"\"", `1:14: raw string does not end on its line; add the closing """ on the same line`},
		{"unknown escape", `a where x == "a\d"`, `1:16: unknown escape sequence in string; EQL has \b \t \n \f \r \" \' \\ and \u{…}; write \\ for a backslash, or use a raw string """…"""`},
		{"short unicode escape", `a where x == "\u{1}"`, `1:15: malformed \u escape in string; write the code point as 2 to 8 hexadecimal digits in braces: \u{1F600}`},
		{"surrogate", `a where x == "\u{d800}"`, `1:15: \u{d800} is not a Unicode character`},
		{"invalid UTF-8", "a where x == \"a\xffb\"", `1:16: byte 0xFF is not valid UTF-8; save the query as UTF-8`},
		{"invalid UTF-8 outside a string", "a where \xff", `1:9: byte 0xFF is not valid UTF-8; save the query as UTF-8`},
		{"typographic quotes", `a where x == “y”`, `1:14: unexpected character '“'; use straight double quotes: "`},
		{"open comment", "a where /* x", `1:9: comment does not end; add the closing */`},
		{"open backtick", "a where `x", "1:9: name in backticks does not end; add the closing backtick"},
		{"keyword as field", `a where with == 1`, `1:9: expected a field, value or condition, found keyword "with"; a field or category with the name of a keyword is written in backticks or quotes`},
		{"index", `a where x[0] == 1`, `1:10: elements of a field cannot be addressed; compare the field itself: a field with several values matches if any value does`},
		{"not like", `a where x not like "a"`, `1:15: expected "in" after "not", found keyword "like"; "not" comes before the whole condition: not name like "a*"`},
		{"in without list", `a where x in "a"`, `1:14: expected "(" and a list after "in", found string "a"`},
		{"pattern is a field", `a where x : y`, `1:13: expected a constant or a list of constants, found "y"`},
		{"number too large", `a where x == 9223372036854775808`, `1:14: number 9223372036854775808 is too large`},
		{"one stage", `sequence [x where true]`, `1:10: a sequence needs at least two stages; add a stage, or write an event query: category where condition`},
		{"maxspan without unit", `sequence with maxspan=5 [x where true] [y where true]`, `1:25: expected a unit of time after 5, found "["; write a duration such as maxspan=30s; its units are ms s m h d`},
		{"maxspan zero", `sequence with maxspan=0s [x where true] [y where true]`, `1:23: maxspan must be longer than zero; write a duration such as maxspan=30s; its units are ms s m h d`},
		{"maxspan too long", `sequence with maxspan=999999999999d [x where true] [y where true]`, `1:23: maxspan is too long`},
		{"runs zero", `sequence [x where true] with runs=0 [y where true]`, `1:35: runs must be between 1 and 100`},
		{"runs too many", `sequence [x where true] with runs=101 [y where true]`, `1:35: runs must be between 1 and 100`},
		{"missing and", `sequence [x where a == 1 b == 2] [y where true]`, `1:26: expected "]" at the end of the stage, found "b"; conditions are joined by "and" and "or"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := eql.Parse(test.query)
			if err == nil {
				t.Fatalf("Parse(%q) succeeded", test.query)
			}
			if err.Error() != test.want {
				t.Errorf("Parse(%q)\n got %s\nwant %s", test.query, err, test.want)
			}
		})
	}
}

func TestParseHostileInput(t *testing.T) {
	refused := map[string]string{
		"parentheses":      "a where " + strings.Repeat("(", 10_000) + "true" + strings.Repeat(")", 10_000),
		"nots":             "a where " + strings.Repeat("not ", 10_000) + "true",
		"signs":            "a where x == " + strings.Repeat("- ", 10_000) + "y",
		"sums":             "a where x == 1" + strings.Repeat("+1", 10_000),
		"calls":            "a where " + strings.Repeat("f(", 10_000),
		"too long":         "a where x == \"" + strings.Repeat("x", eql.MaxQueryBytes) + "\"",
		"open comments":    "a where " + strings.Repeat("/*", 400_000),
		"stages":           "sequence " + strings.Repeat("[a where true] with runs=100 ", 11),
		"closing brackets": "a where true" + strings.Repeat("]", 500_000),
	}
	for name, query := range refused {
		t.Run(name, func(t *testing.T) {
			if _, err := eql.Parse(query); err == nil || !strings.HasPrefix(err.Error(), "1:") {
				t.Errorf("Parse returned %v, want an error with its place", err)
			}
		})
	}
	accepted := map[string]string{
		"list":       "a where x in (1" + strings.Repeat(",1", 10_000) + ")",
		"ors":        "a where x == 1" + strings.Repeat(" or x == 1", 50_000),
		"long text":  "a where x == \"" + strings.Repeat("x", 1_000_000) + "\"",
		"escapes":    "a where x == \"" + strings.Repeat(`\n`, 500_000) + "\"",
		"comments":   "a where true" + strings.Repeat("/* */", 200_000),
		"long name":  "a where x" + strings.Repeat(".x", 400_000) + " == 1",
		"deep":       "a where " + strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
		"blank text": "a where true" + strings.Repeat(" ", 900_000),
	}
	for name, query := range accepted {
		t.Run(name, func(t *testing.T) {
			if _, err := eql.Parse(query); err != nil {
				t.Errorf("Parse: %.200s", err)
			}
		})
	}
}
