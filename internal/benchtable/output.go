package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// output is what the benchmarks printed.
type output struct {
	// figures are all metrics, named "Benchmark/part unit" without "Benchmark" and
	// without the number of processors.
	figures   map[string]float64
	processor string
	failed    bool
}

// processors is the end of a benchmark's name that says how many processors it had.
var processors = regexp.MustCompile(`-\d+$`)

// readOutput reads to the end. A line that begins with FAIL, or none that says that
// something passed, is a failure: the exit code of go test is lost in a pipe.
func readOutput(from io.Reader) (*output, error) {
	read := &output{figures: make(map[string]float64)}
	passed := false
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "Benchmark"):
			read.take(strings.Fields(line))
		case strings.HasPrefix(line, "cpu: "):
			read.processor = strings.TrimSpace(strings.TrimPrefix(line, "cpu: "))
		case strings.HasPrefix(line, "FAIL"), strings.HasPrefix(line, "--- FAIL"):
			read.failed = true
		case strings.HasPrefix(line, "ok "), strings.HasPrefix(line, "ok\t"), line == "PASS":
			passed = true
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the benchmarks' output: %w", err)
	}
	read.failed = read.failed || !passed
	return read, nil
}

// take reads a result: the name, how often it ran, and pairs of a value and its unit
// (https://go.dev/design/14313-benchmark-format). Other lines that begin so have no
// number in the second place.
func (o *output) take(words []string) {
	if len(words) < 4 {
		return
	}
	if _, err := strconv.ParseUint(words[1], 10, 64); err != nil {
		return
	}
	name := processors.ReplaceAllString(strings.TrimPrefix(words[0], "Benchmark"), "")
	for i := 2; i+1 < len(words); i += 2 {
		if value, err := strconv.ParseFloat(words[i], 64); err == nil {
			o.figures[name+" "+words[i+1]] = value
		}
	}
}
