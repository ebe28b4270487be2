package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tripline/sensor/alert"
	"tripline/sensor/alertlog"
	"tripline/sensor/alertview"
)

func alertsShowCommand(std streams) *cobra.Command {
	var selection alertSelection
	command := &cobra.Command{
		Use:   "show ID [FILE...]",
		Short: "Show one alert: what happened, who, from where, the evidence, the guide",
		Long: `Show one alert of the configured alert file and of what was rotated away from
it, or of FILEs: what happened and when, who did it and from where, the process
with its parents, the evidence, MITRE ATT&CK and the rule's investigation guide.

The beginning of the ID is enough where it is no other alert's. Where standard
output is no terminal, or with --json, the document is printed.`,
		Example: `  tripline alerts show 1a2b3c`,
		Args:    needsAlert,
		RunE: func(command *cobra.Command, args []string) error {
			one, err := findAlert(command, std, &selection, args)
			if err != nil {
				return err
			}
			text := one.JSON
			if std.terminal && !selection.asJSON {
				account, err := alertview.NewAccount(one.JSON)
				if err != nil {
					return fmt.Errorf("%s:%d: %w", one.File, one.Line, err)
				}
				text = bytes.TrimSuffix(account.Terminal(selection.columns()), []byte{'\n'})
			}
			if _, err := fmt.Fprintf(std.out, "%s\n", text); err != nil {
				return fmt.Errorf("writing results: %w", err)
			}
			return nil
		},
	}
	selection.addFiles(command)
	selection.addFormat(command)
	return command
}

// needsAlert refuses arguments that name no alert.
func needsAlert(command *cobra.Command, args []string) error {
	if len(args) == 0 || args[0] == "" {
		return &usageError{fmt.Errorf("%s needs the ID of an alert, as alerts list prints it; see %s --help", command.Name(), command.CommandPath())}
	}
	return nil
}

// findAlert finds the one alert whose id begins as the first argument says, in the
// files that the others name or in the configured ones.
func findAlert(command *cobra.Command, std streams, selection *alertSelection, args []string) (*alertlog.Alert, error) {
	id := args[0]
	files, err := selection.files(std, args[1:])
	if err != nil {
		return nil, err
	}
	selection.filter.ID = strings.ToLower(strings.TrimSuffix(id, "…"))
	defects := &defectPrinter{to: std.err}
	reader, err := selection.reader(std, defects)
	if err != nil {
		return nil, err
	}
	found := alertlog.NewCollection(maxNamed)
	err = reader.Each(command.Context(), files, found.Add)
	defects.finish()
	if err != nil {
		return nil, err
	}
	alerts := found.Alerts()
	switch {
	case len(alerts) == 1:
		return alerts[0], nil
	case len(alerts) == 0:
		return nil, fmt.Errorf("no alert has the id %q in %s; tripline alerts list prints the ids", alert.Escape(id), strings.Join(files, ", "))
	}
	var ids []string
	for _, one := range alerts {
		ids = append(ids, alert.Escape(one.ID))
	}
	return nil, &usageError{fmt.Errorf("%d alerts or more have an id that begins with %q: %s", len(alerts), alert.Escape(id), strings.Join(ids, ", "))}
}

// maxNamed is how many alerts are named when an id is ambiguous.
const maxNamed = 10
