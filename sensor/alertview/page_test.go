package alertview

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPageEscapes(t *testing.T) {
	to := new(page)
	to.add(`<p class="%">% and %</p>`, `" onclick="x`, "<b>&", "100%")
	to.addIf(false, "<hr>")
	to.addIf(true, "<b>%</b>", "'")
	const want = `<p class="&#34; onclick=&#34;x">&lt;b&gt;&amp; and 100%</p><b>&#39;</b>`
	if got := to.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestMarkupIsConstant fails where a text could become markup: by a conversion, or
// by being written past the escaping, as only the embedded style is.
func TestMarkupIsConstant(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	conversions, writes := 0, 0
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch called := call.Fun.(type) {
			case *ast.Ident:
				if called.Name == "markup" {
					conversions++
				}
			case *ast.SelectorExpr:
				if name, ok := called.X.(*ast.Ident); ok && name.Name == "to" && strings.HasPrefix(called.Sel.Name, "Write") {
					writes++
					if argument, ok := call.Args[0].(*ast.Ident); !ok || argument.Name != "reportStyle" {
						t.Errorf("%s: something is written to the page without being escaped", path)
					}
				}
			}
			return true
		})
	}
	if conversions != 0 || writes != 1 {
		t.Errorf("%d conversions to markup and %d writes past the escaping, want none and that of the style", conversions, writes)
	}
}
