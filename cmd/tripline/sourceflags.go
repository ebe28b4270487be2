package main

import (
	"github.com/spf13/cobra"

	"tripline/config"
)

// sourceFlags are the flags that say how audit records reach the sensor.
type sourceFlags struct {
	mode, log, socket string
}

func (f *sourceFlags) addFlags(command *cobra.Command) {
	command.Flags().StringVar(&f.mode, "source", "auto",
		"how audit records arrive: `MODE` auto, unicast, multicast, audisp (as plugin of the audit daemon) or log (following its log)")
	command.Flags().StringVar(&f.log, "log", "/var/log/audit/audit.log", "the audit daemon's log `FILE`, for log and auto")
	command.Flags().StringVar(&f.socket, "audisp-socket", "",
		"with audisp, read from the dispatcher's Unix socket `PATH` instead of standard input")
}

// apply puts the flags that were given into the configuration. What is wrong
// with them is wrong usage.
func (f *sourceFlags) apply(command *cobra.Command, to *config.Config) error {
	changed := command.Flags().Changed
	if changed("source") {
		to.Kernel.Source = config.Source(f.mode)
	}
	if changed("log") {
		to.Kernel.Log = f.log
	}
	if changed("audisp-socket") {
		to.Kernel.AudispSocket = f.socket
	}
	if err := to.Validate(); err != nil {
		return &usageError{err}
	}
	return nil
}
