package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tripline/auditrules"
	"tripline/config"
	"tripline/sensor"
	"tripline/sensor/alert"
)

func checkCommand(std streams) *cobra.Command {
	var common settings
	var asJSON, failOnAlert bool
	command := &cobra.Command{
		Use:   "check [LOG...]",
		Short: "Validate configuration and rules, show the kernel audit rules",
		Long: `Validate the configuration and every rule, and show the kernel audit rules that
"tripline run" would install on this machine. Nothing is changed, and no
privilege is needed. Any defect makes the exit code 2.

With recorded audit logs (plain or .gz, "-" for standard input) the rules are
also tried on them, and what would have been raised is counted for each rule:
whether a new rule or exception is quiet on yesterday's log, for instance.`,
		Example: `  tripline check --config /etc/tripline/sensor.toml
  tripline check --rules new-rules/ /var/log/audit/audit.log`,
		RunE: func(command *cobra.Command, logs []string) error {
			if failOnAlert && len(logs) == 0 {
				return &usageError{errors.New("--fail-on-alert needs a recorded LOG on which the rules are tried")}
			}
			common.noteDefaults(std, os.DirFS("/"))
			loaded, err := common.load()
			if err != nil {
				return err
			}
			compiled, rulesErr := sensor.LoadRules(loaded.Rules.Folder, loaded.Exceptions)
			listed, rulesErr := listRules(compiled, rulesErr)
			plan, err := sensor.PlanRules(compiled, loaded.Kernel.Key)
			if err != nil {
				return err
			}
			show := printPlan
			if asJSON || !std.terminal {
				show = printPlanJSON
			}
			if err := show(std.out, loaded, listed, plan); err != nil {
				return err
			}
			if rulesErr != nil {
				return &usageError{rulesErr}
			}
			if len(logs) == 0 {
				return nil
			}
			return tryRules(command, std, loaded, compiled, logs, tryOptions{asJSON: asJSON || !std.terminal, failOnAlert: failOnAlert})
		},
	}
	common.addFlags(command)
	command.Flags().BoolVar(&asJSON, "json", false, "print JSON also on a terminal")
	command.Flags().BoolVar(&failOnAlert, "fail-on-alert", false, "exit with 3 if there would have been an alert on a LOG")
	return command
}

// printPlan shows the plan to a person.
func printPlan(to io.Writer, loaded *config.Config, listed []listedRule, plan *auditrules.Plan) error {
	text := ""
	for _, rule := range listed {
		text += fmt.Sprintf("rule  %s (%s, version %d)\n", rule.Name, rule.ID, rule.Version)
		if !rule.Runs {
			text += "      not run: " + rule.Reason + "\n"
		}
		for _, remark := range rule.Remarks {
			text += "      note: " + remark + "\n"
		}
	}
	for _, one := range checkedExceptions(loaded, time.Now()) {
		text += fmt.Sprintf("exception  for %s: %s (%s)\n", one.Rule, alert.Escape(one.Condition), alert.Escape(one.Comment))
		if one.Ended {
			text += "      note: its last day was " + one.Until + "; it exempts nothing\n"
		}
	}
	for _, one := range loaded.Output.Destinations() {
		text += "output  " + one + "\n"
	}
	text += "kernel audit rules, as auditctl writes them:\n" + planText(plan)
	_, err := io.WriteString(to, text)
	return err
}

// checkedPlan is the JSON form of a plan.
type checkedPlan struct {
	Rules  []checkedRule `json:"rules"`
	NotRun []listedRule  `json:"not_run,omitempty"`
	// Exceptions are those of the configuration, in its order.
	Exceptions []checkedException `json:"exceptions,omitempty"`
	plannedRules
	AlertFile string   `json:"alert_file,omitempty"`
	Outputs   []string `json:"outputs,omitempty"`
}

type checkedRule struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Version int      `json:"version"`
	Remarks []string `json:"remarks,omitempty"`
}

type checkedException struct {
	Rule      string `json:"rule"`
	Condition string `json:"condition"`
	Comment   string `json:"comment"`
	Until     string `json:"until,omitempty"`
	// Ended says that its last day is over.
	Ended bool `json:"ended,omitempty"`
}

// checkedExceptions lists the exceptions, whether their conditions hold or not.
func checkedExceptions(loaded *config.Config, now time.Time) []checkedException {
	all := make([]checkedException, 0, len(loaded.Exceptions))
	for _, one := range loaded.Exceptions {
		until := ""
		if !one.Until.IsZero() {
			until = one.Until.Format(time.DateOnly)
		}
		all = append(all, checkedException{one.Rule, one.Condition, one.Comment, until, one.Until.Over(now)})
	}
	return all
}

// printPlanJSON prints the plan as one JSON document.
func printPlanJSON(to io.Writer, loaded *config.Config, listed []listedRule, plan *auditrules.Plan) error {
	document := checkedPlan{plannedRules: planDocument(plan), Exceptions: checkedExceptions(loaded, time.Now()), AlertFile: loaded.Output.Alerts.Path, Outputs: loaded.Output.Destinations()}
	for _, rule := range listed {
		if rule.Runs {
			document.Rules = append(document.Rules, checkedRule{rule.ID, rule.Name, rule.Version, rule.Remarks})
		} else {
			document.NotRun = append(document.NotRun, rule)
		}
	}
	return json.NewEncoder(to).Encode(document)
}
