// Soak lets the sensor work for an hour, or for as long as is asked, through
// floods, pauses, reloads of its rules and outages of its receivers, and looks all
// the time at its memory and at what was lost. Throughout it plants true pairs,
// each of which must become one alert at each receiver.
//
// Usage: soak [-for 1h] [-out RECORD] …      run as root; it uses the kernel's audit
//
//	soak -draw RECORD -svg FILE -csv FILE  draw what was recorded
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	length, interval, cycle time.Duration
	tripline, behave        string
	folder, out             string
	rate, fill              int
	draw, svg, csv          string
}

func run(ctx context.Context, args []string, to io.Writer) error {
	var s settings
	set := flag.NewFlagSet("soak", flag.ContinueOnError)
	set.DurationVar(&s.length, "for", time.Hour, "soak for so long")
	set.DurationVar(&s.interval, "interval", 10*time.Second, "take a sample, and plant a pair, so often")
	set.DurationVar(&s.cycle, "cycle", 2*time.Minute, "how long it takes to have had each kind of flood once")
	set.IntVar(&s.rate, "rate", 0, "flood so often a second, new sockets half, processes a fortieth of it; 0 finds rates that this machine holds")
	set.IntVar(&s.fill, "fill", -1, "let so many short processes connect before the soak begins, so that tables are full; -1 for what that takes, or none where the soak is shorter than half an hour")
	set.StringVar(&s.tripline, "tripline", "bin/tripline", "the sensor's `PROGRAM`")
	set.StringVar(&s.behave, "behave", "bin/behave", "the `PROGRAM` that floods, sensor/live/behave")
	set.StringVar(&s.folder, "folder", "", "keep the sensor's files in `FOLDER`; empty for one that is removed at the end")
	set.StringVar(&s.out, "out", "", "write the record to `FILE`; empty for standard output")
	set.StringVar(&s.draw, "draw", "", "draw the record of a `FILE` and run nothing")
	set.StringVar(&s.svg, "svg", "", "draw to `FILE`")
	set.StringVar(&s.csv, "csv", "", "write the samples to `FILE`")
	if err := set.Parse(args); err != nil {
		return err
	}
	if s.draw != "" {
		return s.drawRecord(to)
	}
	if s.fill < 0 {
		s.fill = 0
		if s.length >= worthFilling {
			s.fill = filling
		}
	}
	if s.length < 2*s.interval || s.interval <= 0 || s.cycle <= 0 {
		return errors.New("-for must be at least two intervals")
	}
	return s.soakTo(ctx, to)
}

const (
	// filling is more than the sensor's largest table holds, that of the lives of
	// processes: memory grows until it is full, which is no leak.
	filling      = 70_000
	worthFilling = 30 * time.Minute
)

// soakTo runs the soak and writes its record.
func (s *settings) soakTo(ctx context.Context, to io.Writer) (err error) {
	if s.out != "" {
		file, err := os.Create(s.out)
		if err != nil {
			return fmt.Errorf("writing the record: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		to = file
	}
	if s.folder == "" {
		if s.folder, err = os.MkdirTemp("", "tripline-soak-"); err != nil {
			return fmt.Errorf("making a folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.folder)) }()
	}
	verdict, err := soakHost(ctx, s, to)
	if err != nil {
		return err
	}
	if !verdict.Passed {
		return errFailed
	}
	return nil
}

// drawRecord writes the plot and the table of a record, and says what it found.
func (s *settings) drawRecord(to io.Writer) error {
	file, err := os.Open(s.draw)
	if err != nil {
		return fmt.Errorf("opening the record: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	record, err := readRecord(file)
	if err != nil {
		return err
	}
	for _, one := range []struct {
		path string
		text func(*Record) ([]byte, error)
	}{{s.svg, drawSVG}, {s.csv, writeCSV}} {
		if one.path == "" {
			continue
		}
		text, err := one.text(record)
		if err != nil {
			return err
		}
		if err := os.WriteFile(one.path, text, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", one.path, err)
		}
	}
	return printVerdict(to, record)
}

// errFailed says that a check failed, which the table says.
var errFailed = errors.New("a check failed; the record says which")

// printVerdict prints the checks as a table.
func printVerdict(to io.Writer, record *Record) error {
	if record.Verdict == nil {
		return fmt.Errorf("the record has %d samples and no end", len(record.Samples))
	}
	for _, check := range record.Verdict.Checks {
		result := "ok"
		if !check.Passed {
			result = "FAIL"
		}
		fmt.Fprintf(to, "%-5s %-42s %s\n", result, check.Name, check.Found)
	}
	if !record.Verdict.Passed {
		return errFailed
	}
	return nil
}
