package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"tripline/sensor/selftest"
)

// countBad counts the results that are neither as expected nor explained.
func countBad(results []selftest.Result) int {
	bad := 0
	for _, one := range results {
		if !one.OK {
			bad++
		}
	}
	return bad
}

// printResults prints a table for a person, or one document for each technique.
func printResults(to io.Writer, results []selftest.Result, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		for _, one := range results {
			if err := encoder.Encode(one); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "TECHNIQUE\tOUTCOME\tBY WHICH RECORD, OR WHY")
	for _, one := range results {
		outcome, detail := string(one.Outcome), one.Record
		if !one.OK {
			outcome += " (!)"
		}
		if one.Reason != "" {
			detail = one.Reason
			if one.Record != "" {
				detail += ": " + one.Record
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", one.Technique, outcome, detail)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("printing the results: %w", err)
	}
	counts := map[selftest.Outcome]int{}
	for _, one := range results {
		counts[one.Outcome]++
	}
	_, err := fmt.Fprintf(to, "%d detected, %d missed; %d silent, %d alerted; %d impossible here, %d failed\n",
		counts[selftest.Detected], counts[selftest.Missed], counts[selftest.Quiet], counts[selftest.Alerted],
		counts[selftest.Impossible], counts[selftest.Failed])
	return err
}

// listTechniques prints what can be performed.
func listTechniques(to io.Writer, techniques []selftest.Technique, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(to)
		encoder.SetEscapeHTML(false)
		for _, one := range techniques {
			listed := struct {
				Technique string           `json:"technique"`
				What      string           `json:"what"`
				Expected  selftest.Outcome `json:"expected"`
				Slow      bool             `json:"slow,omitempty"`
			}{one.Name, one.What, selftest.Of(one).Expected, one.Slow}
			if err := encoder.Encode(listed); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "TECHNIQUE\tEXPECTED\tWHAT IS DONE")
	for _, one := range techniques {
		slow := ""
		if one.Slow {
			slow = " (with --slow)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s%s\n", one.Name, selftest.Of(one).Expected, one.What, slow)
	}
	return table.Flush()
}
