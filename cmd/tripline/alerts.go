package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tripline/sensor/alertlog"
	"tripline/sensor/alertview"
)

func alertsCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "alerts",
		Short: "List and show the alerts of this host",
		Args:  cobra.ArbitraryArgs,
		RunE:  needSubcommand,
	}
	command.AddCommand(alertsListCommand(std), alertsShowCommand(std), alertsReportCommand(std),
		alertsExportCommand(std), alertsVerifyCommand(std), alertsSuppressCommand(std))
	return command
}

// alertSelection are the flags that say which alerts of which files are meant.
type alertSelection struct {
	settings
	since, until, severity string
	filter                 alertlog.Filter
	// asJSON and width say how alerts are printed.
	asJSON bool
	width  int
}

// addFiles adds the flags that say where alerts are.
func (s *alertSelection) addFiles(command *cobra.Command) {
	command.Flags().StringVar(&s.configFile, "config", "", "configuration `FILE` that names the alert file (built-in defaults without it)")
}

// addFilters adds the flags that choose among alerts.
func (s *alertSelection) addFilters(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&s.since, "since", "", "alerts from `TIME` on: 24h, 7d, 2026-11-25, 2026-11-25T08:00:00Z")
	set.StringVar(&s.until, "until", "", "alerts before `TIME`")
	set.StringVar(&s.filter.Rule, "rule", "", "alerts of the `RULE` with this rule_id, or with this in its name")
	set.StringVar(&s.severity, "severity", "", "alerts of these `SEVERITIES`: high,critical; medium+ is medium and worse")
	set.StringVar(&s.filter.Host, "host", "", "alerts of the `HOST` with this name or id; * stands for any text")
	set.StringVar(&s.filter.Where, "where", "", "alerts for which an EQL `CONDITION` on the document holds: 'process.name == \"nc\"'")
}

// addFormat adds the flags that say how alerts are printed.
func (s *alertSelection) addFormat(command *cobra.Command) {
	command.Flags().BoolVar(&s.asJSON, "json", false, "print JSON also on a terminal")
	command.Flags().IntVar(&s.width, "width", 0, "lay out for a terminal of `N` columns (default that of the terminal, $COLUMNS, or 100)")
}

// columns is the width to lay out for.
func (s *alertSelection) columns() int {
	const usual = 100
	if s.width > 0 {
		return s.width
	}
	return max(alertview.MinWidth, terminalColumns(usual))
}

// files are the files to read: the arguments, or those of the configuration.
func (s *alertSelection) files(std streams, arguments []string) ([]string, error) {
	if len(arguments) > 0 {
		return arguments, nil
	}
	s.noteDefaults(std, os.DirFS("/"))
	loaded, err := s.load()
	if err != nil {
		return nil, err
	}
	path := loaded.Output.Alerts.Path
	if path == "" {
		return nil, &usageError{fmt.Errorf("the configuration has no alert file (output.alerts.path); name FILEs of alerts")}
	}
	files, err := alertlog.Files(path)
	if err != nil {
		return nil, &hintedError{err, "--config names another configuration, and FILE arguments are read instead"}
	}
	return files, nil
}

// reader makes the reader of what is selected. Defects of the input are printed.
func (s *alertSelection) reader(std streams, defects *defectPrinter) (*alertlog.Reader, error) {
	now := time.Now()
	for _, bound := range []struct {
		flag, text string
		at         *time.Time
	}{{"since", s.since, &s.filter.Since}, {"until", s.until, &s.filter.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := alertlog.ParseTime(bound.text, now)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--%s: %w", bound.flag, err)}
		}
		*bound.at = at
	}
	severities, err := alertlog.ParseSeverities(s.severity)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--severity: %w", err)}
	}
	s.filter.Severities = severities
	reader, err := alertlog.NewReader(s.filter, std.in, defects.report)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--where: %w", err)}
	}
	return reader, nil
}
