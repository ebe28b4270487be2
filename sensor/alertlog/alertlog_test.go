package alertlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// line is an alert document with what lists read.
func line(id string, second int, severity string) string {
	return fmt.Sprintf(`{"@timestamp":"2026-11-25T00:00:%02d.000Z","rule":{"id":"r-1","name":"A Rule"},"host":{"hostname":"web%d","id":"h"},`+
		`"process":{"name":"nc","pid":8,"executable":"/bin/nc"},"destination":{"address":"::1","port":9},"user":{"id":"0"},`+
		`"kibana":{"alert":{"severity":%q,"risk_score":43}},"tripline":{"alert":{"id":%q}}}`, second, second, severity, id)
}

// write makes a file, compressed where its name says so.
func write(t *testing.T, path, content string) {
	t.Helper()
	data := []byte(content)
	if strings.HasSuffix(path, ".gz") {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		data = packed.Bytes()
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// read reads all ids of the files that a filter wants, and the defects.
func read(t *testing.T, filter Filter, files ...string) (ids []string, defects []error, counts Counts) {
	t.Helper()
	reader, err := NewReader(filter, strings.NewReader(""), func(err error) { defects = append(defects, err) })
	if err != nil {
		t.Fatal(err)
	}
	err = reader.Each(t.Context(), files, func(one *Alert) error {
		ids = append(ids, one.ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, defects, reader.Counts()
}

func TestFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "alerts.ndjson")
	if _, err := Files(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for _, name := range []string{
		"alerts.ndjson", "alerts.ndjson.000002", "alerts.ndjson.000001.gz", "alerts.ndjson.000001", "alerts.ndjson.1", "alerts.ndjson.2.gz",
		"alerts.ndjson.10.gz", "alerts.ndjson-20261124.gz", "alerts.ndjson-20261123", "alerts.ndjson.000003.gz.partial", "alerts.ndjson.gz",
		"alerts.ndjson.", "alerts.ndjson.x", "alerts.ndjson--1", "other.ndjson", "alerts.ndjson~",
	} {
		write(t, filepath.Join(folder, name), "")
	}
	if err := os.Mkdir(filepath.Join(folder, "alerts.ndjson.3"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := Files(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range files {
		files[i] = strings.TrimPrefix(filepath.Base(files[i]), "alerts.ndjson")
	}
	want := []string{"-20261123", "-20261124.gz", ".10.gz", ".2.gz", ".1", ".000001.gz", ".000002", ""}
	if !slices.Equal(files, want) {
		t.Errorf("%q, want %q", files, want)
	}
}

func TestReader(t *testing.T) {
	folder := t.TempDir()
	old, now := filepath.Join(folder, "a.000001.gz"), filepath.Join(folder, "a")
	write(t, old, line("aa", 1, "low")+"\n")
	write(t, now, strings.Join([]string{
		line("bb", 2, "high"), "not JSON", "", `{"event":{"kind":"event"}}`, `{"tripline":{"health":{"id":"x"}}}`,
		line("cc", 3, "medium")[:90], strings.Repeat("x", maxLineBytes+1), line("dd", 4, "critical") + "\r", line("ee", 5, "low")[:200],
	}, "\n"))
	ids, defects, counts := read(t, Filter{}, old, filepath.Join(folder, "absent"), now)
	if strings.Join(ids, " ") != "aa bb dd" {
		t.Errorf("%q", ids)
	}
	if want := (Counts{Alerts: 3, Health: 1, Foreign: 4, Torn: 1, Failed: 1}); counts != want {
		t.Errorf("%+v, want %+v", counts, want)
	}
	var places []string
	for _, one := range defects {
		places = append(places, strings.TrimPrefix(one.Error(), now)[:3])
	}
	if !slices.Equal(places[1:], []string{":2:", ":4:", ":6:", ":7:", ":9:"}) {
		t.Errorf("%q", defects)
	}
}

// TestLastLineWithoutEnding is complete and counts.
func TestLastLineWithoutEnding(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, line("aa", 1, "low"))
	if ids, defects, counts := read(t, Filter{}, path); len(ids) != 1 || defects != nil || counts.Torn != 0 {
		t.Errorf("%q %v", ids, defects)
	}
}

// TestCutGzip gives what is before the cut, and says that there was one.
func TestCutGzip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.gz")
	var content strings.Builder
	for i := range 2000 {
		content.WriteString(line(fmt.Sprintf("%x", i*7919), i%60, "low") + "\n")
	}
	write(t, path, content.String())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	ids, defects, counts := read(t, Filter{}, path)
	if len(ids) == 0 || len(ids) == 2000 || len(defects) != 1 || counts.Failed != 1 {
		t.Errorf("%d ids, %v", len(ids), defects)
	}
}

func TestFilter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, line("aa", 1, "low")+"\n"+line("ab", 2, "high")+"\n"+line("bb", 3, "critical")+"\n")
	at := func(second int) time.Time { return time.Date(2026, 11, 25, 0, 0, second, 0, time.UTC) }
	for _, test := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"all", Filter{}, "aa ab bb"},
		{"since", Filter{Since: at(2)}, "ab bb"},
		{"until", Filter{Until: at(2)}, "aa"},
		{"rule id", Filter{Rule: "r-1"}, "aa ab bb"},
		{"part of a rule's id", Filter{Rule: "r-"}, ""},
		{"part of a rule's name", Filter{Rule: "a ru"}, "aa ab bb"},
		{"severity", Filter{Severities: []string{"low", "critical"}}, "aa bb"},
		{"host", Filter{Host: "web2"}, "ab"},
		{"hosts", Filter{Host: "web*"}, "aa ab bb"},
		{"host id", Filter{Host: "h"}, "aa ab bb"},
		{"id", Filter{ID: "a"}, "aa ab"},
		{"condition", Filter{Where: `process.name == "nc" and kibana.alert.severity in ("high", "low")`}, "aa ab"},
		{"condition that never holds", Filter{Where: `process.pid > 8`}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids, _, counts := read(t, test.filter, path)
			if strings.Join(ids, " ") != test.want || counts.Alerts+counts.Others != 3 {
				t.Errorf("%q, %+v", ids, counts)
			}
		})
	}
	if _, err := NewReader(Filter{Where: "process.name = ="}, nil, nil); err == nil {
		t.Error("a broken condition is accepted")
	}
}

