package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"tripline/config"
	"tripline/detect"
	"tripline/sensor"
	"tripline/sensor/notify"
	"tripline/sensor/output"
	"tripline/sensor/selftest"
)

func runCommand(std streams) *cobra.Command {
	var common settings
	var ways sourceFlags
	var alertFile string
	var asJSON, test bool
	command := &cobra.Command{
		Use:   "run",
		Short: "Watch this host",
		Long: `Watch this host until interrupted, print alerts to standard output and append
them to the alert file. Needs root. What it changes in kernel audit it says, and
puts back when it ends.`,
		Example: `  tripline run --config /etc/tripline/sensor.toml
  tripline run --selftest`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			loaded, err := common.load()
			if err != nil {
				return err
			}
			if command.Flags().Changed("alert-file") {
				loaded.Output.Alerts.Path = alertFile
			}
			if err := ways.apply(command, loaded); err != nil {
				return err
			}
			if err := requirePrivilege(); err != nil {
				return err
			}
			common.noteDefaults(std, os.DirFS("/"))
			return run(command, std, &common, loaded, std.terminal && !asJSON, test)
		},
	}
	common.addFlags(command)
	ways.addFlags(command)
	command.Flags().StringVar(&alertFile, "alert-file", "", "append alerts to `FILE` instead of the configured one; empty for none")
	command.Flags().BoolVar(&asJSON, "json", false, "print alerts as JSON also on a terminal")
	command.Flags().BoolVar(&test, "selftest", false, "perform the self-test once the host is watched; its alert is marked as a test")
	return command
}

// run assembles the sensor's options and runs it.
func run(command *cobra.Command, std streams, common *settings, loaded *config.Config, asText, test bool) error {
	compiled, err := loadRules(std, loaded)
	if err != nil {
		return err
	}
	logger := newLog(std.err, loaded.Log.Level)
	outputs, err := sensor.OpenOutputs(&loaded.Output, logger)
	if err != nil {
		return err
	}
	ctx, reload, stop := runSignals(command.Context(), std.terminal)
	defer stop()
	options := sensor.Options{
		Config: loaded, Rules: compiled, Log: logger, Text: asText,
		// The file comes first, before whoever reads standard output begins to work.
		Outputs:      append(outputs.Alerts, output.NewStream("standard output", std.out, asText)),
		EventOutputs: outputs.Events,
		Reload:       reload, LoadRules: common.reloadRules,
	}
	manager, err := notify.FromEnvironment()
	if err != nil {
		return errors.Join(err, outputs.Close())
	}
	options.Manager = manager
	if loaded.Evidence.Enabled {
		options.Evidence = &loaded.Evidence
	}
	if test {
		options.SelfTest = selftest.Basic()
	}
	if _, err := sensor.Run(ctx, options); err != nil {
		return explain(err)
	}
	return nil
}

// runSignals decides what SIGHUP means: on a terminal that it has gone away, and
// the end; otherwise, as for any service, to read the rules again.
func runSignals(ctx context.Context, terminal bool) (context.Context, <-chan os.Signal, context.CancelFunc) {
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, sensor.ReloadSignal)
	if terminal {
		ctx, stop := untilHangup(ctx)
		return ctx, reload, stop
	}
	signal.Notify(reload, syscall.SIGHUP)
	return ctx, reload, func() { signal.Stop(reload) }
}

// reloadRules reads the configuration and the rules again. A configuration that
// cannot be read leaves the running rules as they are.
func (s *settings) reloadRules() ([]*detect.Compiled, error) {
	loaded, err := s.load()
	if err != nil {
		return nil, errors.Join(sensor.ErrNoConfiguration, err)
	}
	return sensor.LoadRules(loaded.Rules.Folder, loaded.Exceptions)
}

// errNotRoot is said before anything is opened, so that a user without
// privilege reads one sentence.
var errNotRoot = errors.New("watching this host needs root (or the capabilities CAP_AUDIT_CONTROL and CAP_AUDIT_READ); " +
	"without it, a recorded audit log can be looked through: tripline replay audit.log")

// requirePrivilege refuses users who cannot succeed.
func requirePrivilege() error {
	privileged, err := hasAuditControl()
	if err == nil && !privileged {
		return errNotRoot
	}
	return nil // not known, or privileged: the kernel decides
}

// hasAuditControl reads from /proc whether this process has CAP_AUDIT_CONTROL.
func hasAuditControl() (bool, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false, err
	}
	return effectiveCapability(string(status), capAuditControl)
}
