package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tripline/detect"
	"tripline/internal/diag"
	"tripline/sensor"
)

func rulesCommand(std streams) *cobra.Command {
	command := &cobra.Command{
		Use:   "rules",
		Short: "List and show the rules, reload those of the running sensor, remove what a killed one left",
		Args:  noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return &usageError{fmt.Errorf("rules needs a subcommand; see %s --help", command.CommandPath())}
		},
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
		rule := one.Rule()
		listed = append(listed, listedRule{rule.RuleID, rule.Version, rule.Severity, rule.Name, rule.File, true, ""})
	}
	var defects []error
	for _, err := range diag.Flatten(failures) {
		var not *detect.NotRunnableError
		if !errors.As(err, &not) {
			defects = append(defects, err)
			continue
		}
		rule := not.Rule
		listed = append(listed, listedRule{rule.RuleID, rule.Version, rule.Severity, rule.Name, rule.File, false, not.Reason})
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

func rulesShowCommand(std streams) *cobra.Command {
	var common settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "show RULE",
		Short: "Show a rule, and what it needs of the events",
		Long: `Show a rule, named by its id or name, and what it needs of the events: kinds of
events, constant conditions, fields.`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("show needs one RULE, an id or a name; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			loaded, err := common.load()
			if err != nil {
				return err
			}
			compiled, err := loadRules(std, loaded)
			if err != nil {
				return err
			}
			for _, one := range compiled {
				if rule := one.Rule(); rule.RuleID == args[0] || strings.EqualFold(rule.Name, args[0]) {
					return showRule(std.out, one, asJSON || !std.terminal)
				}
			}
			return &usageError{fmt.Errorf("there is no rule %q among the %d rules that run; see tripline rules list", args[0], len(compiled))}
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// shownRule is the JSON form of `rules show`.
type shownRule struct {
	listedRule
	Query  string      `json:"query"`
	Needs  []shownNeed `json:"needs"`
	Fields []string    `json:"fields"`
}

// shownNeed is what one stage of a rule needs of its events.
type shownNeed struct {
	Category   string              `json:"category,omitempty"`
	Actions    []string            `json:"actions,omitempty"`
	Conditions map[string][]string `json:"conditions,omitempty"`
}

func showRule(to io.Writer, compiled *detect.Compiled, asJSON bool) error {
	rule := compiled.Rule()
	shown := shownRule{
		listedRule: listedRule{rule.RuleID, rule.Version, rule.Severity, rule.Name, rule.File, true, ""},
		Query:      rule.Query, Fields: compiled.Fields(),
	}
	for _, need := range compiled.Needs() {
		one := shownNeed{Category: need.Category, Actions: need.Actions}
		for _, condition := range need.Conditions {
			if one.Conditions == nil {
				one.Conditions = make(map[string][]string)
			}
			one.Conditions[condition.Field] = condition.Values
		}
		shown.Needs = append(shown.Needs, one)
	}
	if asJSON {
		return json.NewEncoder(to).Encode(shown)
	}
	text := fmt.Sprintf("%s\n  id        %s\n  version   %d\n  severity  %s\n  file      %s\n\n%s\n", rule.Name,
		rule.RuleID, rule.Version, rule.Severity, rule.File, strings.TrimSpace(rule.Query))
	for i, need := range shown.Needs {
		text += fmt.Sprintf("\nneeds %d: %s events", i+1, orAny(need.Category))
		if len(need.Actions) > 0 {
			text += " with action " + strings.Join(need.Actions, " or ")
		}
		for _, condition := range compiled.Needs()[i].Conditions {
			text += fmt.Sprintf(", %s %s", condition.Field, strings.Join(condition.Values, " or "))
		}
	}
	text += "\nreads: " + strings.Join(shown.Fields, ", ") + "\n"
	_, err := io.WriteString(to, text)
	return err
}

func orAny(category string) string {
	if category == "" {
		return "any"
	}
	return category
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
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(std.err, "tripline: process %d reads its rules again; its log says what came of it\n", pid)
			return err
		},
	}
}
