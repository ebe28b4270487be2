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
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("suppress needs the ID of an alert, as alerts list prints it; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			files, err := selection.files(args[1:])
			if err != nil {
				return err
			}
			one, err := findAlert(command, std, &selection, args[0], files)
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
