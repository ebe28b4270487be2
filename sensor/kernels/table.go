package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"tripline/sensor/kernels/report"
)

// printTable prints what came of every step on every kernel, then the reasons,
// then what was found out about the kernels, and returns how many steps failed.
func printTable(to io.Writer, tried []*outcome) (failed int) {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nSTEP\t"+strings.Join(labels(tried), "\t"))
	counts := map[report.Result]int{}
	var reasons []string
	for _, boot := range report.Boots() {
		fmt.Fprintf(table, "boot %s%s\n", boot, strings.Repeat("\t", len(tried)))
		for _, name := range stepNames(tried, boot) {
			row := "  " + name
			for _, o := range tried {
				step := o.step(boot, name)
				row += "\t" + string(step.Result)
				counts[step.Result]++
				if step.Reason != "" && step.Result != report.Fail {
					reasons = append(reasons, fmt.Sprintf("%s, %s, %s: %s", o.label(), boot, name, step.Reason))
				}
			}
			fmt.Fprintln(table, row)
		}
	}
	printFeatures(table, tried)
	_ = table.Flush() // to a terminal
	fmt.Fprintln(to)
	for _, reason := range reasons {
		fmt.Fprintln(to, reason)
	}
	for _, o := range tried {
		for _, boot := range report.Boots() {
			for _, step := range o.steps[boot] {
				if step.Result == report.Fail {
					fmt.Fprintf(to, "FAIL %s, %s, %s: %s\n%s", o.label(), boot, step.Name, step.Reason, indented(step.Log))
				}
			}
		}
	}
	fmt.Fprintf(to, "%d kernels: %d passed, %d failed, %d skipped, %d named as blind spots\n",
		len(tried), counts[report.Pass], counts[report.Fail], counts[report.Skip], counts[report.Blind])
	return counts[report.Fail]
}

// printFeatures adds what the sensor found out to the table.
func printFeatures(table io.Writer, tried []*outcome) {
	names := map[string]bool{}
	for _, o := range tried {
		for name := range o.features {
			names[name] = true
		}
	}
	fmt.Fprintf(table, "found out%s\n", strings.Repeat("\t", len(tried)))
	for _, name := range sorted(names) {
		row := "  " + name
		for _, o := range tried {
			row += "\t" + o.features[name]
		}
		fmt.Fprintln(table, row)
	}
}

func sorted(names map[string]bool) []string {
	list := make([]string, 0, len(names))
	for name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// label is the kernel's release, or its file's name where that is not known.
func (o *outcome) label() string {
	if release := o.features[report.Release]; release != "" {
		return release
	}
	return o.name
}

func labels(tried []*outcome) []string {
	all := make([]string, 0, len(tried))
	for _, o := range tried {
		all = append(all, o.label())
	}
	return all
}

// stepNames lists the steps of a boot in the order of the first kernel that has
// most of them.
func stepNames(tried []*outcome, boot report.Boot) []string {
	var names []string
	for _, o := range tried {
		for _, step := range o.steps[boot] {
			if !slices.Contains(names, step.Name) {
				names = append(names, step.Name)
			}
		}
	}
	return names
}

// step finds a step; one that was not made has an empty result.
func (o *outcome) step(boot report.Boot, name string) report.Step {
	for _, step := range o.steps[boot] {
		if step.Name == name {
			return step
		}
	}
	return report.Step{}
}

func indented(text string) string {
	indented := ""
	for line := range strings.Lines(text) {
		indented += "    " + strings.TrimRight(line, "\n") + "\n"
	}
	return indented
}
