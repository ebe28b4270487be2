package stricttoml

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"

	"tripline/internal/diag"
)

// colour is a type with a text form of its own.
type colour string

func (c *colour) UnmarshalText(text []byte) error {
	switch string(text) {
	case "red", "green", "7":
		*c = colour(text)
		return nil
	case "rot":
		return &diag.Error{Message: "must be English", Hint: "write red"}
	}
	return fmt.Errorf("%q is not a colour", text)
}

type item struct {
	Name string `toml:"name"`
	Size uint8  `toml:"size"`
}

type section struct {
	Text     string         `toml:"text"`
	Count    int            `toml:"count"`
	Small    int8           `toml:"small"`
	Ratio    float64        `toml:"ratio"`
	On       bool           `toml:"on"`
	Names    []string       `toml:"names"`
	Colour   colour         `toml:"colour"`
	Optional *int           `toml:"optional"`
	Free     map[string]any `toml:"free"`
	Any      any            `toml:"any"`
	Items    []item         `toml:"items"`
	Item     item           `toml:"item"`
	Table    map[string]int `toml:"table"`
	Skipped  string         `toml:"-"`
}

type document struct {
	Title string  `toml:"title"`
	S     section `toml:"s"`
}

func TestDecode(t *testing.T) {
	const text = `title = "a"
[s]
text = '''
two
lines'''
count = -3
small = -128
ratio = 2
on = true
names = ["x", 'y']
colour = 7
optional = 5
any = 1979-05-27T07:32:00Z
free = { deep = { deeper = [1, "2"] } }
item.name = "dotted"
[s.table]
one = 1
[[s.items]]
name = "first"
[[s.items]]
size = 255
`
	var got document
	got.S.Skipped = "kept"
	if err := Decode("f", []byte(text), &got); err != nil {
		t.Fatal(diag.Detail(err))
	}
	five := 5
	want := document{Title: "a", S: section{
		Text: "two\nlines", Count: -3, Small: -128, Ratio: 2, On: true, Names: []string{"x", "y"},
		Colour: "7", Optional: &five, Any: got.S.Any, Skipped: "kept",
		Free:  map[string]any{"deep": map[string]any{"deeper": []any{int64(1), "2"}}},
		Items: []item{{Name: "first"}, {Size: 255}}, Item: item{Name: "dotted"},
		Table: map[string]int{"one": 1},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if s := fmt.Sprint(got.S.Any); s != "1979-05-27 07:32:00 +0000 UTC" {
		t.Errorf("a date of free form is %s", s)
	}
}

func TestDecodeDefects(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "titl = 'a'", []string{`f:1:1: unknown key "titl"; did you mean "title"?`}},
		{"nothing near", "# x\n  zzzzzz = 'a'", []string{`f:2:3: unknown key "zzzzzz"; known here: s, title`}},
		{"other case", "Title = 'a'", []string{`f:1:1: unknown key "Title"; did you mean "title"?`}},
		{"unknown table", "[ses]\na = 1\nb = 2", []string{`f:1:2: unknown table "ses"; known here: s, title`}},
		{"unknown list of tables", "[[ x ]]\n[[x]]", []string{`f:1:4: unknown table "x"; did you mean "s"?`}},
		{"byte order mark", byteOrderMark + "titl = 1", []string{`f:1:1: unknown key "titl"; did you mean "title"?`}},
		{"carriage returns", "[s]\r\n\r\ntextt = 1\r\n", []string{`f:3:1: unknown key "textt" in s; did you mean "text"?`}},
		{
			"unknown in the second element", "[[s.items]]\nname = 'a'\n[[s.items]]\nname = 'b'\nsise = 1",
			[]string{`f:5:1: unknown key "sise" in s.items[1]; did you mean "size"?`},
		},
		{
			"unknown in an inline table in a list", "s.items = [{name='é'}, # ]\n  {name='b', \"é\"=1}]",
			[]string{`f:2:14: unknown key "é" in s.items[1]; known here: name, size`},
		},
		{
			"text that looks like keys", "[s]\ntext = '''\nfoo = 1\n[bar]\n''' # '''\nfoo = 1",
			[]string{`f:6:1: unknown key "foo" in s`},
		},
		{"quoted and dotted", `s . "\u0066oo" . bar = 1`, []string{`f:1:5: unknown table "foo" in s`}},
		{"wrong types", `[s]
text = 1
count = "1"
ratio = "x"
on = 0
names = "x"
colour = [1]
item = 3
items = 4
table = { a = 'x' }
free = 1`, []string{
			`f:2:8: s.text must be text in quotes, not a whole number; put the value between quotation marks`,
			`f:3:9: s.count must be a whole number, not text; leave out the quotation marks`,
			`f:4:9: s.ratio must be a number, not text`,
			`f:5:6: s.on must be true or false, not a whole number`,
			`f:6:9: s.names must be a list, not text; put the value between brackets: ["…"]`,
			`f:7:10: s.colour must be text in quotes, not a list`,
			`f:8:8: s.item must be a table, not a whole number`,
			`f:9:9: s.items must be a list, not a whole number`,
			`f:10:15: s.table.a must be a whole number, not text; leave out the quotation marks`,
			`f:11:8: s.free must be a table, not a whole number`,
		}},
		{"table where text belongs", "[title]\na = 1", []string{`f:1:2: title must be text in quotes, not a table`}},
		{"element of a list", "[s]\nnames = [\n 'a', # 'b'\n 7,\n]", []string{
			`f:4:2: s.names[1] must be text in quotes, not a whole number; put the value between quotation marks`,
		}},
		{"range", "[s]\nsmall = 128\nitem.size = -1", []string{
			`f:2:9: s.small must be between -128 and 127, not 128`,
			`f:3:13: s.item.size must not be negative, as -1 is`,
		}},
		{"text of its own", "[s]\ncolour = 'blue'", []string{`f:2:10: s.colour: "blue" is not a colour`}},
		{"text of its own with a hint", "[s]\ncolour = 'rot'", []string{`f:2:10: s.colour must be English; write red`}},
		{"syntax", "[s]\ntext = oops\n", []string{
			`f:2:8: not valid TOML: expected value but found "oops" instead; text needs quotes`,
		}},
		{"open string", "[s]\ntext = \"a\ncount = 1\n", []string{
			`f:2:10: not valid TOML: strings cannot contain newlines; close the quote, or write text of several lines in """ … """ or ''' … '''`,
		}},
		{"escape", `title = "C:\home"`, []string{
			`f:1:10: not valid TOML: invalid escape in string '\h'; write the text in '…' or ''' … ''', where \ is an ordinary character`,
		}},
		{"twice", "title = 'a'\n\ntitle = 'b'", []string{
			`f:3:1: not valid TOML: Key 'title' has already been defined.; remove one of the two`,
		}},
		{"not UTF-8", "title = 'a'\n# \xff\n", []string{`f:2:2: not valid TOML: invalid UTF-8 byte: 0xff; save the file as UTF-8`}},
		{"UTF-16", "\xff\xfet\x00i\x00", []string{
			`f:1:2: not valid TOML: files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8; save the file as UTF-8`,
		}},
		{"deep", "title = " + strings.Repeat("[", 1<<20), []string{`f:1:73: tables and arrays nest deeper than 64 levels here`}},
		{"deep key", "x" + strings.Repeat(".x", 1<<20) + " = 1", []string{`f:1:129: tables and arrays nest deeper than 64 levels here`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := messages(Decode("f", []byte(test.text), new(document)))
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestDecodeKeepsWhatIsRight(t *testing.T) {
	got := document{Title: "default"}
	err := Decode("f", []byte("[s]\ntext = 'a'\ncount = 'x'\nunknown = 1\non = true"), &got)
	if n := len(messages(err)); n != 2 {
		t.Errorf("%d errors: %v", n, err)
	}
	if got.Title != "default" || got.S.Text != "a" || !got.S.On {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeBoundsTheErrors(t *testing.T) {
	var text strings.Builder
	for i := range 10 * maxDefects {
		fmt.Fprintf(&text, "k%d = 1\n", i)
	}
	got := messages(Decode("f", []byte(text.String()), new(document)))
	if len(got) != maxDefects+1 || got[maxDefects] != "f: 450 more errors are not shown" {
		t.Errorf("%d errors, the last %q", len(got), got[len(got)-1])
	}
}

func TestDecodeShowsTheSource(t *testing.T) {
	err := Decode("f", []byte("[s]\n\tnames = ['ä', 1]\n"), new(document))
	want := "f:2:16: s.names[1] must be text in quotes, not a whole number; put the value between quotation marks\n" +
		"   names = ['ä', 1]\n" +
		"                 ^"
	if got := diag.Detail(err); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDecodeTargets(t *testing.T) {
	for _, into := range []any{nil, document{}, (*document)(nil), new(int)} {
		if err := Decode("f", nil, into); err == nil {
			t.Errorf("decoding into %T is accepted", into)
		}
	}
	var odd struct {
		C chan int
		M map[int]any
		I fmt.Stringer
	}
	got := messages(Decode("f", []byte("C = 1\nM = {}\nI = 'x'"), &odd))
	want := []string{
		"f:1:5: C cannot be set: stricttoml does not support the type chan int",
		"f:2:5: M cannot be set: stricttoml does not support the type map[int]interface {}",
		"f:3:5: I cannot be set: stricttoml does not support the type fmt.Stringer",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}

// messages lists the errors that err consists of.
func messages(err error) []string {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{err.Error()}
	}
	var all []string
	for _, one := range joined.Unwrap() {
		all = append(all, one.Error())
	}
	return all
}

// FuzzDecode compares with the parser's own decoder: what Decode accepts means
// the same there and leaves no key undecoded, and what the parser refuses is
// refused here. Every defect has a place in the file.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got, want document
		err := Decode("f", data, &got)
		if err != nil {
			checkPlaces(t, data, err)
			return
		}
		meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(&want)
		if err != nil {
			t.Fatalf("accepted, but the parser says: %v", err)
		}
		// Formatted, because NaN and time zones do not compare.
		if got, want := fmt.Sprintf("%#v", plain(got)), fmt.Sprintf("%#v", plain(want)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for _, key := range meta.Undecoded() {
			isFree := len(key) > 2 && key[0] == "s" && (key[1] == "free" || key[1] == "any")
			if !isFree {
				t.Errorf("%s is unknown to the parser's decoder", key)
			}
		}
	})
}

// plain takes the pointers and the interfaces with times out of a document.
func plain(d document) document {
	if d.S.Optional != nil {
		d.S.Count += *d.S.Optional
	}
	d.S.Optional, d.S.Any, d.S.Free = nil, nil, nil
	return d
}

func checkPlaces(t *testing.T, data []byte, err error) {
	t.Helper()
	lines := 1 + bytes.Count(data, []byte("\n"))
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	previous := 0
	for i, one := range all {
		var defect *diag.Error
		if !errors.As(one, &defect) {
			t.Fatalf("%v is no *diag.Error", one)
		}
		if i == maxDefects {
			break
		}
		if defect.Line < max(1, previous) || defect.Line > lines || defect.Column < 1 {
			t.Errorf("%v: not in the text or not in order", one)
		}
		previous = defect.Line
	}
}
