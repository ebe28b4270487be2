package hunt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"tripline/detect"
)

// scannedFields are what the tests of the scanner look for.
var scannedFields = []string{"a", "a.b", "a.b.c", "x.y.z", "user.name", "é", "n"}

func TestScanValues(t *testing.T) {
	for _, test := range []struct {
		name, line, field string
		want              any
	}{
		{"nested", `{"a":{"b":{"c":1}}}`, "a.b.c", int64(1)},
		{"dotted", `{"a.b.c":1}`, "a.b.c", int64(1)},
		{"dotted behind nested", `{"a":{"b.c":1}}`, "a.b.c", int64(1)},
		{"nested behind dotted", `{"a.b":{"c":1}}`, "a.b.c", int64(1)},
		{"nested and dotted are one field", `{"a":{"b":{"c":1}},"a.b.c":2}`, "a.b.c", []any{int64(1), int64(2)}},
		{"array", `{"a":["x",2,2.5,true,null]}`, "a", []any{"x", int64(2), 2.5, true}},
		{"array of one", `{"a":["x"]}`, "a", "x"},
		{"array of none", `{"a":[]}`, "a", nil},
		{"array in an array", `{"a":[["x"],["y",["z"]]]}`, "a", []any{"x", "y", "z"}},
		{"array of objects", `{"a":[{"b":1},{"b":2},{"c":3}]}`, "a.b", []any{int64(1), int64(2)}},
		{"repeated key", `{"n":1,"n":2}`, "n", []any{int64(1), int64(2)}},
		{"value and object", `{"a":[1,{"b":2}]}`, "a", int64(1)},
		{"object is no value", `{"a":{"b":1}}`, "a", nil},
		{"null", `{"n":null}`, "n", nil},
		{"missing", `{}`, "n", nil},
		{"empty string", `{"n":""}`, "n", ""},
		{"another case", `{"N":1}`, "n", nil},
		{"deeper name", `{"n.m":1}`, "n", nil},
		{"escapes", `{"n":"\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac"}`, "n", "\"\\/\b\f\n\r\tAé€"},
		{"surrogates", `{"n":"\ud83d\ude00!"}`, "n", "😀!"},
		{"high surrogate alone", `{"n":"\ud83dx"}`, "n", "\ufffdx"},
		{"two high surrogates", `{"n":"\ud83d\ud83d\ude00"}`, "n", "\ufffd😀"},
		{"low surrogate alone", `{"n":"\ude00"}`, "n", "\ufffd"},
		{"escaped key", `{"us\u0065r":{"n\u0061me":"x"}}`, "user.name", "x"},
		{"key beyond ASCII", `{"\u00e9":1}`, "é", int64(1)},
		{"invalid UTF-8 stays", "{\"n\":\"a\xffb\"}", "n", "a\xffb"},
		{"largest integer", `{"n":9223372036854775807}`, "n", int64(math.MaxInt64)},
		{"smallest integer", `{"n":-9223372036854775808}`, "n", int64(math.MinInt64)},
		{"beyond floating-point precision", `{"n":9007199254740993}`, "n", int64(9007199254740993)},
		{"beyond 64 bits", `{"n":18446744073709551616}`, "n", 18446744073709551616.0},
		{"minus zero", `{"n":-0}`, "n", int64(0)},
		{"exponent", `{"n":-1.5E+2}`, "n", -150.0},
		{"beyond floats", `{"n":-1e999}`, "n", -math.MaxFloat64},
		{"white space", " {\t\"n\" :\r[ 1 , 2 ] } ", "n", []any{int64(1), int64(2)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, d := newTestScanner(scannedFields...)
			d.line = []byte(test.line)
			if !s.scan(d) {
				t.Fatalf("%s at %d", s.problem, s.at)
			}
			for id, field := range scannedFields {
				if got := plain(d.Value(detect.FieldID(id))); field == test.field && !reflect.DeepEqual(got, test.want) {
					t.Errorf("%s is %#v, want %#v", field, got, test.want)
				}
			}
		})
	}
}

func TestScanDefects(t *testing.T) {
	deep := strings.Repeat(`{"a":`, maxDepth+1)
	for _, test := range []struct {
		line, problem string
		at            int
	}{
		{``, "no JSON object", 0},
		{`[1]`, "no JSON object", 0},
		{`"text"`, "no JSON object", 0},
		{`{`, "key in double quotes", 1},
		{`{a:1}`, "key in double quotes", 1},
		{`{"a":1,}`, "key in double quotes", 7},
		{`{"a"}`, "colon", 4},
		{`{"a":}`, "a value", 5},
		{`{"a":`, "too early", 5},
		{`{"a":1`, "comma or a closing brace", 6},
		{`{"a":1 "b":2}`, "comma or a closing brace", 7},
		{`{"a":[1 2]}`, "comma or a closing bracket", 8},
		{`{"a":[1,]}`, "a value", 8},
		{`{"a":01}`, "no number", 5},
		{`{"a":-}`, "no number", 5},
		{`{"a":1.}`, "behind the decimal point", 7},
		{`{"a":1e}`, "exponent", 7},
		{`{"a":tru}`, "true, false or null", 5},
		{`{"a":nul`, "true, false or null", 5},
		{`{"a":NaN}`, "a value", 5},
		{`{"a":"x`, "no end", 7},
		{`{"a":"\x"}`, "escape", 6},
		{`{"a":"\u12g4"}`, "escape", 6},
		{"{\"a\":\"x\ty\"}", "control character", 7},
		{`{"a":1} {}`, "behind the JSON object", 8},
		{deep, "too deep", len(`{"a":`)*maxDepth + 1},
	} {
		s, d := newTestScanner(scannedFields...)
		d.line = []byte(test.line)
		if s.scan(d) || !strings.Contains(s.problem, test.problem) || s.at != test.at {
			t.Errorf("%.20s: %q at %d, want %q at %d", test.line, s.problem, s.at, test.problem, test.at)
		}
	}
}

