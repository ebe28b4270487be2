package normalize

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

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
		"12345678\t":              `"12345678\u0009"`,
		"1234567\x7f":             `"1234567\u007f"`,
		"123456\"8x":              `"123456\"8x"`,
		"\\234567\xff":            "\"\\\\234567\ufffd\"",
		"12é45678":                `"12é45678"`,
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

// TestAppendTime compares dates with those of the time package.
func TestAppendTime(t *testing.T) {
	const layout = `"2006-01-02T15:04:05.000Z"`
	for day := time.Unix(0, 0).UTC(); day.Year() < 2262; day = day.AddDate(0, 0, 1) {
		for _, at := range []time.Time{day, day.Add(24*time.Hour - time.Nanosecond)} {
			if got, want := string(appendTime(nil, at.UnixNano())), at.Format(layout); got != want {
				t.Fatalf("%s is written %s", want, got)
			}
		}
	}
	if got := string(appendTime(nil, -1)); got != `"1969-12-31T23:59:59.999Z"` {
		t.Error(got)
	}
}

// FuzzAppendString reads back what was written.
func FuzzAppendString(f *testing.F) {
	f.Add("plain text of more than eight bytes", 3)
	f.Add("12345678\"\\\x00\x7f\xffé", 0)
	f.Fuzz(func(t *testing.T, s string, skip int) {
		s = s[min(max(skip, 0), len(s)):]
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q was read as %q, %v", s, back, err)
		}
	})
}

func TestRegistryFits(t *testing.T) {
	if len(registry) > maxFields {
		t.Errorf("there are %d fields, and room for %d", len(registry), maxFields)
	}
}
