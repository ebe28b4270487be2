package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"tripline/auditrules/kernel"
	"tripline/sensor/source"
)

// guardCommand is the hidden command that a sensor starts itself as, on kernels
// where audited processes would wait for a sensor that is stopped.
func guardCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:    source.GuardCommand + " PID",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) (err error) {
			pid, err := strconv.Atoi(args[0])
			if err != nil || pid <= 1 {
				return &usageError{fmt.Errorf("the process to guard is given by its id, not %q", args[0])}
			}
			client, err := kernel.Open()
			if err != nil {
				return explain(err)
			}
			defer func() { err = errors.Join(err, client.Close()) }()
			return source.Guard(command.Context(), source.GuardOptions{PID: pid, Status: client.Status, Waiting: source.WaitingBytes, Alive: std.in})
		},
	}
}
