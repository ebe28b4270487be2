package main

import (
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"tripline/sensor"
	"tripline/sensor/selftest"
)

// selftestFlags say which techniques to perform and how to show them.
type selftestFlags struct {
	names                   []string
	all, slow, list, asJSON bool
}

func selftestCommand(std streams) *cobra.Command {
	var common settings
	var flags selftestFlags
	command := &cobra.Command{
		Use:   "selftest",
		Short: "Perform harmless samples of the behaviour and say which were detected",
		Long: `Watch this host for a moment, perform harmless samples of the behaviour on
loopback and say which were detected, and by which record of the kernel: the
plain one, or with --all every known way to connect and detach, and what only
looks like it and must raise no alert. Whatever a sample makes is removed.

Needs root. Beside a running sensor it listens along and changes nothing; that
sensor then raises its own alerts.

Exit code 1 means that a sample was missed and nothing explains it, that an alert
was raised for what is not the behaviour, or that a sample could not be
performed. What this kernel cannot report is said and is no failure.`,
		Example: `  tripline selftest
  tripline selftest --all --config /etc/tripline/sensor.toml`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			techniques, err := flags.techniques()
			if err != nil {
				return &usageError{err}
			}
			if flags.list {
				return listTechniques(std.out, techniques, flags.asJSON || !std.terminal)
			}
			if err := requirePrivilege(); err != nil {
				return err
			}
			results, err := performSamples(command, std, &common, techniques)
			if err != nil {
				return explain(err)
			}
			if err := printResults(std.out, results, flags.asJSON || !std.terminal); err != nil {
				return err
			}
			if bad := countBad(results); bad > 0 {
				return fmt.Errorf("%d of %d samples did not end as they should", bad, len(results))
			}
			return nil
		},
	}
	common.addFlags(command)
	command.Flags().StringSliceVar(&flags.names, "technique", nil, "perform only the technique `NAME`; may be given several times")
	command.Flags().BoolVar(&flags.all, "all", false, "perform every technique but the slow ones")
	command.Flags().BoolVar(&flags.slow, "slow", false, "with --all, also those that take more than a minute")
	command.Flags().BoolVar(&flags.list, "list", false, "list the techniques and perform none")
	command.Flags().BoolVar(&flags.asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// techniques are those that the flags ask for: by default the plain one, or all
// to be listed.
func (f *selftestFlags) techniques() ([]selftest.Technique, error) {
	if len(f.names) == 0 && !f.all && !f.list && !f.slow {
		return selftest.Basic(), nil
	}
	if len(f.names) > 0 && f.all {
		return nil, errors.New("--all and --technique exclude each other")
	}
	var chosen []selftest.Technique
	for _, name := range f.names {
		one, err := selftest.Find(name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, one)
	}
	if len(f.names) > 0 {
		return chosen, nil
	}
	for _, one := range selftest.All() {
		if f.list || f.slow || !one.Slow {
			chosen = append(chosen, one)
		}
	}
	return chosen, nil
}

// performSamples runs a sensor for as long as the samples take, beside the
// running one if there is one.
func performSamples(command *cobra.Command, std streams, common *settings, techniques []selftest.Technique) ([]selftest.Result, error) {
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
	return summary.SelfTest, err
}

// selftestChildCommand is the hidden command that a self-test starts itself as.
// Arguments that look like flags are as good as others: some samples are about
// them.
func selftestChildCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:                selftest.ChildCommand + " TECHNIQUE FOLDER PART",
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			return selftest.RunChild(args, std.in, std.out)
		},
	}
}
