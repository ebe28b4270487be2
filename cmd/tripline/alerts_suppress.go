package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tripline/sensor/alert"
)

func alertsSuppressCommand(std streams) *cobra.Command {
	var selection alertSelection
	command := &cobra.Command{
		Use:   "suppress ID [FILE...]",
		Short: "Propose the narrowest exception for an alert",
		Long: `Propose an exception that would have kept one alert of the configured alert file,
or of FILEs, from being raised: for this program, user and destination alone. It
is printed for review, as a block for the configuration; nothing is changed.

The beginning of the ID is enough where it is no other alert's.`,
		Example: `  tripline alerts suppress 1a2b3c`,
		Args:    needsAlert,
		RunE: func(command *cobra.Command, args []string) error {
			one, err := findAlert(command, std, &selection, args)
			if err != nil {
				return err
			}
			proposal, err := alert.Suppress(one.JSON, time.Now())
			if err != nil {
				return fmt.Errorf("%s:%d: %w", one.File, one.Line, err)
			}
			if _, err := io.WriteString(std.out, proposal.TOML()); err != nil {
				return fmt.Errorf("writing results: %w", err)
			}
			return nil
		},
	}
	selection.addFiles(command)
	return command
}
