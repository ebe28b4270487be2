package alert

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestObjectWriter has an object be written as encode writes it.
func TestObjectWriter(t *testing.T) {
	long := strings.Repeat("ä\"\\\n<", 3)
	w := newObjectWriter(make([]byte, 0, 10))
	w.first("a", []rawObject{{{"b", json.RawMessage("1")}}, {{"a", json.RawMessage(`{"x":"\u001b\"<"}`)}}})
	w.first("absent", []rawObject{{{"b", json.RawMessage("1")}}})
	w.number("b", -7)
	w.list("c", []json.RawMessage{json.RawMessage("null"), json.RawMessage("{}")})
	w.list("d", nil)
	w.open("e")
	w.open("inner")
	w.close()
	w.other("lost", map[string]any{"z": 1, "a": []string{long}})
	w.close()
	w.raw("f", nil)
	w.raw("g", json.RawMessage(`{"k":[1]}`))
	w.text("h", "plain")
	w.text("i", long)
	w.texts("j", []string{"x", long})
	w.texts("k", nil)
	w.texts("l", []string{})
	got, err := w.end()
	if err != nil {
		t.Fatal(err)
	}
	want, err := encode(map[string]any{
		"a": map[string]any{"x": "\x1b\"<"}, "b": -7, "c": []any{nil, map[string]any{}}, "d": []any{},
		"e": map[string]any{"inner": map[string]any{}, "lost": map[string]any{"z": 1, "a": []string{long}}},
		"f": nil, "g": map[string]any{"k": []int{1}}, "h": "plain", "i": long, "j": []string{"x", long}, "k": nil, "l": []string{},
	})
	if err != nil || string(got) != string(want) {
		t.Errorf("%s\nand not %s, %v", got, want, err)
	}
}

// TestObjectWriterFails has an object with a value that has no text be an error.
func TestObjectWriterFails(t *testing.T) {
	for name, write := range map[string]func(*objectWriter){
		"no JSON":    func(w *objectWriter) { w.first("a", []rawObject{{{"a", json.RawMessage(`"\x"`)}}}) },
		"a function": func(w *objectWriter) { w.other("a", func() {}) },
	} {
		w := newObjectWriter(nil)
		write(&w)
		w.text("b", "goes on")
		if text, err := w.end(); err == nil {
			t.Errorf("%s: %s", name, text)
		}
	}
}
