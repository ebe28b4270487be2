package alertview

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"tripline/internal/termtext"
	"tripline/sensor/alertlog"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

// document is an alert with evidence in which programs have hostile names.
func document(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/evidence.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func account(t *testing.T, document []byte) *Account {
	t.Helper()
	made, err := NewAccount(document)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// printable fails where a text could act on a terminal.
func printable(t *testing.T, text []byte) {
	t.Helper()
	for _, r := range string(text) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%U in the text", r)
		}
	}
}

// within fails where a line with more than one word is longer than the terminal.
func within(t *testing.T, text []byte, columns int) {
	t.Helper()
	for line := range strings.Lines(string(text)) {
		if n := termtext.Width(strings.TrimRight(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestTerminal(t *testing.T) {
	for _, columns := range []int{80, 120} {
		text := account(t, document(t)).Terminal(columns)
		printable(t, text)
		within(t, text, columns)
		if columns == 80 {
			golden(t, "testdata/evidence.80.golden", text)
		} else {
			golden(t, "testdata/evidence.120.golden", text)
		}
	}
}

// TestTerminalWithoutEvidence shows an alert as replay makes it.
func TestTerminalWithoutEvidence(t *testing.T) {
	bare, err := os.ReadFile("testdata/bare.json")
	if err != nil {
		t.Fatal(err)
	}
	text := account(t, bare).Terminal(100)
	printable(t, text)
	within(t, text, 100)
	golden(t, "testdata/bare.100.golden", text)
}

// TestTerminalOfAnything shows documents in which nothing is what it should be.
func TestTerminalOfAnything(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        `{}`,
		"other kinds":  `{"rule":[1],"kibana":{"alert":{"rule":"x","severity":{}}},"process":7,"tripline":{"alert":{"id":5,"sequence":{"a":1},"evidence":[]}}}`,
		"null stages":  `{"tripline":{"alert":{"id":"a","sequence":[null,{"event":{"action":"x"}},7]}}}`,
		"odd evidence": `{"tripline":{"alert":{"id":"a","evidence":{"sockets":{"sockets":[{"a":{"b":1}},{"c":[1,2]}]},"new_part":{"x":1}}}}}`,
		"control":      `{"rule":{"name":"\u001b[2J\u202e\n\u0000"},"process":{"executable":"\u009b\u2028"},"tripline":{"alert":{"guide":"# \u001b]0;x\u0007\n- \u202e"}}}`,
	} {
		t.Run(name, func(t *testing.T) { printable(t, account(t, []byte(text)).Terminal(80)) })
	}
}

// TestStepOfNegativeStage says that the rule wants no such event.
func TestStepOfNegativeStage(t *testing.T) {
	made := account(t, []byte(`{"tripline":{"alert":{"id":"a","sequence":[{"@timestamp":"2026-11-25T00:00:00.000Z","event":{"action":"exec"}},null]}}}`))
	if len(made.Steps) != 2 || !made.Steps[1].Absent || made.Steps[0].What != "exec" {
		t.Errorf("%+v", made.Steps)
	}
}

func TestTable(t *testing.T) {
	one := alertlog.Alert{
		ID: "00f34be25c7907ff15af4e5d17493f4e", Time: time.Unix(1700000000, 0), RuleName: "A rule\x1b[1m", Severity: "high",
		Process: "/usr/local/lib/a/very/long/path/to/a/program/that/connects", PID: 12, Destination: "[2001:db8::1]:443", Host: "a",
	}
	other := one
	other.Host, other.Test = "b", true
	got := Table([]*alertlog.Alert{&one}, 100)
	printable(t, got)
	within(t, got, 100)
	want := `TIME (UTC)           SEVERITY  ID            PROCESS                DESTINATION        RULE
2023-11-14 22:13:20  high      00f34be25c79  …m/that/connects (12)  [2001:db8::1]:443  A rule\x1b[1m
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	both := string(Table([]*alertlog.Alert{&one, &other}, 200))
	if !strings.Contains(both, "HOST") || !strings.Contains(both, "(test) A rule") || !strings.Contains(both, "/usr/local/lib/a/very") {
		t.Errorf("%s", both)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name, text string
		to         int
		want       string
	}{
		{"short", "a b", 10, "a b"},
		{"at spaces", "one two three", 8, "one two|three"},
		{"one long word", "abcdefghijklmno", 10, "abcdefghij|klmno"},
		{"exactly", "abcdefgh ijk", 8, "abcdefgh|ijk"},
		{"wide characters", "漢字漢字漢字", 8, "漢字漢字|漢字"},
		{"empty", "", 10, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := strings.Join(termtext.Wrap(test.text, test.to), "|"); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	var got []string
	for _, one := range blocksOf("# Title #\n\ntext\ngoes on\n- a\n  b\n  - deep\n1. first\n> said\n```\n- code\n```\nend") {
		got = append(got, string(rune('0'+one.kind))+one.mark+one.text)
	}
	want := "1Title|0text goes on|2-a b|2-deep|21.first|4said|3- code\n|0end"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

func FuzzAccount(f *testing.F) {
	text, err := os.ReadFile("testdata/evidence.ndjson")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"tripline":{"alert":{"id":"a","sequence":[null],"guide":"- **a** [b](javascript:x)"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		made, err := NewAccount(text)
		if err != nil {
			return
		}
		printable(t, made.Terminal(80))
	})
}