// reference reads the fields of a document with encoding/json, slowly.
func reference(line []byte) (map[string][]any, error) {
	fields := make(map[string][]any)
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.UseNumber()
	var walk func(path string) error
	walk = func(path string) error {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case json.Delim:
			for decoder.More() {
				inner := path
				if token == '{' {
					key, err := decoder.Token()
					if err != nil {
						return err
					}
					if inner = key.(string); path != "\x00" {
						inner = path + "." + key.(string)
					}
				}
				if err := walk(inner); err != nil {
					return err
				}
			}
			_, err := decoder.Token()
			return err
		case json.Number:
			fields[path] = append(fields[path], referenceNumber(token.String()))
		case nil:
		default:
			fields[path] = append(fields[path], token)
		}
		return nil
	}
	err := walk("\x00") // which no field is called
	if _, end := decoder.Token(); err == nil && end != io.EOF {
		err = fmt.Errorf("behind the object: %w", end)
	}
	return fields, err
}

func referenceNumber(text string) any {
	if !strings.ContainsAny(text, ".eE") {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	f, _ := strconv.ParseFloat(text, 64)
	return max(-math.MaxFloat64, min(f, math.MaxFloat64))
}

// compareWithReference scans a line both ways.
func compareWithReference(t *testing.T, line []byte) {
	t.Helper()
	s, d := newTestScanner(scannedFields...)
	d.line = line
	valid := json.Valid(line) && bytes.HasPrefix(bytes.TrimLeft(line, " \t\r\n"), []byte("{"))
	if got := s.scan(d); got != valid {
		if s.problem == "this is nested too deep" {
			return
		}
		t.Fatalf("%q: scanned %v (%s), want %v", line, got, s.problem, valid)
	}
	if !valid {
		return
	}
	want, err := reference(line)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	for id, field := range scannedFields {
		got := plain(d.Value(detect.FieldID(id)))
		list, ok := got.([]any)
		if !ok && got != nil {
			list = []any{got}
		}
		for i := range list {
			if text, ok := list[i].(string); ok {
				list[i] = string([]rune(text)) // invalid UTF-8 as encoding/json shows it
			}
		}
		if len(list) != len(want[field]) || len(list) > 0 && !reflect.DeepEqual(list, want[field]) {
			t.Fatalf("%q: %s is %#v, want %#v", line, field, list, want[field])
		}
	}
}

// randomJSON writes a random value.
func randomJSON(random *rand.Rand, depth int) string {
	space := []string{"", "", "", " ", "\t "}[random.IntN(5)]
	switch kind := random.IntN(8); {
	case kind == 0 && depth > 0:
		var elements []string
		for range random.IntN(4) {
			elements = append(elements, randomJSON(random, depth-1))
		}
		return "[" + space + strings.Join(elements, ",") + "]"
	case kind < 4 && depth > 0:
		return randomObject(random, depth)
	case kind == 5:
		return []string{"true", "false", "null"}[random.IntN(3)]
	case kind == 6:
		return []string{"0", "-1", "12345678901234567890", "1.5", "2e3", "-0.0", "9007199254740993"}[random.IntN(7)]
	}
	var text strings.Builder
	for range random.IntN(20) {
		text.WriteString([]string{"a", "b", "long text ", `\n`, `\"`, `\\`, `\u00e9`, `\ud83d`, `\ude00`, "é", "\xff", "😀"}[random.IntN(12)])
	}
	return space + `"` + text.String() + `"` + space
}

func randomObject(random *rand.Rand, depth int) string {
	keys := []string{"a", "b", "c", "a.b", "b.c", "x", "y.z", "z", "x.y", "user", "name", "user.name", "é", `\u00e9`, "n", "other", ""}
	var members []string
	for range random.IntN(5) {
		members = append(members, `"`+keys[random.IntN(len(keys))]+`":`+randomJSON(random, depth-1))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// TestScanAgrees compares the scanner with encoding/json on random documents,
// whole and damaged.
func TestScanAgrees(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 30_000 {
		line := []byte(randomObject(random, 5))
		compareWithReference(t, line)
		if random.IntN(2) == 0 {
			line[random.IntN(len(line))] = `{}[]",:\ u0-.e`[random.IntN(14)]
		} else {
			line = line[:random.IntN(len(line))]
		}
		compareWithReference(t, line)
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	lines := benchmarkLines(100)
	selector := newSelector(newQueries(t, rareQuery))
	defer selector.engine.Close()
	scanAll := func() {
		for _, line := range lines {
			selector.document.line = line
			if !selector.scanner.scan(selector.document) || selector.selects() {
				t.Fatal("a document that should match nothing was selected")
			}
		}
	}
	if allocations := testing.AllocsPerRun(100, scanAll); allocations > 0 {
		t.Errorf("%v allocations for %d documents", allocations, len(lines))
	}
}

func FuzzScan(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 50 {
		f.Add([]byte(randomObject(random, 4)))
	}
	for _, line := range benchmarkLines(3) {
		f.Add(line)
	}
	f.Fuzz(compareWithReference)
}
