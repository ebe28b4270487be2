package alert

import (
	"encoding/json"
	"strings"
	"testing"

	"tripline/detect"
)

// TestDocumentForm has an alert's own parts be written as encoding/json writes them
// with sorted names, whatever the events hold.
func TestDocumentForm(t *testing.T) {
	for name, records := range map[string]string{
		"hostile": attack,
		"plain":   strings.ReplaceAll(attack, "exe=2F746D702F1B5B326A", `exe="/bin/a"`),
		"separators and DEL": strings.NewReplacer("exe=2F746D702F1B5B326A", "exe=2FE280A8E280A97F0A", "proctitle=78001B5D303B6F776E656407", "proctitle=78E282AC00FF").
			Replace(attack),
	} {
		t.Run(name, func(t *testing.T) {
			builder := Builder{}
			matches(t, records, func(match detect.Match) {
				made, err := builder.Build(match, false)
				if err != nil {
					t.Fatal(err)
				}
				sameForm(t, made.JSON)
			})
		})
	}
}

func sameForm(t *testing.T, document []byte) {
	t.Helper()
	whole, ok := readObject(document)
	if !ok || len(whole) < 10 {
		t.Fatalf("%d members of %s", len(whole), document)
	}
	for i, one := range whole {
		if i > 0 && whole[i-1].name >= one.name {
			t.Errorf("%s comes before %s", whole[i-1].name, one.name)
		}
		if one.name == "tripline" { // with the events as they are
			continue
		}
		fields, err := parse([]byte(`{"x":` + string(one.value) + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if want, err := encode(fields["x"]); err != nil || string(want) != string(one.value) {
			t.Errorf("%s: %s, want %s", one.name, one.value, want)
		}
	}
}

func TestReadObjectRefuses(t *testing.T) {
	for _, text := range []string{"", "{", "[]", `{"a"}`, `{"a":1`, `{"a":1,}`, `{"a":1}x`, `{"a":"b}`, `{"a\u0062":1}`, `{ "a":1}`, `{"a":1 ,"b":2}x`, `{a:1}`} {
		if got, ok := readObject([]byte(text)); ok {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// FuzzReadObject holds what is read of objects that encoding/json wrote against
// what it reads of them.
func FuzzReadObject(f *testing.F) {
	f.Add([]byte(`{"a":{"b":["x",{"y":"}\"]"}],"c":-1.5e3},"d":"","e":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if object, ok := readObject(text); ok {
			object.get("a", "b")
		}
		fields, err := parse(text)
		if err != nil || fields == nil {
			return
		}
		compact, err := encode(fields)
		if err != nil {
			t.Fatal(err)
		}
		object, ok := readObject(compact)
		if !ok {
			for name := range fields { // names with escapes are left to others
				if encoded, err := encode(name); err != nil || strings.Contains(string(encoded), `\`) {
					return
				}
			}
			t.Fatalf("%s was not read", compact)
		}
		for name, value := range fields {
			if want, err := encode(value); err != nil || string(object.get(name)) != string(want) {
				t.Errorf("%s in %s: %s, want %s", name, compact, object.get(name), want)
			}
			if want, is := value.(string); is && object.text(name) != want && json.Valid(compact) {
				t.Errorf("%s in %s: %q, want %q", name, compact, object.text(name), want)
			}
		}
	})
}
