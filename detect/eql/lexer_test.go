package eql

import (
	"errors"
	"testing"

	"tripline/internal/diag"
)

func TestLexer(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"words", "a _b @c d1 in in~ like~ f~", []string{"a", "_b", "@c", "d1", "in", "in~", "like~", "f"}},
		{"numbers", "1 1.5 .5 1. 1e3 2E-2 1m 1.x", []string{"1", "1.5", ".5", "1.", "1e3", "2E-2", "1", "m", "1.", "x"}},
		{"symbols", "==!=<=>=<>:=+-*/%.,[]()|?![", []string{
			"==", "!=", "<=", ">=", "<", ">", ":", "=", "+", "-", "*", "/", "%", ".", ",", "[", "]", "(", ")", "|", "?", "![",
		}},
		{"strings", `"a\"b" """c"d""" "" """"""`, []string{`a"b`, `c"d`, "", ""}},
		{"quotes at the end of a raw string", `"""a""""" """b""""`, []string{`a""`, `b"`}},
		{"names in backticks", "`a b` `c``d`", []string{"a b", "c`d"}},
		{"comments", "a//b\nc/*d*/e /**/ /* /* */ */f", []string{"a", "c", "e", "f"}},
		{"blank", " \t\r\n", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := lexer{text: test.text}
			for _, want := range test.want {
				got, err := l.next()
				if err != nil || got.text != want {
					t.Fatalf("next = %q, %v, want %q", got.text, err, want)
				}
			}
			if got, err := l.next(); err != nil || got.kind != tokenEnd {
				t.Fatalf("next = %v, %v, want the end", got, err)
			}
		})
	}
}

// FuzzLexer checks that tokens follow one another without overlapping, and
// that an error has a place inside the text.
func FuzzLexer(f *testing.F) {
	for _, seed := range []string{
		"process where user.id == \"0\" and not `a``b` : (\"/bin/*\", \"\"\"\\d\"\"\"\"\")",
		"1.5e-3 .5 in~ f~ ![x] // c\n /* d /* e */ */ \"\\u{1F600}\\n\"",
		"'a' ?\"b\" \xff “c” & !",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l := lexer{text: text}
		for last := Pos(0); ; {
			tok, err := l.next()
			if err != nil {
				var defect *diag.Error
				if !errors.As(err, &defect) || defect.Line < 1 || defect.Column < 1 || defect.Column > len(defect.Source)+1 {
					t.Fatalf("error has no place in the text: %#v", err)
				}
				return
			}
			if tok.kind == tokenEnd {
				return
			}
			if tok.pos < last || tok.end <= tok.pos || int(tok.end) > len(text) {
				t.Fatalf("token %v is at %d to %d, the one before ends at %d", tok, tok.pos, tok.end, last)
			}
			last = tok.end
		}
	})
}
