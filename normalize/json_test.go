package normalize

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/internal/version"
)

var update = flag.Bool("update", false, "write the golden files")

func TestAppendString(t *testing.T) {
	for text, want := range map[string]string{
		"":                        `""`,
		"abc":                     `"abc"`,
		`a"b\c`:                   `"a\"b\\c"`,
		"\x00\x01\n\x1f\x7f":      `"\u0000\u0001\u000a\u001f\u007f"`,
		"é€😀":                     `"é€😀"`,
		"a\xffb":                  "\"a\ufffdb\"",
		"\xe2\x82":                "\"\ufffd\ufffd\"",
		"\xed\xa0\x80":            "\"\ufffd\ufffd\ufffd\"",
		"\ufffd":                  "\"\ufffd\"",
		"</script>&\u2028":        "\"</script>&\u2028\"",
		strings.Repeat("x", 5000): `"` + strings.Repeat("x", 5000) + `"`,
	} {
		got := string(appendString(nil, text))
		if got != want {
			t.Errorf("%q gives %s, not %s", text, got, want)
		}
		var back string
		if err := json.Unmarshal([]byte(got), &back); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestHostInDocument(t *testing.T) {
	facts := &HostFacts{ID: "abc", Hostname: "web", OS: OSFacts{Type: "linux", Full: "Debian 12"}, AgentID: "agent"}
	var documents []string
	c := NewCorrelator(Options{Emit: func(e *Event) {
		documents = append(documents, string(e.AppendJSON(nil, facts)), string(e.AppendJSON(nil, nil)))
	}})
	live(t, c, "type=USER_AUTH msg=audit(1.000:7): pid=1 uid=0 auid=0 ses=1 msg='op=x'")
	if !strings.Contains(documents[0], `"host":{"hostname":"web","id":"abc","name":"web","os":{"full":"Debian 12","type":"linux"}}`) ||
		!strings.Contains(documents[0], `"agent":{"id":"agent",`) {
		t.Error(documents[0])
	}
	if strings.Contains(documents[1], `"host"`) || strings.Contains(documents[1], `"id":"agent"`) {
		t.Error(documents[1])
	}
}

// TestUnknownKeys has keys that no field is registered for, before, between and
// after those that are.
func TestUnknownKeys(t *testing.T) {
	events, _ := run(t, Options{}, `type=CONFIG_CHANGE msg=audit(1.000:7): AAA=1 zzz=2 arch=c000003e syscall=42 asp=3 old auid=7 bad!key=4 op=x ses=1`)
	const want = `"data":{"AAA":"1","arch":"x86_64","asp":"3","old-auid":"7","op":"x","syscall":"connect","zzz":"2"}`
	if !strings.Contains(events[0].json, want) {
		t.Error(events[0].json)
	}
}

// TestGolden compares the events of whole recordings.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.log")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		events, _ := run(t, Options{Ordered: true}, splitLines(readFile(t, file))...)
		golden := strings.TrimSuffix(file, ".log") + ".ndjson"
		got := bytes.ReplaceAll(joined(events), []byte(`"version":"`+version.Version+`"`), []byte(`"version":"VERSION"`))
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want := readFile(t, golden); string(got) != string(want) {
			t.Errorf("%s differs from the events of %s; run with -update if that is wanted", golden, file)
		}
	}
}
