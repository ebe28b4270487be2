package hunt

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// runHunt hunts in a text and returns the matches as lines of JSON and the
// defects that were reported.
func runHunt(t testing.TB, queries *Queries, text string, options Options) (matches, defects []string, summary Summary) {
	t.Helper()
	options.Stdin = strings.NewReader(text)
	matches, defects, summary, err := huntFiles(queries, []string{"-"}, options)
	if err != nil {
		t.Fatal(err)
	}
	return matches, defects, summary
}

func huntFiles(queries *Queries, files []string, options Options) (matches, defects []string, summary Summary, err error) {
	options.OnMatch = func(match *Match) error {
		matches = append(matches, string(match.AppendJSON(nil)))
		return nil
	}
	options.Report = func(err error) { defects = append(defects, err.Error()) }
	summary, err = Run(context.Background(), queries, files, options)
	return matches, defects, summary, err
}

func TestRun(t *testing.T) {
	const (
		one   = `{"@timestamp":1000,"event":{"category":"process","sequence":1},"pid":1}`
		two   = `{"@timestamp":"1970-01-01T00:00:02Z","event.category":["process","start"],"pid":1.0}`
		three = `{"@timestamp":"3000","event":{"category":"file"},"pid":1, "text": "<\u003c>"}`
		other = `{"@timestamp":2500,"event":{"category":"file"},"pid":2}`
	)
	match := func(keys string, events ...string) string {
		return `{"rule":null,"events":[` + strings.Join(events, ",") + `],"join_keys":[` + keys + `]}`
	}
	for _, test := range []struct {
		name, query string
		lines       []string
		want        []string
	}{
		{"event query", "process where pid == 1", []string{one, two, three}, []string{match("", one), match("", two)}},
		{"event query, out of order", "any where true", []string{three, one, two}, []string{match("", one), match("", two), match("", three)}},
		{
			"sequence", "sequence by pid [process where true] [process where true] [file where true]",
			[]string{one, two, other, three},
			[]string{match("1", one, two, three)},
		},
		{
			"sequence, out of order", "sequence by pid [process where true] [process where true] [file where true]",
			[]string{three, two, other, one},
			[]string{match("1", one, two, three)},
		},
		{
			"negative stage at the end", "sequence by pid with maxspan=1m [process where true] ![file where true]",
			[]string{one, other},
			[]string{match("1", one, "null")},
		},
		{
			"until", "sequence by pid [process where true] [file where true] until [process where ?`event.sequence` == null]",
			[]string{one, two, three},
			nil,
		},
		{"sample", "sample by pid [file where true] [process where true]", []string{one, three, other}, []string{match("1", three, one)}},
		{"pipe", "any where true | tail 1", []string{three, one}, []string{match("", three)}},
		{"missing field", "any where no.such.field == null and not neither == 1", []string{one}, []string{match("", one)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, defects, _ := runHunt(t, newQueries(t, test.query), strings.Join(test.lines, "\n"), Options{})
			if !slices.Equal(got, test.want) || len(defects) > 0 {
				t.Errorf("got %s\nwant %s\n%q", strings.Join(got, "\n"), strings.Join(test.want, "\n"), defects)
			}
		})
	}
}

func TestRunReportsDefects(t *testing.T) {
	text := "\ufeff" + strings.Join([]string{
		`{"@timestamp":1}`, ``, `  `, "{\"@timestamp\":2}\r", `  {"é":x}`, `[]`, `{"@timestamp":"yesterday"}`, `{}`, ` {"@timestamp":3} `,
	}, "\n")
	matches, defects, summary := runHunt(t, newQueries(t, "any where true"), text, Options{})
	wantDefects := []string{
		"-:5:8: expected a value; every line has to be one JSON object",
		"-:6:1: this is no JSON object; every line has to be one JSON object",
		"-:7: document has no valid timestamp in @timestamp and is not matched",
		"-:8: document has no valid timestamp in @timestamp and is not matched",
	}
	if !slices.Equal(defects, wantDefects) {
		t.Errorf("defects:\n%s", strings.Join(defects, "\n"))
	}
	if want := (Summary{Documents: 5, Malformed: 2, Untimed: 2, Matches: 3}); summary != want {
		t.Errorf("%+v, want %+v", summary, want)
	}
	if len(matches) != 3 || !strings.Contains(matches[2], `[{"@timestamp":3}]`) {
		t.Errorf("%q", matches)
	}
}

