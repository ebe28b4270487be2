package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tripline/auditrules"
	"tripline/detect"
	"tripline/sensor"
)

// planTarget says for which kernel to plan; empty for this one.
type planTarget struct {
	machine, release string
}

func rulesKernelCommand(std streams) *cobra.Command {
	var common settings
	var target planTarget
	var format string
	formats := map[string]func(io.Writer, *auditrules.Plan) error{
		"lines": printPlanLines, "json": printPlannedRules,
		"rules.d": func(to io.Writer, plan *auditrules.Plan) error {
			_, err := io.WriteString(to, plan.RulesFile())
			return err
		},
	}
	command := &cobra.Command{
		Use:   "kernel",
		Short: "Print the kernel audit rules that the rules need, as auditctl writes them",
		Long: `Print the kernel audit rules that the rules need, each with its reason, and what
the kernel cannot report.

--format lines    as auditctl writes them (the default)
--format json     one JSON document
--format rules.d  a file for /etc/audit/rules.d/, for hosts whose rules are loaded
                  at boot and may be locked then (auditctl -e 2)

The plan is for this host. --machine and --kernel plan for another: what uname -m
and uname -r say there. Of a release is assumed what upstream's has; a kernel of a
distribution may have more.`,
		Example: `  tripline rules kernel --format rules.d
  tripline rules kernel --machine aarch64 --kernel 5.10`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			show, known := formats[format]
			if !known {
				return &usageError{fmt.Errorf("there is no format %q; there is lines, json and rules.d", format)}
			}
			loaded, compiled, err := common.loadAll(std)
			if err != nil {
				return err
			}
			plan, err := target.plan(compiled, loaded.Kernel.Key)
			if err != nil {
				return err
			}
			return show(std.out, plan)
		},
	}
	common.addFlags(command)
	command.Flags().StringVar(&format, "format", "lines", "`FORMAT` lines, json or rules.d")
	command.Flags().StringVar(&target.machine, "machine", "", "plan for another `MACHINE`, such as aarch64")
	command.Flags().StringVar(&target.release, "kernel", "", "plan for another kernel `RELEASE`, such as 5.10")
	return command
}

// plan plans for the target.
func (t planTarget) plan(compiled []*detect.Compiled, key string) (*auditrules.Plan, error) {
	if t == (planTarget{}) {
		return sensor.PlanRules(compiled, key)
	}
	machine := t.machine
	if machine == "" {
		var err error
		if machine, err = auditrules.Machine(); err != nil {
			return nil, err
		}
	}
	features, err := auditrules.UpstreamFeatures(machine, t.release)
	if err != nil {
		return nil, &usageError{err}
	}
	plan, err := sensor.PlanRulesFor(compiled, features, key)
	if err != nil {
		return nil, &usageError{err}
	}
	return plan, nil
}

// printPlanLines prints rules with their reasons as comments.
func printPlanLines(to io.Writer, plan *auditrules.Plan) error {
	text := ""
	for _, rule := range plan.Rules {
		text += fmt.Sprintf("# %s\n%s\n", rule.Reason, rule.Line)
	}
	limits := planLimits(plan)
	for _, limit := range limits {
		text += "# " + limit + "\n"
	}
	_, err := io.WriteString(to, text)
	return err
}

// planText shows a plan to a person, after a heading.
func planText(plan *auditrules.Plan) string {
	text := ""
	for _, rule := range plan.Rules {
		text += fmt.Sprintf("  %s\n      %s\n", rule.Line, rule.Reason)
	}
	if limits := planLimits(plan); len(limits) > 0 {
		text += strings.Join(limits, "\n") + "\n"
	}
	return text
}

// planLimits names what the kernel cannot report.
func planLimits(plan *auditrules.Plan) []string {
	var limits []string
	for _, spot := range plan.BlindSpots {
		limits = append(limits, "blind spot: "+spot.String())
	}
	for _, unmet := range plan.Unmet {
		limits = append(limits, "no kernel rule can feed: "+unmet)
	}
	return limits
}

// plannedRules is the JSON form of a plan.
type plannedRules struct {
	KernelRules []kernelRule `json:"kernel_rules"`
	BlindSpots  []blindSpot  `json:"blind_spots,omitempty"`
	Unmet       []string     `json:"unmet,omitempty"`
}

type kernelRule struct {
	Line   string `json:"line"`
	Reason string `json:"reason"`
	// Instead are the lines that are installed if the kernel refuses the rule.
	Instead []string `json:"instead,omitempty"`
}

type blindSpot struct {
	What  string `json:"what"`
	Why   string `json:"why"`
	Since string `json:"since,omitempty"`
}

func planDocument(plan *auditrules.Plan) plannedRules {
	document := plannedRules{Unmet: slices.Clone(plan.Unmet)}
	for _, rule := range plan.Rules {
		one := kernelRule{Line: rule.Line, Reason: rule.Reason}
		if rule.Instead != nil {
			for _, instead := range rule.Instead.Rules {
				one.Instead = append(one.Instead, instead.Line)
			}
		}
		document.KernelRules = append(document.KernelRules, one)
	}
	for _, spot := range plan.BlindSpots {
		document.BlindSpots = append(document.BlindSpots, blindSpot(spot))
	}
	return document
}

func printPlannedRules(to io.Writer, plan *auditrules.Plan) error {
	return json.NewEncoder(to).Encode(planDocument(plan))
}
