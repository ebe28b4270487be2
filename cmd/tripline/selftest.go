package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"tripline/sensor"
	"tripline/sensor/selftest"
)

func selftestCommand(std streams) *cobra.Command {
	var common settings
	var name string
	var all, asJSON bool
	command := &cobra.Command{
		Use:   "selftest",
		Short: "Perform harmless samples of the behaviour and say which were detected",
		Long: `Watch this host for a moment, perform harmless samples of the behaviour on
loopback and say which were detected. Needs root. Beside a running sensor it
listens along and changes nothing; that sensor then raises its own alerts.

Exit code 1 means that a sample was not detected.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			techniques := selftest.Techniques()
			if name != "" && !all {
				one, err := selftest.Find(name)
				if err != nil {
					return &usageError{err}
				}
				techniques = []selftest.Technique{one}
			}
			if err := requirePrivilege(); err != nil {
				return err
			}
			failed, err := performSamples(command, std, &common, techniques)
			if err != nil {
				return explain(err)
			}
			if err := printOutcome(std.out, techniques, failed, asJSON || !std.terminal); err != nil {
				return err
			}
			if len(failed) > 0 {
				return fmt.Errorf("%d of %d samples were not detected", len(failed), len(techniques))
			}
			return nil
		},
	}
	common.addFlags(command)
	command.Flags().StringVar(&name, "technique", "", "perform only the technique `NAME`")
	command.Flags().BoolVar(&all, "all", false, "perform every technique (the default)")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// performSamples runs a sensor for as long as the samples take, beside the
// running one if there is one.
func performSamples(command *cobra.Command, std streams, common *settings, techniques []selftest.Technique) ([]string, error) {
	loaded, err := common.load()
	if err != nil {
		return nil, err
	}
	compiled, err := loadRules(std, loaded)
	if err != nil {
		return nil, err
	}
	options := sensor.Options{
		Config: loaded, Rules: compiled, SelfTest: techniques, Once: true,
		Log: hclog.New(&hclog.LoggerOptions{Name: "tripline", Level: hclog.Warn, Output: std.err}),
	}
	ctx, stop := untilHangup(command.Context())
	defer stop()
	summary, err := sensor.Run(ctx, options)
	var running *sensor.RunningError
	if errors.As(err, &running) {
		options.Log.Warn("a sensor is running: listening beside it; it raises alerts of its own for these samples", "pid", running.PID)
		options.Passive = true
		summary, err = sensor.Run(ctx, options)
	}
	return summary.SelfTestFailed, err
}

// printOutcome prints one line for each technique.
func printOutcome(to io.Writer, techniques []selftest.Technique, failed []string, asJSON bool) error {
	for _, technique := range techniques {
		detected := !slices.Contains(failed, technique.Name)
		if asJSON {
			outcome := map[string]any{"technique": technique.Name, "what": technique.What, "detected": detected}
			if err := json.NewEncoder(to).Encode(outcome); err != nil {
				return err
			}
			continue
		}
		word := "detected"
		if !detected {
			word = "MISSED"
		}
		if _, err := fmt.Fprintf(to, "%-8s  %s: %s\n", word, technique.Name, technique.What); err != nil {
			return err
		}
	}
	return nil
}

// selftestChildCommand is the hidden command that a self-test starts itself as.
func selftestChildCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:    selftest.ChildCommand + " TECHNIQUE",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return selftest.RunChild(args[0], std.in, std.out)
		},
	}
}
