package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/sensor"
	"tripline/sensor/doctor"
)

func doctorCommand(std streams) *cobra.Command {
	var common settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Say whether this host can be watched, and what would be missed",
		Long: `Examine whether this host can be watched and what would be missed: the kernel's
audit and its settings, rules and programs of others that are in the way,
privileges, containers, space for alerts. Each check says what was found, what it
means here and the one command that mends it.

Nothing is changed. Without root it says what it could not see. Where auditing is
on, asking the kernel what it can do causes a few audit records, which bear
"tripline" in their text.

The exit code is 0 where the host can be watched, also with warnings, and 1 where
a check fails.`,
		Example: `  tripline doctor`,
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			common.noteDefaults(std, os.DirFS("/"))
			report, err := doctor.Examine(examined(&common))
			if err != nil {
				return err
			}
			if asJSON || !std.terminal {
				err = json.NewEncoder(std.out).Encode(report)
			} else {
				_, err = io.WriteString(std.out, report.Text())
			}
			if err == nil && report.State == doctor.Failed {
				err = fmt.Errorf("this host cannot be watched as it is: %d checks fail", report.Count(doctor.Failed))
			}
			return err
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// examined is this host, with the configuration and rules that the sensor would
// run with. Their defects are findings and end nothing.
func examined(common *settings) doctor.Options {
	options := doctor.Options{
		Files: os.DirFS("/"), FreeSpace: doctor.FreeSpace, Now: time.Now(), LockFile: sensor.DefaultLock,
		Unaudited: kernel.UnauditedFeatures(),
		Open: func() (doctor.Kernel, error) {
			client, err := kernel.Open()
			if err != nil {
				return nil, err
			}
			return client, nil
		},
	}
	options.Config, options.ConfigErr = common.load()
	if options.ConfigErr != nil {
		options.Config = config.Default()
	}
	compiled, err := sensor.LoadRules(options.Config.Rules.Folder, options.Config.Exceptions)
	_, options.RulesErr = listRules(compiled, err)
	options.Rules = len(compiled)
	options.Plan, options.PlanErr = sensor.PlanRules(compiled, options.Config.Kernel.Key)
	return options
}
