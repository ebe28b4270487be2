// Benchtable reads what "go test -bench" prints, shows it as it comes, and adds a
// table: what was aimed at, what was measured, and whether the aim is met. The
// figures are written as JSON beside it.
//
// Usage: go test -bench … | benchtable -of bench|live|peers [-json FILE] [-program FILE]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchtable:", err)
		os.Exit(1)
	}
}

// errFailed says that a benchmark failed, which its output has shown.
var errFailed = errors.New("a benchmark failed, see above; the table has what was measured")

func run(args []string, from io.Reader, to io.Writer) error {
	set := flag.NewFlagSet("benchtable", flag.ContinueOnError)
	name := set.String("of", "", "which `TABLE`: bench, live or peers")
	path := set.String("json", "", "write the figures to `FILE` as JSON")
	program := set.String("program", "", "the sensor's `FILE`, whose size is one of the figures")
	if err := set.Parse(args); err != nil {
		return err
	}
	aims, known := tables()[*name]
	if !known {
		return fmt.Errorf("there is no table %q: -of bench, live or peers", *name)
	}
	output, err := readOutput(io.TeeReader(from, to))
	if err != nil {
		return err
	}
	if *program != "" {
		info, err := os.Stat(*program)
		if err != nil {
			return fmt.Errorf("looking at the program: %w", err)
		}
		output.figures[programSize] = float64(info.Size())
	}
	rows := judge(aims, output.figures)
	printTable(to, rows)
	if *path != "" {
		if err := writeJSON(*path, *name, rows, output); err != nil {
			return err
		}
		fmt.Fprintln(to, "figures:", *path)
	}
	if output.failed {
		return errFailed
	}
	return nil
}

// document is the JSON.
type document struct {
	Table     string             `json:"table"`
	Time      time.Time          `json:"time"`
	Go        string             `json:"go"`
	Processor string             `json:"processor"`
	CPUs      int                `json:"cpus"`
	Kernel    string             `json:"kernel"`
	Rows      []row              `json:"rows"`
	Figures   map[string]float64 `json:"figures"`
}

func writeJSON(path, table string, rows []row, output *output) error {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only told
	text, err := json.MarshalIndent(document{
		Table: table, Time: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), Processor: output.processor, CPUs: runtime.NumCPU(),
		Kernel: strings.TrimSpace(string(release)), Rows: rows, Figures: output.figures,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the figures: %w", err)
	}
	return nil
}
