package detect

import (
	"strings"
	"testing"

	"tripline/detect/eql"
)

// valueSchema has fields of every type for tests of value expressions.
type valueSchema struct{}

func (valueSchema) Field(name string) (Field, bool) {
	types := map[string]Type{
		"s": TypeString, "missing": TypeString, "two": TypeString, "n": TypeInt, "none": TypeInt, "f": TypeFloat, "b": TypeBool,
		"unknown": TypeUnknown, "event.category": TypeString, "@timestamp": TypeDate,
	}
	t, ok := types[name]
	id := FieldID(len(name))
	for _, c := range name {
		id = id*31 + FieldID(c)
	}
	return Field{ID: id, Type: t}, ok
}

func (valueSchema) FieldNames() []string { return nil }

// valueEvent has the values of fields by name.
type valueEvent map[FieldID]Value

func (e valueEvent) Time() int64               { return 0 }
func (e valueEvent) Tiebreaker() (int64, bool) { return 0, false }
func (e valueEvent) Value(id FieldID) Value    { return e[id] }
func (e valueEvent) Retain()                   {}
func (e valueEvent) Release()                  {}

func newValueEvent(values map[string]Value) valueEvent {
	e := make(valueEvent)
	for name, value := range values {
		field, _ := valueSchema{}.Field(name)
		e[field.ID] = value
	}
	return e
}

func testValues() valueEvent {
	return newValueEvent(map[string]Value{
		"s": String("subdomain.example.com"), "n": Int(10), "f": Float(2.5), "b": Bool(true), "unknown": Int(7),
		"two": List([]Value{String("x"), String("yy")}), "@timestamp": Int(1_704_164_645_000_000_000),
	})
}

// evaluate returns the value of an expression as text, or the error.
func evaluate(t *testing.T, expression string) string {
	t.Helper()
	query, err := eql.Parse("any where null == (" + expression + ")")
	if err == nil {
		err = eql.Check(query, checkedFields{valueSchema{}})
	}
	if err != nil {
		return err.Error()
	}
	c := &compiler{query: query, schema: valueSchema{}, fields: make(map[string]struct{})}
	event, _ := query.Statement.(*eql.EventQuery)
	comparison, _ := event.Filter.Condition.(*eql.Comparison)
	o, err := c.value(comparison.Right)
	if err != nil {
		return err.Error()
	}
	switch value := o.evaluate(testValues()); value.kind {
	case KindMissing:
		return "null"
	case KindString:
		return `"` + value.Text() + `"`
	default:
		return textOf(value)
	}
}

// TestValues checks value expressions, most of them those of Elasticsearch's
// documentation.
func TestValues(t *testing.T) {
	for _, group := range strings.Split(strings.TrimSpace(valueTests), "\n") {
		expression, want, ok := strings.Cut(group, " => ")
		if !ok {
			continue
		}
		t.Run(expression, func(t *testing.T) {
			if got := evaluate(t, expression); got != strings.TrimSpace(want) {
				t.Errorf("%s is %s, want %s", expression, got, want)
			}
		})
	}
}

