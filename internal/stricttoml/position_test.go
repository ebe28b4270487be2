package stricttoml

import (
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestKeyPosition(t *testing.T) {
	const text = `# [rule]
top = 1
'quoted key' = "é" # comment
a.b . "c.d" = [1, [2,
  3]]
[rule]
  query = '''
sequence by x
'''
  one_line = '''sequence'''
  crlf = """` + "\r\n" + `text
  \""" still text"""""
  after = 5
  inline = { x = 'é', y = { z = "v" } }
  empty = ''
[[rule.threat]]
id = "first"
  [rule.threat.sub]
  k = true
[[rule.threat]]
framework = 2024-01-01 10:00:00 # not in the time
id = "second"
[ rule . "x y" ]
`
	tests := []struct {
		key          string
		line, column int
	}{
		{"top", 2, 7},
		{"quoted key", 3, 17},
		{"a/b/c.d", 4, 15},
		{"a/b/c.d/0", 4, 16},
		{"a/b/c.d/1/1", 5, 3},
		{"rule", 6, 2},
		{"rule/query", 8, 1},
		{"rule/one_line", 10, 17},
		{"rule/crlf", 12, 1},
		{"rule/after", 14, 11},
		{"rule/inline", 15, 12},
		{"rule/inline/x", 15, 19},
		{"rule/inline/y/z", 15, 34},
		{"rule/empty", 16, 12},
		{"rule/threat/0/id", 18, 7},
		{"rule/threat/0/sub", 19, 16},
		{"rule/threat/0/sub/k", 20, 7},
		{"rule/threat/1", 21, 8},
		{"rule/threat/1/framework", 22, 13},
		{"rule/threat/1/id", 23, 7},
		{"rule/x y", 24, 10},
		{"nothing", 0, 0},
		{"rule/nothing", 0, 0},
		{"rule/threat/2", 0, 0},
		{"rule/threat/-1", 0, 0},
		{"top/x", 0, 0},
	}
	for _, test := range tests {
		line, column, ok := KeyPosition([]byte(text), strings.Split(test.key, "/")...)
		if line != test.line || column != test.column || ok != (test.line > 0) {
			t.Errorf("%s is at %d:%d, %t, not at %d:%d", test.key, line, column, ok, test.line, test.column)
		}
	}
	if _, _, ok := KeyPosition([]byte(text)); ok {
		t.Error("no key has a position")
	}
}

func TestErrorAt(t *testing.T) {
	data := []byte("[kernel]\nbacklog_limit = -1\n")
	err := ErrorAt("f", data, "too small", "use 0", "kernel", "backlog_limit")
	if got, want := err.Error(), "f:2:17: too small; use 0"; got != want || err.Source != "backlog_limit = -1" {
		t.Errorf("got %q, source %q", got, err.Source)
	}
	if got, want := ErrorAt("f", data, "m", "", "kernel", "key").Error(), "f: m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzKeyPosition asks for every key of every text that the parser accepts, and
// for values of strings checks that the text stands at the position.
func FuzzKeyPosition(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := decodable(data)
		index, tooDeep := scan(text) // also of what is not TOML: it has to end
		var tree map[string]any
		if _, err := toml.Decode(text, &tree); err != nil || tooDeep >= 0 || strings.Contains(text, byteOrderMark) {
			return
		}
		checkIndex(t, text, index, tree)
		for name := range tree {
			if _, _, ok := KeyPosition(data, name); !ok {
				t.Errorf("%q is not found", name)
			}
		}
	})
}

// checkIndex compares the scanner's tree with the parser's.
func checkIndex(t *testing.T, text string, n *node, value any) {
	t.Helper()
	switch value := value.(type) {
	case map[string]any:
		if len(value) != len(n.table) {
			t.Fatalf("the scanner found %d keys, the parser %d: %v", len(n.table), len(value), value)
		}
		for name, element := range value {
			child, ok := n.table[name]
			if !ok {
				t.Fatalf("the scanner did not find %q", name)
			}
			checkIndex(t, text, child, element)
		}
	case []any:
		if len(value) != len(n.array) {
			t.Fatalf("the scanner found %d elements, the parser %d: %v", len(n.array), len(value), value)
		}
		for i, element := range value {
			checkIndex(t, text, n.array[i], element)
		}
	case []map[string]any:
		if len(value) != len(n.array) {
			t.Fatalf("the scanner found %d elements, the parser %d: %v", len(n.array), len(value), value)
		}
		for i, element := range value {
			checkIndex(t, text, n.array[i], element)
		}
	case string:
		head := value[:min(len(value), 3)]
		if !strings.Contains(text, `\`) && !strings.HasPrefix(text[n.content:], head) {
			t.Errorf("%q does not stand at %d", value, n.content)
		}
	case int64:
		digit := text[n.content]
		if !strings.ContainsRune("+-0123456789", rune(digit)) {
			t.Errorf("%s stands at %q", strconv.FormatInt(value, 10), digit)
		}
	}
}

// seeds are texts for the fuzzers to start from.
func seeds() []string {
	return []string{
		"title = 'a'\n[s]\ncount = 1\n[[s.items]]\nname = 'b'\nsize = 3\n",
		"[s]\ntext = '''\na = 1\n''''\nnames = ['''x''', \"y\", # ]\n 'z']\n",
		"[s]\ntext = \"\"\"\\\n  a \\\"\"\" b\"\"\"\"\"\r\non = true\r\n",
		"s.free = { a = [1, { b = 2 }], \"c d\".e = 1.5e3 }\ns.table.x = 0x1F\n",
		"[s]\ncolour = 'rot'\noptional = -5\nsmall = 300\nany = 1979-05-27 07:32:00\nitem = 3\n",
		"\ufeff[ s . \"table\" ]\n'' = 1 # x\n\"\\u0061\\e\\x41\" = 2\n",
		"[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\n[a.b.d]\n[[a]]\n[x]\n",
		"a = [[], [[1]], {}]\nb = {c.d = 1, e = {}}\n= 1\n[\n",
	}
}
