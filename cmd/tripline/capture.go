package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tripline/sensor"
)

func captureCommand(std streams) *cobra.Command {
	var common settings
	command := &cobra.Command{
		Use:   "capture FILE",
		Short: "Record raw audit records for replay elsewhere",
		Long: `Record the audit records that the loaded rules need, as an audit log, until
interrupted. Needs root. FILE must not exist; "-" is standard output. Kernel
audit is put back at the end as "tripline run" does.`,
		Example: `  tripline capture records.log`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("capture needs one FILE, or - for standard output; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error {
			if err := requirePrivilege(); err != nil {
				return err
			}
			return capture(command, std, &common, args[0])
		},
	}
	common.addFlags(command)
	return command
}

func capture(command *cobra.Command, std streams, common *settings, path string) (err error) {
	loaded, compiled, err := common.loadAll(std)
	if err != nil {
		return err
	}
	plan, err := sensor.PlanRules(compiled, loaded.Kernel.Key)
	if err != nil {
		return err
	}
	to, recording := std.out, false
	if path != "-" {
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("making the capture file: %w", err)
		}
		defer func() {
			err = errors.Join(err, file.Close())
			if !recording {
				err = errors.Join(err, os.Remove(path))
			}
		}()
		to = file
	}
	ctx, stop := untilHangup(command.Context())
	defer stop()
	records, err := sensor.Capture(ctx, sensor.Options{Config: loaded, Log: newLog(std.err, loaded.Log.Level)}, plan, to, func() {
		recording = true
		_, _ = fmt.Fprintln(std.err, "tripline: recording; stop with Ctrl-C") // only told
	})
	if recording {
		_, _ = fmt.Fprintf(std.err, "tripline: %d records\n", records) // only told
	}
	return explain(err)
}
