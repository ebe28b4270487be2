package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"tripline/internal/diag"
	"tripline/normalize"
	"tripline/sensor"
)

// replayFlags are the flags of the replay command.
type replayFlags struct {
	settings
	events, alerts, asJSON, failOnAlert bool
	hostFacts                           string
}

func replayCommand(std streams) *cobra.Command {
	var flags replayFlags
	command := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Run recorded audit logs through the rules",
		Long: `Run recorded audit logs through the same pipeline as a live kernel's records
and print the alerts. A FILE is what auditd writes or tripline capture recorded,
plain or .gz, raw or enriched; "-" is standard input. Several files are read one
after another as one stream: name the oldest first.

A log has no /proc: identities are inferred from the records, and an event says
so. Nothing about the present machine gets into an event.`,
		Example: `  tripline replay /var/log/audit/audit.log.2 /var/log/audit/audit.log.1 /var/log/audit/audit.log
  tripline replay --events audit.log.gz`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("replay needs a FILE, or - for standard input; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error { return replay(command, std, &flags, args) },
	}
	flags.addFlags(command)
	set := command.Flags()
	set.BoolVar(&flags.events, "events", false, "print the normalized events instead of alerts")
	set.BoolVar(&flags.alerts, "alerts", false, "with --events, print alerts too")
	set.BoolVar(&flags.asJSON, "json", false, "print alerts as JSON also on a terminal")
	set.BoolVar(&flags.failOnAlert, "fail-on-alert", false, "exit with 3 if there was an alert")
	set.StringVar(&flags.hostFacts, "host-facts", "", "JSON `FILE` that describes the host the log is from")
	return command
}

func replay(command *cobra.Command, std streams, flags *replayFlags, files []string) error {
	loaded, err := flags.load()
	if err != nil {
		return err
	}
	host, err := readHostFacts(flags.hostFacts)
	if err != nil {
		return &usageError{err}
	}
	options := sensor.ReplayOptions{
		Limits: sensor.ReplayLimits(loaded.Detect),
		Host:   host,
		Events: flags.events, Alerts: flags.alerts || !flags.events,
		Text: std.terminal && !flags.asJSON, Stdin: std.in,
	}
	if options.Alerts || flags.failOnAlert {
		if options.Rules, err = loadRules(std, loaded); err != nil {
			return err
		}
	}
	defects := &defectPrinter{to: std.err}
	options.Report = defects.report
	summary, err := sensor.Replay(command.Context(), files, options, std.out)
	defects.finish()
	summarize(std.err, summary)
	if err != nil {
		return err
	}
	if err := replayFailure(summary, len(files)); err != nil {
		return err
	}
	if flags.failOnAlert && summary.Alerts > 0 {
		return errMatched
	}
	return nil
}

// replayFailure says why a replay cannot be trusted to have seen everything.
func replayFailure(summary sensor.ReplaySummary, files int) error {
	switch {
	case summary.Failed > 0:
		return fmt.Errorf("%d of %d logs could not be read to their end", summary.Failed, files)
	case summary.Lines > 0 && summary.Correlated.Records == 0:
		return fmt.Errorf("none of %d lines is an audit record; a log has lines such as: type=SYSCALL msg=audit(1700000000.123:45): arch=…", summary.Lines)
	}
	return nil
}

// readHostFacts reads the file of --host-facts, if one is named.
func readHostFacts(file string) (*normalize.HostFacts, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the host facts: %w", err)
	}
	return normalize.ParseHostFacts(file, data)
}

// shownDefects is how many defects of an input are printed one by one.
const shownDefects = 20

// defectPrinter prints the first defects of an input and counts the others.
type defectPrinter struct {
	to    io.Writer
	count int
}

func (d *defectPrinter) report(err error) {
	d.count++
	if d.count <= shownDefects {
		_, _ = fmt.Fprintln(d.to, diag.Detail(err)) // only told
	}
}

func (d *defectPrinter) finish() {
	if d.count > shownDefects {
		_, _ = fmt.Fprintf(d.to, "… and %d more defects\n", d.count-shownDefects) // only told
	}
}

// summarize says in one line what was read.
func summarize(to io.Writer, s sensor.ReplaySummary) {
	_, _ = fmt.Fprintf(to, "%d lines, %d records, %d events, %d alerts", s.Lines, s.Correlated.Records, s.Correlated.Events, s.Alerts)
	for _, counter := range []struct {
		name  string
		count uint64
	}{
		{"unreadable lines", s.Unreadable},
		{"incomplete events", s.Correlated.Incomplete},
		{"records that came too late", s.Correlated.Late},
	} {
		if counter.count > 0 {
			_, _ = fmt.Fprintf(to, ", %d %s", counter.count, counter.name)
		}
	}
	_, _ = fmt.Fprintln(to)
	for _, one := range s.Exempted {
		_, _ = fmt.Fprintf(to, "%d events were exempted by the exception: %s\n", one.Events, one.Condition)
	}
}