func TestAlert(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	write(t, path, "\n"+line("aa", 1, "low")+"\n")
	reader, err := NewReader(Filter{}, nil, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	err = reader.Each(t.Context(), []string{path}, func(one *Alert) error {
		if one.Line != 2 || one.Host != "web1" || one.Process != "/bin/nc" || one.PID != 8 || one.User != "0" ||
			one.Destination != "[::1]:9" || one.Risk != 43 || one.RuleID != "r-1" || !one.Time.Equal(time.Date(2026, 11, 25, 0, 0, 1, 0, time.UTC)) {
			t.Errorf("%+v", one)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"24h": "2026-11-24T12:00:00Z", "90m": "2026-11-25T10:30:00Z", "7d": "2026-11-18T12:00:00Z", "2w": "2026-11-11T12:00:00Z",
		"2026-11-20": "2026-11-20T00:00:00Z", "2026-11-20 08:30": "2026-11-20T08:30:00Z",
		"2026-11-20T08:30:00+02:00": "2026-11-20T06:30:00Z",
		"":                          "", "d": "", "-1h": "", "-1d": "", "yesterday": "", "99999999d": "", "1.5d": "",
	} {
		at, err := ParseTime(text, now)
		if got := at.UTC().Format(time.RFC3339); (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q is %s, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseSeverities(t *testing.T) {
	for text, want := range map[string]string{"": "", "high": "high", "Low, critical": "low critical", "medium+": "medium high critical", "worse": "error"} {
		got, err := ParseSeverities(text)
		if err != nil {
			got = []string{"error"}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

// TestCollection joins the documents of an alert and keeps the newest alerts.
func TestCollection(t *testing.T) {
	collection := NewCollection(2)
	for i, text := range []string{
		`{"@timestamp":"2026-11-25T00:00:00Z","tripline":{"alert":{"id":"a","n":1}}}`,
		`{"@timestamp":"2026-11-25T00:00:01Z","tripline":{"alert":{"id":"a","n":2,"evidence":{"x":"<"}}}}`,
	} {
		if err := collection.Add(&Alert{ID: "a", JSON: []byte(text), Time: time.Unix(int64(100+i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	alerts := collection.Alerts()
	if len(alerts) != 1 || string(alerts[0].JSON) != `{"@timestamp":"2026-11-25T00:00:00Z","tripline":{"alert":{"evidence":{"x":"<"},"id":"a","n":1}}}` {
		t.Errorf("%s", alerts[0].JSON)
	}
	for i := range 20 {
		if err := collection.Add(&Alert{ID: fmt.Sprint(i), Time: time.Unix(int64(1000-i), 0)}); err != nil {
			t.Fatal(err)
		}
	}
	alerts = collection.Alerts()
	if len(alerts) != 2 || alerts[0].ID != "1" || alerts[1].ID != "0" || collection.Dropped() != 19 {
		t.Errorf("%d alerts, %d dropped", len(alerts), collection.Dropped())
	}
}

// FuzzReader reads anything as an alert file.
func FuzzReader(f *testing.F) {
	f.Add([]byte(line("aa", 1, "low")+"\n{\"tripline\":{\"alert\":{\"id\":[1,\"x\"]}}}\nx"), `process.name == "nc"`)
	f.Add([]byte{0x1f, 0x8b, 8, 0}, "")
	f.Fuzz(func(t *testing.T, content []byte, where string) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		reader, err := NewReader(Filter{Where: where}, nil, func(error) {})
		if err != nil {
			return
		}
		found := NewCollection(4)
		err = reader.Each(context.Background(), []string{path}, func(one *Alert) error {
			if one.ID == "" || !json.Valid(one.JSON) && !strings.ContainsRune(string(one.JSON), 0xfffd) && validText(one.JSON) {
				t.Errorf("no alert: %q", one.JSON)
			}
			return found.Add(one)
		})
		if err != nil && validText(content) {
			t.Error(err)
		}
	})
}

// validText says whether encoding/json takes the text as it is.
func validText(text []byte) bool { return bytes.Equal(bytes.ToValidUTF8(text, nil), text) }

// TestEvidenceFollows joins the document that follows an alert, whatever the
// filter says of it.
func TestEvidenceFollows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	evidence := func(id string) string {
		return fmt.Sprintf(`{"@timestamp":"2026-11-25T01:00:00Z","event":{"kind":"enrichment"},"tripline":{"alert":{"id":%q,"evidence":{"took_ms":3}}}}`, id)
	}
	write(t, path, strings.Join([]string{line("aa", 1, "low"), line("bb", 2, "high"), evidence("aa"), evidence("bb"), evidence("cc")}, "\n"))
	for name, collect := range map[string]func(*Reader) []*Alert{
		"collection": func(r *Reader) []*Alert {
			c := NewCollection(9)
			if err := r.Each(t.Context(), []string{path}, c.Add); err != nil {
				t.Fatal(err)
			}
			return c.Alerts()
		},
		"joiner": func(r *Reader) (all []*Alert) {
			j := NewJoiner(func(a *Alert) error { all = append(all, a); return nil })
			if err := errors.Join(r.Each(t.Context(), []string{path}, j.Add), j.Flush()); err != nil {
				t.Fatal(err)
			}
			if j.Late() != 2 {
				t.Errorf("%d late", j.Late())
			}
			return all
		},
	} {
		t.Run(name, func(t *testing.T) {
			reader, err := NewReader(Filter{Severities: []string{"high"}, Until: time.Date(2026, 11, 25, 0, 30, 0, 0, time.UTC)}, nil, func(err error) { t.Error(err) })
			if err != nil {
				t.Fatal(err)
			}
			alerts := collect(reader)
			if len(alerts) != 1 || alerts[0].ID != "bb" || !strings.Contains(string(alerts[0].JSON), `"evidence":{"took_ms":3}`) ||
				!strings.Contains(string(alerts[0].JSON), `"@timestamp":"2026-11-25T00:00:02.000Z"`) {
				t.Errorf("%+v", alerts)
			}
			if counts := reader.Counts(); counts.Alerts != 1 || counts.Others != 1 || counts.Evidence != 3 {
				t.Errorf("%+v", counts)
			}
		})
	}
}

// TestJoinerIsBounded passes alerts on before the end.
func TestJoinerIsBounded(t *testing.T) {
	passed := 0
	j := NewJoiner(func(*Alert) error { passed++; return nil })
	for i := range joinWindow + 5 {
		if err := j.Add(&Alert{ID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if passed != 5 || len(j.waiting) != joinWindow || len(j.byID) != joinWindow {
		t.Errorf("%d passed, %d wait", passed, len(j.waiting))
	}
}
