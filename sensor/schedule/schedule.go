package schedule

import (
	"context"

	"tripline/detect"
	"tripline/hunt"
	"tripline/normalize"
	"tripline/sensor/alert"
)

// Options say what is run over which events.
type Options struct {
	Queries *hunt.Queries
	Files   []string
	// Hunt says how events are read; its OnMatch and Size are not used.
	Hunt hunt.Options
	// Raised are the alerts that are not raised again.
	Raised *Raised
	// OnAlert is called for every alert, in the order of their last events, and then
	// for the summary of each run that had more matches than max_signals.
	OnAlert func(alert.Alert) error
}

// Summary is what came of it.
type Summary struct {
	hunt.Summary
	// Alerts counts what was raised, Known what was raised before.
	Alerts, Known uint64
	// Throttled counts matches beyond max_signals of a run, which its summary
	// counts, and Outside matches that last longer than what a run looks at.
	Throttled, Outside uint64
}

// scheduler is one scheduled hunt.
type scheduler struct {
	options *Options
	builder alert.Builder
	windows map[*detect.Rule]window
	runs    map[runKey]*ruleRun
	summary Summary
}

// Run runs the rules over the events. A rule whose times cannot be read is not
// run, and reported.
func Run(ctx context.Context, options *Options) (Summary, error) {
	s := &scheduler{options: options, windows: make(map[*detect.Rule]window), runs: make(map[runKey]*ruleRun)}
	reading := options.Hunt
	reading.Size, reading.OnMatch = 0, s.match
	summary, err := hunt.Run(ctx, options.Queries, options.Files, reading)
	s.summary.Summary = summary
	if err == nil {
		err = s.endRuns()
	}
	return s.summary, err
}

// match raises the alert of a match, if it is to be raised.
func (s *scheduler) match(found *hunt.Match) error {
	w, ok := s.windows[found.Rule]
	if !ok {
		var err error
		if w, err = windowOf(found.Rule); err != nil {
			s.options.Hunt.Report(err)
		}
		s.windows[found.Rule] = w
	}
	match := detect.Match{Rule: found.Rule, JoinKeys: found.JoinKeys}
	var first, last int64
	seen := false
	for i, event := range found.Events {
		if event == nil {
			match.Events = append(match.Events, nil)
			continue
		}
		match.Events = append(match.Events, recorded{event, found.Documents[i]})
		if at := event.Time(); !seen {
			first, last, seen = at, at, true
		} else {
			first, last = min(first, at), max(last, at)
		}
	}
	run, inside := w.run(first, last)
	if !inside {
		s.summary.Outside++
		return nil
	}
	return s.raise(match, runKey{found.Rule, run})
}

// raise raises an alert unless it is known, or its run has raised enough. What is
// known takes up room too: doing the same again raises nothing more.
func (s *scheduler) raise(match detect.Match, key runKey) error {
	run, err := s.runOf(key)
	if err != nil {
		return err
	}
	if run.raised >= run.Summary.Signals {
		s.summary.Throttled++
		run.tally(match)
		return nil
	}
	run.raised++
	made, err := s.builder.Build(match, false)
	if err != nil {
		s.options.Hunt.Report(err)
		return nil
	}
	return s.say(&made)
}

// say hands over an alert that was not raised before.
func (s *scheduler) say(made *alert.Alert) error {
	if s.options.Raised.Has(made.ID) {
		s.summary.Known++
		return nil
	}
	if err := s.options.OnAlert(*made); err != nil {
		return err
	}
	s.options.Raised.add(made.ID)
	s.summary.Alerts++
	return nil
}

// recorded is an event as a file has it.
type recorded struct {
	detect.Event
	document []byte
}

// AppendJSON appends the document as it was read. The facts of the host are in
// it, or are not known.
func (r recorded) AppendJSON(dst []byte, _ *normalize.HostFacts) []byte {
	return append(dst, r.document...)
}