const valueTests = `
add(4, 5) => 9
add(4, 0.5) => 4.5
ADD(n, 5) => 15
add(null, 4) => null
n + none => null
n - 12 => -2
-n => -10
-(-9223372036854775807 - 1) => null
9223372036854775807 + 1 => null
-9223372036854775807 - 2 => null
3037000500 * 3037000500 => null
-4294967296 * 2147483648 => -9223372036854775808
divide(4, 3) => 1
divide(-4, 3) => -1
divide(4, 3.0) => 1.3333333333333333
divide(0.5, 4) => 0.125
n / 0 => null
n % 0 => null
n / 0.0 => Infinity
modulo(10, -6) => 4
modulo(-10, -6) => -4
modulo(10, 0.5) => 0.0
multiply(-2, 2) => -4
multiply(0.25, n) => 2.5
subtract(1, 0.25) => 0.75
1 + 2 * 3 - 4 / 2 => 5
between("C:\\Windows\\System32\\cmd.exe", "System32\\", ".exe") => "cmd"
between("C:\\Windows\\System32\\cmd.exe", "workspace\\", ".exe") => ""
between("C:\\Windows\\System32\\cmd.exe", "\\", "\\", false) => "Windows"
between("C:\\Windows\\System32\\cmd.exe", "\\", "\\", true) => "Windows\System32"
between~("xAyBz", "a", "b") => "y"
between("xAyBz", "a", "b") => ""
between("", "a", "b") => ""
between("", "", "") => ""
between("abc", "", "c") => "abc"
between("abc", "a", "") => "abc"
between("abc", "a", "", true) => "abc"
between("abc", "", "c", true) => "abc"
between(missing, "a", "b") => null
concat("a", " ", 42, 42.5, true, n) => "a 4242.5true10"
concat(s, missing) => null
concat("a") => "a"
indexOf(s, ".") => 9
indexof(s, ".", 9) => 9
indexOf(s, ".", 10) => 17
indexOf(s, ".", -6) => 9
indexOf("", "") => 0
indexOf(s, "") => 0
indexOf(s, "", 9) => 9
indexOf(s, "z") => null
indexOf(s, ".", 30) => null
indexOf(s, null) => null
indexOf(s, ".", null) => null
indexOf~(s, "EXAMPLE") => 10
indexOf("ééa", "a") => 2
length(s) => 21
length("été") => 3
length("") => 0
length(null) => null
length(unknown) => null
substring("start regsvr32.exe", 6) => "regsvr32.exe"
substring("start regsvr32.exe", 0, 5) => "start"
substring("start regsvr32.exe", 6, 14) => "regsvr32"
substring("start regsvr32.exe", -4) => ".exe"
substring("start regsvr32.exe", -4, -1) => ".ex"
substring("abc", 5) => ""
substring("abc", 2, 1) => ""
substring("abc", -9) => "abc"
substring("été", 1, 2) => "t"
substring(missing, 1) => null
string(42) => "42"
string(42.5) => "42.5"
string(2.0) => "2.0"
string(1e10) => "1.0E10"
string(0.0001) => "1.0E-4"
string(true) => "true"
string("x") => "x"
string(null) => null
number("1337") => 1337
number("42.5") => 42.5
number("deadbeef", 16) => 3735928559
number("0xdeadbeef") => 3735928559
number("0xdeadbeef", 16) => 3735928559
number("+1337") => 1337
number("-1337") => -1337
number("  1337  ") => 1337
number("0xdeadbeef", null) => 3735928559
number("1337", null) => 1337
number("31", 13) => 40
number("9223372036854775807") => 9223372036854775807
number("") => null
number("x") => null
number("1_000") => null
number("0x1p4") => null
number("inf") => null
number("--5") => null
number("12", 1) => null
number("12", 37) => null
number(null) => null
startsWith(s, "sub") => true
startswith(s, "Sub") => false
startsWith~(s, "SUB") => true
startsWith("", "") => true
startsWith(s, null) => null
endsWith(s, ".com") => true
endsWith(s, ".COM") => false
endsWith~(s, ".COM") => true
endsWith~("x", "long") => false
stringContains(s, "example") => true
stringContains(s, "Example") => false
stringContains~(s, "Example") => true
stringContains("", "") => false
stringContains(s, "") => false
stringContains(missing, "x") => null
cidrMatch("192.168.152.12", "192.168.0.0/16") => true
cidrmatch("192.168.152.12", "10.0.0.0/8", "192.168.0.0/16") => true
cidrMatch("192.168.152.12", "10.0.0.0/8") => false
cidrMatch("::ffff:10.1.2.3", "10.0.0.0/8") => true
cidrMatch("10.1.2.3", "::ffff:10.0.0.0/104") => true
cidrMatch("10.1.2.3", "10.6.48.157/8") => true
cidrMatch("2001:db8::1", "2001:db8::/32") => true
cidrMatch("2001:db8::1", "0.0.0.0/0") => false
cidrMatch("10.1.2.3", "::/0") => true
cidrMatch("fe80::1%eth0", "fe80::/10") => false
cidrMatch("10.1.2.3.4", "0.0.0.0/0") => false
cidrMatch(s, "0.0.0.0/0") => false
cidrMatch(null, "10.0.0.0/8") => null
cidrMatch("10.0.0.1", null) => null
none > 1 => null
n > 1 => true
(n > 1) == null => false
(none > 1) == null => true
(none > 1) != null => false
not none > 1 => null
none > 1 and n > 100 => false
none > 1 and n > 1 => null
none > 1 or n > 1 => true
none > 1 or n > 100 => null
b == true => true
s in ("a", "b") => false
missing in ("a", "b") => null
s not in ("a", "b") => true
s : "SUB*" => true
s regex "sub.*" => true
unknown == "7" => false
unknown != "7" => true
unknown < "7" => null
9007199254740993 == 9007199254740992.0 => false
9007199254740993 > 9007199254740992.0 => true
@timestamp > "2024-01-02T03:04:04Z" => true
"2024-01-03" < @timestamp => false
@timestamp == "2024-01-02" => true
@timestamp <= "2024-01" => false
@timestamp > "2024-01" => true
@timestamp < "2024-02" => true
@timestamp in ("2023", "2024-01-02") => true
@timestamp in ("2023", "2024") => false
@timestamp == "2024-01-02T03" => true
@timestamp == "2024-01-02T03:04" => true
@timestamp <= "2024-01-02T03:03" => false
@timestamp == "2024-01-02T03:04:05" => true
@timestamp == "2024-01-02T04:04:05.000+01:00" => true
`

