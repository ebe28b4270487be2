package alert

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// asEventsHave is a text as Event.AppendJSON writes it.
func asEventsHave(text string) string {
	var b strings.Builder
	for _, char := range text {
		switch {
		case char == '"' || char == '\\':
			fmt.Fprintf(&b, `\%c`, char)
		case char < ' ' || char == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, char)
		default:
			b.WriteRune(char)
		}
	}
	return `"` + b.String() + `"`
}

// TestRewrittenEscapes compares with decoding and encoding.
func TestRewrittenEscapes(t *testing.T) {
	chars := []rune("ab<>&/'\"\\\u007f\u00e2\u2028\u2029\u202a\u20ac\ufffd\U0001f600")
	for char := range rune(' ') {
		chars = append(chars, char)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var text strings.Builder
		for range random.IntN(20) {
			text.WriteRune(chars[random.IntN(len(chars))])
		}
		value := `{"a":[` + asEventsHave(text.String()) + `,"b"],"c":` + asEventsHave(text.String()) + `}`
		decoded, err := parse([]byte(value))
		if err != nil {
			t.Fatal(err)
		}
		want, err := encode(decoded)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := appendRewritten(nil, []byte(value)); !ok || string(got) != string(want) {
			t.Fatalf("%q becomes %s (%v), want %s", text.String(), got, ok, want)
		}
	}
}

// TestUnknownEscapes leaves what events do not write to who decodes.
func TestUnknownEscapes(t *testing.T) {
	for _, value := range []string{`"\n"`, `"\/"`, `"\u2028"`, `"\u00C4"`, `"\u0041"`, `"\`, `"\u00`, "\"\xe2\""} {
		if got, ok := appendRewritten(nil, []byte(value)); ok {
			t.Errorf("%s becomes %s", value, got)
		}
	}
	const value = `"\/\u00C4"`
	if got, err := appendCanonical(nil, json.RawMessage(value)); err != nil || string(got) != `"/Ä"` {
		t.Errorf("got %s, %v", got, err)
	}
}
