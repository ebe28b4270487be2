package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"tripline/detect"
	"tripline/internal/diag"
	"tripline/sensor"
)

func rulesCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "rules",
		Short: "List and show the rules, reload those of the running sensor, remove what a killed one left",
		Args:  cobra.ArbitraryArgs,
		RunE:  needSubcommand,
	}
	command.AddCommand(rulesListCommand(std), rulesShowCommand(std), rulesKernelCommand(std), rulesReloadCommand(std),
		rulesRemoveCommand(std))
	return command
}

// listedRule is one rule of `rules list`.
type listedRule struct {
	ID       string `json:"id"`
	Version  int    `json:"version"`
	Severity string `json:"severity"`
	Name     string `json:"name"`
	File     string `json:"file"`
	// Runs says whether the sensor evaluates the rule, Reason why not.
	Runs   bool   `json:"runs"`
	Reason string `json:"reason,omitempty"`
	// Places say where in the file each reason is.
	Places []string `json:"places,omitempty"`
	// Remarks say what a rule that runs asks for and does not get.
	Remarks []string `json:"remarks,omitempty"`
}

// runningRule is the entry of a rule that runs.
func runningRule(rule *detect.Rule) listedRule {
	return listedRule{
		ID: rule.RuleID, Version: rule.Version, Severity: rule.Severity, Name: rule.Name, File: rule.File,
		Runs: true, Remarks: rule.Remarks(),
	}
}

// stoppedRule is the entry of a rule that is not evaluated.
func stoppedRule(not *detect.NotRunnableError) listedRule {
	entry := runningRule(not.Rule)
	entry.Runs, entry.Reason, entry.Remarks = false, not.Reason, nil
	for _, place := range diag.Flatten(not.Err) {
		entry.Places = append(entry.Places, place.Error())
	}
	return entry
}

func rulesListCommand(std streams) *cobra.Command {
	var common settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List the rules, also those that are not evaluated here, with the reason",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			loaded, err := common.load()
			if err != nil {
				return err
			}
			compiled, err := sensor.LoadRules(loaded.Rules.Folder, loaded.Exceptions)
			listed, defects := listRules(compiled, err)
			if err := printRules(std.out, listed, asJSON || !std.terminal); err != nil {
				return err
			}
			if defects != nil {
				return &usageError{defects}
			}
			return nil
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// listRules puts the rules that run and those that cannot into one list, and
// returns the defects that are something else.
func listRules(compiled []*detect.Compiled, failures error) ([]listedRule, error) {
	var listed []listedRule
	for _, one := range compiled {
		listed = append(listed, runningRule(one.Rule()))
	}
	var defects []error
	for _, err := range diag.Flatten(failures) {
		var not *detect.NotRunnableError
		if !errors.As(err, &not) {
			defects = append(defects, err)
			continue
		}
		listed = append(listed, stoppedRule(not))
	}
	return listed, errors.Join(defects...)
}

func printRules(to io.Writer, listed []listedRule, asJSON bool) error {
	for _, rule := range listed {
		if asJSON {
			if err := json.NewEncoder(to).Encode(rule); err != nil {
				return err
			}
			continue
		}
		state := "runs"
		if !rule.Runs {
			state = "not run: " + rule.Reason
		}
		if _, err := fmt.Fprintf(to, "%s  v%-3d %-8s  %s  (%s)\n", rule.ID, rule.Version, rule.Severity, rule.Name, state); err != nil {
			return err
		}
	}
	return nil
}

func rulesReloadCommand(std streams) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Make the running sensor read its rules and exceptions again",
		Long: `Make the running sensor read its rules and exceptions again, without losing what
it is waiting for: pending sequences of unchanged rules survive, and a broken
rule file keeps its last good version. The sensor's log says what came of it.`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			pid, err := sensor.RequestReload(sensor.DefaultLock)
			switch {
			case errors.Is(err, fs.ErrPermission):
				return &hintedError{err, "only root and the sensor's own user can ask it"}
			case err != nil:
				return err
			}
			_, err = fmt.Fprintf(std.err, "tripline: process %d reads its rules again; its log says what came of it\n", pid)
			return err
		},
	}
}
