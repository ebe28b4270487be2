package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"tripline/config"
	"tripline/detect"
	"tripline/hunt"
	"tripline/rules"
	"tripline/sensor/alert"
	"tripline/sensor/alertlog"
	"tripline/sensor/schedule"
)

// defaultScheduleState remembers what scheduled hunts raised.
const defaultScheduleState = "/var/lib/tripline/hunt-schedule.ids"

// scheduleFlags are the flags of hunt --schedule.
type scheduleFlags struct {
	settings
	on            bool
	state, alerts string
}

func (f *scheduleFlags) addFlags(command *cobra.Command) {
	set := command.Flags()
	set.BoolVar(&f.on, "schedule", false, "raise the alerts that the rules would have raised, each once")
	set.StringVar(&f.state, "state", defaultScheduleState, "with --schedule, the `FILE` that remembers what was raised")
	set.StringVar(&f.alerts, "alerts", "", "with --schedule, the alert `FILE` whose alerts are not raised again (default the configured one)")
	set.StringVar(&f.configFile, "config", "", "with --schedule, the configuration `FILE` with rules, exceptions, alert file and event log")
}

// runSchedule is hunt --schedule.
func runSchedule(command *cobra.Command, std streams, flags *huntFlags, files []string) (err error) {
	loaded, err := flags.schedule.load()
	if err != nil {
		return err
	}
	queries, err := flags.scheduled(std, loaded)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		if files, err = eventFiles(nil, loaded.Output.Events.Path); err != nil || len(files) == 0 {
			return errors.Join(err, &usageError{fmt.Errorf("there is no event log ([output.events] in the configuration); name files of events, see %s --help", command.CommandPath())})
		}
	}
	defects := &defectPrinter{to: std.err}
	raised, err := schedule.OpenRaised(flags.schedule.state, defects.report)
	if err != nil {
		return fmt.Errorf("%w; --state names another file", err)
	}
	defer func() { err = errors.Join(err, raised.Close()) }()
	if err := flags.schedule.know(command, raised, loaded, defects); err != nil {
		return err
	}
	out := bufio.NewWriterSize(std.out, 64<<10)
	summary, err := schedule.Run(command.Context(), &schedule.Options{
		Queries: queries, Files: files, Raised: raised,
		Hunt: hunt.Options{
			Stdin: std.in, Report: defects.report, Limits: detect.Limits{PendingPerRule: huntPending, PendingTotal: huntPending},
		},
		OnAlert: func(made alert.Alert) error { return printAlert(out, made, std.terminal && !flags.asJSON) },
	})
	if flushed := out.Flush(); flushed != nil {
		return errors.Join(err, fmt.Errorf("writing results: %w", flushed))
	}
	err = errors.Join(err, raised.Save()) // only what was written counts as raised
	defects.finish()
	summarizeSchedule(std, summary)
	switch {
	case err != nil:
		return err
	case summary.Failed > 0:
		return fmt.Errorf("%d of %d files could not be read to their end", summary.Failed, len(files))
	case flags.failOnAlert && summary.Alerts > 0:
		return errMatched
	}
	return nil
}

// scheduled compiles the rules that are named, or the configured ones, with the
// exceptions that hold today.
func (f *huntFlags) scheduled(std streams, loaded *config.Config) (*hunt.Queries, error) {
	found, err := f.scheduledRules(loaded)
	queries, compileErr := hunt.Compile(found, f.fields)
	err = errors.Join(err, compileErr)
	if queries == nil {
		if err == nil {
			err = errors.New("there is no rule file (*.toml)")
		}
		return nil, &usageError{err}
	}
	if err != nil {
		complain(std.err, err)
		_, _ = fmt.Fprintf(std.err, "tripline: going on with the %d rules that can run\n", queries.Len()) // only told
	}
	for i, one := range loaded.Exceptions {
		if one.Until.Over(time.Now()) {
			continue
		}
		if err := queries.Except(one.Rule, one.Condition); err != nil {
			return nil, &usageError{one.Locate(i+1, err)}
		}
	}
	return queries, nil
}

// scheduledRules loads the rules that are named, or the configured ones.
func (f *huntFlags) scheduledRules(loaded *config.Config) ([]*detect.Rule, error) {
	switch {
	case len(f.rules) > 0:
		return hunt.LoadRules(f.rules)
	case loaded.Rules.Folder != "":
		return hunt.LoadRules([]string{loaded.Rules.Folder})
	}
	return detect.LoadRules(rules.FS(), ".")
}

// know adds the alerts of the alert file to what was raised.
func (f *scheduleFlags) know(command *cobra.Command, raised *schedule.Raised, loaded *config.Config, defects *defectPrinter) error {
	path := f.alerts
	if path == "" {
		path = loaded.Output.Alerts.Path
	}
	if path == "" {
		return nil
	}
	files, err := alertlog.Files(path)
	if errors.Is(err, fs.ErrNotExist) && f.alerts == "" {
		return nil
	}
	if err != nil {
		return err
	}
	reader, err := alertlog.NewReader(alertlog.Filter{}, nil, defects.report)
	if err != nil {
		return err
	}
	return reader.Each(command.Context(), files, func(one *alertlog.Alert) error {
		raised.Know(one.ID)
		return nil
	})
}

// printAlert prints one alert as replay does.
func printAlert(to *bufio.Writer, made alert.Alert, asText bool) error {
	text := made.JSON
	if asText {
		shown, err := alert.Text(made.JSON)
		if err != nil {
			return err
		}
		text = bytes.TrimSuffix(shown, []byte{'\n'})
	}
	if _, err := fmt.Fprintf(to, "%s\n", text); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return nil
}

// summarizeSchedule says in one line what came of it.
func summarizeSchedule(std streams, s schedule.Summary) {
	_, _ = fmt.Fprintf(std.err, "%d documents, %d alerts", s.Documents, s.Alerts) // only told
	for _, counter := range []struct {
		name  string
		count uint64
	}{
		{"raised before", s.Known},
		{"beyond max_signals of their run, summarized", s.Throttled},
		{"that last longer than their rule looks back", s.Outside},
		{"lines that are no JSON object", s.Malformed},
		{"documents without a valid timestamp", s.Untimed},
		{"pending sequences given up because there were too many", s.Evicted},
	} {
		if counter.count > 0 {
			_, _ = fmt.Fprintf(std.err, ", %d %s", counter.count, counter.name) // only told
		}
	}
	_, _ = fmt.Fprintln(std.err) // only told
}
