package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printed is what go test prints for the benchmarks of the table "bench".
const printed = `goos: linux
goarch: amd64
pkg: tripline/sensor
cpu: Some Processor
BenchmarkReplay/one_core
BenchmarkReplay/one_core-2         	       1	 500000000 ns/op	       400.0 MB/s	   2000000 records/s	         30.00 times-auparse
BenchmarkReplay/of_a_host-2         	       1	 300000000 ns/op	       630.0 MB/s
BenchmarkReplay/all_cores-2        	       1	 300000000 ns/op	       600.0 MB/s	   3000000 records/s
BenchmarkEngine/rules=1-2          	 1000000	       50.00 ns/op	       0 B/op	       0 allocs/op
BenchmarkEngine/rules=300-2        	 1000000	       60.00 ns/op	       0 B/op	       0 allocs/op
some text of a benchmark's own
PASS
ok  	tripline/sensor	10.1s
`

func TestTable(t *testing.T) {
	folder := t.TempDir()
	program, figures := filepath.Join(folder, "program"), filepath.Join(folder, "new", "bench.json")
	if err := os.WriteFile(program, make([]byte, 12_345_678), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"-of", "bench", "-json", figures, "-program", program}, strings.NewReader(printed), &out); err != nil {
		t.Fatal(err)
	}
	const want = `
what                                 beside    aim                             measured                ratio  met
replay, one core, rule evaluated     -         at least 2.50 million records/s  2 million records/s    0.80   NO
replay, one core, rule evaluated     -         at least 300 MB/s                400 MB/s               1.33   yes
replay of a host's log, one core     -         at least 2.50 million records/s  -                      -      not measured
replay of a host's log, one core     -         at least 300 MB/s               630 MB/s               2.10   yes
replay, all cores                    one core  at least 1.30 times              1.50 times             1.15   yes
engine, cost of an event, 300 rules  1 rule    at most 4 times                  1.20 times             0.30   yes
binary (amd64)                       -         at most 12 MB                    12.3 MB               1.03   NO
4 of 7 aims are met
`
	if got := squeeze(out.String()); !strings.Contains(got, squeeze(strings.Replace(want, "ratio", "of the aim", 1))) || !strings.HasPrefix(out.String(), printed) {
		t.Errorf("%s", out.String())
	}
	text, err := os.ReadFile(figures)
	if err != nil {
		t.Fatal(err)
	}
	var read document
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	first := read.Rows[0]
	if read.Table != "bench" || read.Processor != "Some Processor" || read.Figures["Replay/one_core times-auparse"] != 30 ||
		*first.Least != 2.5 || *first.Measured != 2 || *first.Met || math.Abs(*first.OfAim-0.8) > 1e-9 || first.Most != nil {
		t.Errorf("%s", text)
	}
}

// squeeze makes one space of several, so that the widths of columns do not matter.
func squeeze(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	var out bytes.Buffer
	err := run([]string{"-of", "live"}, strings.NewReader("--- FAIL: BenchmarkLive\nFAIL\n"), &out)
	if !errors.Is(err, errFailed) || !strings.Contains(out.String(), "not measured") || !strings.Contains(out.String(), "0 of 16 aims are met") {
		t.Errorf("%v: %s", err, out.String())
	}
	// go test itself may be gone without a word.
	if err := run([]string{"-of", "live"}, strings.NewReader(""), &out); !errors.Is(err, errFailed) {
		t.Errorf("of nothing: %v", err)
	}
	if err := run([]string{"-of", "other"}, strings.NewReader(printed), &out); err == nil {
		t.Error("an unknown table is taken")
	}
}

func TestRowsWithoutAim(t *testing.T) {
	rows := judge([]aim{
		{what: "only told", unit: "times", of: "a", under: "b"},
		{what: "divided by nothing", unit: "times", of: "a", under: "c", value: 1},
		{what: "none allowed", unit: "records", of: "zero", most: true},
	}, map[string]float64{"a": 6, "b": 3, "zero": 0})
	if *rows[0].Measured != 2 || rows[0].Met != nil || rows[1].Measured != nil || rows[2].Met == nil || !*rows[2].Met || rows[2].OfAim != nil {
		t.Errorf("%+v", rows)
	}
}

// TestEveryAim holds the tables to the benchmarks' names in the source: a figure
// that nobody reports would never be measured.
func TestEveryAim(t *testing.T) {
	var sources strings.Builder
	for _, folder := range []string{"../../sensor", "../../sensor/live"} {
		files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(text)
		}
	}
	for name, aims := range tables() {
		for _, one := range aims {
			for _, figure := range []string{one.of, one.under} {
				benchmark, _, _ := strings.Cut(figure, " ")
				benchmark, _, _ = strings.Cut(benchmark, "/")
				if figure != "" && figure != programSize && !strings.Contains(sources.String(), "func Benchmark"+benchmark+"(") {
					t.Errorf("%s, %s: nothing reports %s", name, one.what, figure)
				}
			}
		}
	}
}
