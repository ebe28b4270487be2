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

func rulesShowCommand(std streams) *cobra.Command {
	var common settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "show RULE",
		Short: "Show a rule, and what it needs of the events",
		Long: `Show a rule, named by its id or name, and what it needs of the events: kinds of
events, constant conditions, fields.`,
		Example: `  tripline rules show 'Suspicious Network Connection Attempt by Root'`,
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
			compiled, err := sensor.LoadRules(loaded.Rules.Folder, loaded.Exceptions)
			for _, one := range compiled {
				if rule := one.Rule(); rule.RuleID == args[0] || strings.EqualFold(rule.Name, args[0]) {
					return showRule(std.out, one, asJSON || !std.terminal)
				}
			}
			return &usageError{cannotShow(args[0], len(compiled), err)}
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	return command
}

// cannotShow says why a rule is not among those that run: it cannot, or there is no
// such rule.
func cannotShow(name string, running int, failures error) error {
	var defects []error
	for _, err := range diag.Flatten(failures) {
		var not *detect.NotRunnableError
		switch {
		case !errors.As(err, &not):
			defects = append(defects, err)
		case not.Rule.RuleID == name || strings.EqualFold(not.Rule.Name, name):
			return err
		}
	}
	missing := fmt.Errorf("there is no rule %q among the %d rules that run; see tripline rules list", name, running)
	return errors.Join(append(defects, missing)...)
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
		listedRule: runningRule(rule), Query: rule.Query, Fields: compiled.Fields(),
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
	for _, remark := range shown.Remarks {
		text += "note: " + remark + "\n"
	}
	_, err := io.WriteString(to, text)
	return err
}

func orAny(category string) string {
	if category == "" {
		return "any"
	}
	return category
}
