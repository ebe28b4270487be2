package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tripline/config"
	"tripline/detect"
	"tripline/sensor"
)

// tryOptions are the flags of check that concern logs.
type tryOptions struct{ asJSON, failOnAlert bool }

// tryRules runs the rules over recorded logs and prints how many alerts each
// would have raised.
func tryRules(command *cobra.Command, std streams, loaded *config.Config, compiled []*detect.Compiled, logs []string, try tryOptions) error {
	defects := &defectPrinter{to: std.err}
	options := sensor.ReplayOptions{
		Rules: compiled, Limits: sensor.ReplayLimits(loaded.Detect), Stdin: std.in, Report: defects.report,
	}
	summary, err := sensor.Replay(command.Context(), logs, options, io.Discard)
	defects.finish()
	summarize(std.err, summary)
	if err != nil {
		return err
	}
	if err := printTried(std.out, summary, try.asJSON); err != nil {
		return err
	}
	if err := replayFailure(summary, len(logs)); err != nil {
		return err
	}
	if try.failOnAlert && summary.Alerts > 0 {
		return errMatched
	}
	return nil
}

// triedRules is the JSON form of what came of the rules on recorded logs.
type triedRules struct {
	Alerts []triedRule `json:"alerts_on_logs"`
}

type triedRule struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Alerts uint64 `json:"alerts"`
}

func printTried(to io.Writer, summary sensor.ReplaySummary, asJSON bool) error {
	var tried triedRules
	for _, one := range summary.Rules {
		tried.Alerts = append(tried.Alerts, triedRule{one.Rule.RuleID, one.Rule.Name, one.Matches})
	}
	if asJSON {
		return json.NewEncoder(to).Encode(tried)
	}
	text := "alerts on the logs:\n"
	for _, one := range tried.Alerts {
		text += fmt.Sprintf("  %6d  %s\n", one.Alerts, one.Name)
	}
	_, err := io.WriteString(to, text)
	return err
}