func TestFunctionErrors(t *testing.T) {
	for expression, want := range map[string]string{
		`length()`:                          `1:20: function length takes 1 argument, not 0`,
		`length(s, s)`:                      `1:20: function length takes 1 argument, not 2`,
		`indexOf(s)`:                        `1:20: function indexOf takes 2 to 3 arguments, not 1`,
		`concat()`:                          `1:20: function concat takes 1 argument or more, not 0`,
		`cidrMatch(s)`:                      `1:20: function cidrMatch takes 2 arguments or more, not 1`,
		`length(n)`:                         `1:27: argument 1 of length must be a string, not an integer`,
		`add(s, 1)`:                         `1:24: argument 1 of add must be a number, not a string`,
		`substring(s, 1.5)`:                 `1:33: argument 2 of substring must be an integer, not a decimal number`,
		`number(s, n)`:                      `1:30: argument 2 of number must be constant`,
		`cidrMatch(s, s)`:                   `1:33: argument 2 of cidrMatch must be constant`,
		`cidrMatch(s, "10.0.0")`:            `1:33: "10.0.0" is no block of addresses; write an address and a length: "10.0.0.0/8"`,
		`cidrMatch(s, "fe80::1%eth0")`:      `1:33: "fe80::1%eth0" is no block of addresses; write an address and a length: "10.0.0.0/8"`,
		`length~(s)`:                        `1:20: function length has no variant that ignores case; write length without ~`,
		`wildcard(s, "x*")`:                 `1:20: unknown function "wildcard"; write: field : "pattern*" or field regex "…"`,
		`s regex "a{2"`:                     `1:28: regular expression: write a repetition as {n}, {n,} or {n,m}`,
		`s regex ("a", "(b")`:               `1:34: regular expression: ")" is missing`,
		`@timestamp > "yesterday"`:          `1:33: "yesterday" is no date; write a date such as "2024-01-31" or "2024-01-31T10:00:00Z"`,
		`between(s, "a", "b", n > 1)`:       `1:43: argument 4 of between must be constant`,
		`startsWith(s, "x") == concat(s,s)`: `1:39: one field cannot be compared with another`,
	} {
		if got := evaluate(t, expression); got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
	}
}

// TestSeveralValuesOfALeaf checks that a leaf holds if any choice of values
// satisfies it.
func TestSeveralValuesOfALeaf(t *testing.T) {
	event := newValueEvent(map[string]Value{
		"s": List([]Value{String("a"), String("bb")}), "two": List([]Value{String("x"), String("yy")}), "n": List([]Value{Int(1), Int(5)}),
	})
	for condition, want := range map[string]bool{
		`length(s) == 2`:                 true,
		`length(s) == 1`:                 true,
		`length(s) == 3`:                 false,
		`length(s) != 2`:                 false,
		`not length(s) == 3`:             true,
		`concat(s, two) == "ayy"`:        true,
		`concat(s, two) == "bbx"`:        true,
		`concat(s, s) == "aa"`:           true,
		`concat(s, s) == "abb"`:          false,
		`n + n == 10`:                    true,
		`n + n == 6`:                     false,
		`startsWith(two, "y")`:           true,
		`startsWith(two, "z")`:           false,
		`concat(s, two) : ("A?", "*z")`:  true,
		`null == (n > 3)`:                false,
		`(n > 3) == false`:               true,
		`concat(s, missing) != null`:     false,
		`concat(s, missing) == null`:     true,
		`s regex "b+" and two regex "x"`: true,
	} {
		compiled, err := compileQuery("any where "+condition, valueSchema{}, CompileOptions{CategoryField: "event.category", ActionField: "s"})
		if err != nil {
			t.Fatal(err)
		}
		if got := compiled.stages[0].matches(event); got != want {
			t.Errorf("%s is %t, want %t", condition, got, want)
		}
	}
}
