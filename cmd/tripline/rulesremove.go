package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tripline/sensor"
)

func rulesRemoveCommand(std streams) *cobra.Command {
	var common settings
	var asJSON, recorded bool
	command := &cobra.Command{
		Use:   "remove",
		Short: "Put back what a killed sensor left in kernel audit",
		Long: `Put back what a sensor that was killed left in kernel audit: its rules are
removed, and settings that still have the value it gave them get the one from
before, as the state file beside its lock says. Without that file the rules with
the configured key are removed, and no setting can be put back. Nothing is done
while a sensor runs. The next start of the sensor does the same by itself.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			loaded, err := common.load()
			if err != nil {
				return err
			}
			if err := requirePrivilege(); err != nil {
				return err
			}
			key := loaded.Kernel.Key
			if recorded {
				key = ""
			}
			removal, err := sensor.Remove(sensor.DefaultLock, key)
			if printErr := printRemoval(std.out, removal, loaded.Kernel.Key, asJSON || !std.terminal); printErr != nil && err == nil {
				err = printErr
			}
			return explain(err)
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&recorded, "recorded", false, "put back what the state file says, and nothing where there is none")
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// removedThing is one line of the JSON form.
type removedThing struct {
	Action string `json:"action"`
	What   string `json:"what"`
}

// printRemoval says what was done, one thing a line.
func printRemoval(to io.Writer, removal sensor.Removal, key string, asJSON bool) error {
	var things []removedThing
	add := func(action string, what ...string) {
		for _, one := range what {
			things = append(things, removedThing{action, one})
		}
	}
	add("removed", removal.Rules...)
	add("restored", removal.Settings...)
	add("kept", removal.Kept...)
	if removal.Socket {
		add("released", "the audit socket of the killed sensor")
	}
	if asJSON {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		for _, one := range things {
			if err := encoder.Encode(one); err != nil {
				return err
			}
		}
		return nil
	}
	if removal.ByKey {
		things = append([]removedThing{{"note", fmt.Sprintf("no sensor of this boot left a state file; rules are found by their key %q", key)}}, things...)
	}
	if len(removal.Rules)+len(removal.Settings)+len(removal.Kept) == 0 && !removal.Socket {
		add("nothing", "was left by a sensor")
	}
	for _, one := range things {
		if _, err := fmt.Fprintf(to, "%s: %s\n", one.Action, one.What); err != nil {
			return err
		}
	}
	return nil
}