// randomEvents writes documents with times and tiebreakers that often collide.
// Each has an id, its place in the order of all.
func randomEvents(random *rand.Rand, count int) []string {
	type event struct{ time, tiebreaker, group int }
	events := make([]event, count)
	for i := range events {
		events[i] = event{random.IntN(count / 2), random.IntN(1000 * count), random.IntN(20)}
	}
	slices.SortStableFunc(events, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.tiebreaker, b.tiebreaker))
	})
	lines := make([]string, 0, count)
	for i, e := range events {
		lines = append(lines, fmt.Sprintf(
			`{"@timestamp":%d,"event":{"category":"%s","sequence":%d},"group":%d,"id":%d,"pad":"%0*d"}`,
			e.time, []string{"process", "file", "network"}[i%3], e.tiebreaker, e.group, i, random.IntN(300), 0))
	}
	return lines
}

// TestOrderDoesNotMatter gives the same events in order, in any order, from one
// file or several, compressed or not, sorted in memory or on disk.
func TestOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	lines := randomEvents(random, 3000)
	shuffled := slices.Clone(lines)
	random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	files := map[string][]string{
		"ordered":  writeFiles(t, lines),
		"cut":      writeFiles(t, lines[:1000], lines[1000:2900], lines[2900:]),
		"shuffled": writeFiles(t, shuffled),
		"several":  writeFiles(t, shuffled[:500], shuffled[500:2000], shuffled[2000:]),
	}
	for _, query := range []string{
		"any where group == 3",
		"process where id % 7 == 0 | head 20",
		"sequence by group with maxspan=30ms [process where true] [file where true] with runs=2 [network where true]",
		"sequence by group with maxspan=30ms [process where true] ![file where true] [network where true] until [process where id % 11 == 0]",
	} {
		queries := newQueries(t, query)
		want, _, _ := runHunt(t, queries, strings.Join(lines, "\n"), Options{})
		if len(want) < 10 {
			t.Errorf("%s: only %d matches", query, len(want))
		}
		for name, files := range files {
			for _, limit := range []int{0, 20_000, 100} {
				got, defects, summary, err := huntFiles(queries, files, Options{SortBytes: limit, SortFolder: t.TempDir()})
				if err != nil || len(defects) > 0 || summary.Matches != uint64(len(got)) {
					t.Fatal(err, defects, summary)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: %s files and %d bytes: %d matches, want %d", query, name, limit, len(got), len(want))
				}
			}
		}
	}
}

// writeFiles writes lines into one file each, every second one compressed.
func writeFiles(t *testing.T, parts ...[]string) []string {
	t.Helper()
	folder := t.TempDir()
	var files []string
	for i, part := range parts {
		data := []byte(strings.Join(part, "\n") + "\n")
		if i%2 == 1 {
			data = compress(t, data)
		}
		file := filepath.Join(folder, fmt.Sprintf("%d.ndjson", i))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// TestInOrderNeedsNoDisk hunts in more than is sorted in memory, with no folder
// for temporary files.
func TestInOrderNeedsNoDisk(t *testing.T) {
	lines := randomEvents(rand.New(rand.NewPCG(13, 14)), 2000)
	queries := newQueries(t, "any where true")
	nowhere := Options{SortBytes: 10_000, SortFolder: filepath.Join(t.TempDir(), "absent")}
	got, _, _, err := huntFiles(queries, writeFiles(t, lines[:700], lines[700:]), nowhere)
	if err != nil || len(got) != len(lines) {
		t.Errorf("%d matches, %v", len(got), err)
	}
	if _, _, _, err = huntFiles(queries, writeFiles(t, lines[700:], lines[:700]), nowhere); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files that are not in order: %v", err)
	}
}

func TestSize(t *testing.T) {
	lines := randomEvents(rand.New(rand.NewPCG(15, 16)), 900)
	queries := newQueries(t, "process where true", "file where true", "network where id < 9")
	for _, limit := range []int{0, 1000} {
		got, _, _, err := huntFiles(queries, writeFiles(t, lines), Options{Size: 5, SortBytes: limit})
		if err != nil || len(got) != 13 {
			t.Errorf("%d matches, %v", len(got), err)
		}
	}
}

func TestRunGoesOnAfterAFileThatFails(t *testing.T) {
	lines := randomEvents(rand.New(rand.NewPCG(17, 18)), 100)
	files := writeFiles(t, lines[:50], lines[50:])
	broken := filepath.Join(t.TempDir(), "broken.gz")
	data := compress(t, []byte(strings.Repeat(lines[0]+"\n", 1000)))
	if err := os.WriteFile(broken, data[:len(data)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	files = append([]string{"absent", broken, t.TempDir()}, files...)
	got, defects, summary, err := huntFiles(newQueries(t, "any where id > 0"), files, Options{})
	if err != nil || summary.Failed != 3 || len(got) != 99 {
		t.Errorf("%d matches, %+v, %v", len(got), summary, err)
	}
	for i, want := range []string{"absent", "unexpected EOF", "directory"} {
		if i >= len(defects) || !strings.Contains(defects[i], want) {
			t.Errorf("defects %q, want %q", defects, want)
		}
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	silent, writer := io.Pipe()
	defer func() { _ = writer.Close() }()
	go func() {
		_, _ = io.WriteString(writer, "{\"@timestamp\":1}\n")
		cancel()
	}()
	_, err := Run(ctx, newQueries(t, "any where true"), []string{"-"}, Options{Stdin: silent, Report: func(err error) { t.Error(err) }})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRunEndsWithTheOutput(t *testing.T) {
	lines := randomEvents(rand.New(rand.NewPCG(19, 20)), 100)
	for _, limit := range []int{0, 1000} {
		calls := 0
		_, err := Run(context.Background(), newQueries(t, "any where true"), writeFiles(t, lines), Options{
			SortBytes: limit,
			OnMatch: func(*Match) error {
				calls++
				return io.ErrClosedPipe
			},
		})
		if !errors.Is(err, io.ErrClosedPipe) || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
	}
}

func TestInputLines(t *testing.T) {
	long := strings.Repeat("x", 3*readBytes)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"nothing", "", nil},
		{"no ending", "a\nb", []string{"a", "b"}},
		{"empty lines", "\n\na\n\n", []string{"", "", "a", ""}},
		{"long", "a\n" + long + "\nb\n", []string{"a", long, "b"}},
		{"too long", "a\n" + long + long + "\nb\n", []string{"a", "too long", "b"}},
		{"too long at the end", "a\n" + long + long, []string{"a", "too long"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in, err := openInput(context.Background(), "-", strings.NewReader(test.text), nil)
			if err != nil {
				t.Fatal(err)
			}
			in.longest = 4 * readBytes
			var got []string
			for {
				line, err := in.next()
				if errors.Is(err, io.EOF) {
					break
				}
				if errors.Is(err, errLineTooLong) {
					line = []byte("too long")
				}
				got = append(got, string(line))
				if in.line != len(got) {
					t.Errorf("line %d is called %d", len(got), in.line)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%.100q", got)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		rule    detect.Rule
		want    string
		wantNil bool
	}{
		{"syntax", detect.Rule{Definition: detect.Definition{Query: "process wher true"}}, "where", true},
		{"timestamp", detect.Rule{Definition: detect.Definition{Query: "any where true", TimestampField: "event.ingested"}}, "--timestamp-field event.ingested", true},
		{"tiebreaker", detect.Rule{Definition: detect.Definition{Query: "any where true", TiebreakerField: "n"}}, "--tiebreaker-field n", true},
		{"field", detect.Rule{Definition: detect.Definition{Query: "any where " + strings.Repeat("a.", 60) + "a == 1"}}, "a.a.a", true},
		{"same fields", detect.Rule{Definition: detect.Definition{Query: "any where true", TimestampField: "@timestamp"}}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			queries, err := Compile([]*detect.Rule{&test.rule}, FieldNames{})
			if (queries == nil) != test.wantNil || !strings.Contains(fmt.Sprint(err), cmp.Or(test.want, "<nil>")) {
				t.Errorf("%v, %v", queries, err)
			}
		})
	}
	if _, err := Compile([]*detect.Rule{NewRule("", "any where true")}, FieldNames{Timestamp: strings.Repeat("a", 2000)}); err == nil {
		t.Error("a timestamp field of 2,000 letters was accepted")
	}
}

func TestCategoryOverride(t *testing.T) {
	rule := NewRule("", "process where true")
	rule.EventCategoryOverride = "kind"
	queries, err := Compile([]*detect.Rule{rule}, FieldNames{Category: "other"})
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ := runHunt(t, queries, `{"@timestamp":1,"kind":"process"}`+"\n"+`{"@timestamp":2,"other":"process"}`, Options{})
	if len(got) != 1 || !strings.Contains(got[0], "kind") {
		t.Errorf("%q", got)
	}
}

func TestMatchJSON(t *testing.T) {
	rule := NewRule("", "")
	rule.RuleID = "a\"b"
	match := Match{
		Rule: rule, Documents: [][]byte{[]byte(`{"a": 1}`), nil},
		JoinKeys: []detect.Value{{}, detect.Int(9007199254740993), detect.Float(1.5), detect.Bool(true), detect.String("x\xff\u2028\"")},
	}
	const want = `{"rule":"a\"b","events":[{"a": 1},null],"join_keys":[null,9007199254740993,1.5,true,"x\ufffd\u2028\""]}`
	if got := string(match.AppendJSON(nil)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// FuzzHunt runs any query over any input. Whatever is reported is valid JSON.
func FuzzHunt(f *testing.F) {
	events := strings.Join(randomEvents(rand.New(rand.NewPCG(21, 22)), 20), "\n")
	for _, query := range []string{
		"any where true", `process where id > 3 and pad : "0*"`,
		"sequence by group with maxspan=5ms [process where true] ![network where id == 4] [file where true] until [file where id == 7]",
		"sample by group [process where true] [file where true] | head 3",
		"sequence by ?group [any where true] [any where true] with runs=2 | tail 2",
	} {
		f.Add(query, events)
	}
	f.Add("any where a.b.c == 1", `{"@timestamp":"2024-01-02T03:04:05Z","a":[{"b":{"c":[1,"x"]}}],"a.b":{"c":true}}`)
	f.Fuzz(func(t *testing.T, query, text string) {
		queries, err := Compile([]*detect.Rule{NewRule("", query)}, FieldNames{})
		if err != nil {
			return
		}
		matches, defects, summary, err := huntFiles(queries, []string{"-"}, Options{
			Stdin: strings.NewReader(text), Size: 100, SortBytes: 2000, SortFolder: t.TempDir(),
		})
		if err != nil && !strings.Contains(err.Error(), "gzip") {
			t.Fatal(err)
		}
		if uint64(len(matches)) != summary.Matches || uint64(len(defects)) != summary.Malformed+summary.Untimed+uint64(summary.Failed) {
			t.Errorf("%d matches and %d defects, %+v", len(matches), len(defects), summary)
		}
		for _, match := range matches {
			if !json.Valid(bytes.ToValidUTF8([]byte(match), nil)) {
				t.Errorf("no JSON: %q", match)
			}
		}
	})
}

// TestUnprovenExcludesNothing: what the live engine could not prove, and events say,
// excludes nothing later either; everything else is believed.
func TestUnprovenExcludesNothing(t *testing.T) {
	const event = `{"@timestamp":%d,"event":{"action":"start"},"process":{"executable":%s}%s}`
	lines := []string{
		fmt.Sprintf(event, 1000, `"/usr/sbin/sshd"`, ""),
		fmt.Sprintf(event, 2000, `"/usr/sbin/sshd"`, `,"tripline":{"masquerade":true}`),
		fmt.Sprintf(event, 3000, `"/usr/sbin/sshd"`, `,"tripline":{"executable":{"unproven":true}}`),
		fmt.Sprintf(event, 4000, `"/usr/sbin/sshd"`, `,"tripline.masquerade":false,"tripline":{"identity":"verified"}`),
		fmt.Sprintf(event, 5000, `["/bin/a","/usr/sbin/sshd"]`, ""),
		fmt.Sprintf(event, 6000, `"/bin/a"`, ""),
	}
	for query, want := range map[string][]int{
		`any where event.action == "start" and not process.executable : "/usr/sbin/sshd"`:         {1, 2, 5},
		`any where event.action == "start" and process.executable : "/usr/sbin/sshd"`:             {0, 1, 2, 3, 4},
		`any where event.action == "start" and not endsWith(process.executable, "/sbin/sshd")`:    {1, 2, 5},
		`any where event.action == "start" and process.executable not in ("/usr/sbin/sshd", "x")`: {1, 2, 5},
	} {
		queries := newQueries(t, query)
		matches, _, _ := runHunt(t, queries, strings.Join(lines, "\n"), Options{})
		var wanted []string
		for _, n := range want {
			wanted = append(wanted, lines[n])
		}
		for i := range matches {
			matches[i] = strings.TrimSuffix(strings.TrimPrefix(matches[i], `{"rule":null,"events":[`), `],"join_keys":[]}`)
		}
		if strings.Join(matches, "\n") != strings.Join(wanted, "\n") {
			t.Errorf("%s matches\n%s\nand not\n%s", query, strings.Join(matches, "\n"), strings.Join(wanted, "\n"))
		}
	}
}
