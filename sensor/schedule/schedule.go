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
	// OnAlert is called for every alert, in the order of their last events.
	OnAlert func(alert.Alert) error
}

// Summary is what came of it.
type Summary struct {
	hunt.Summary
	// Alerts counts what was raised, Known what was raised before.
	Alerts, Known uint64
	// Throttled counts matches beyond max_signals of a run, and Outside matches
	// that last longer than what a run looks at.
	Throttled, Outside uint64
}

// defaultSignals is max_signals of a rule that has none.
const defaultSignals = 100

// scheduler is one scheduled hunt.
type scheduler struct {
	options *Options
	builder alert.Builder
	windows map[*detect.Rule]window
	// signals counts the alerts of each run.
	signals map[signalsKey]int
	summary Summary
}

type signalsKey struct {
	rule *detect.Rule
	run  int64
}

// maxRuns is how many runs are counted at once. Matches come in the order of
// their last events, so that earlier runs are over.
const maxRuns = 100_000

// Run runs the rules over the events. A rule whose times cannot be read is not
// run, and reported.
func Run(ctx context.Context, options *Options) (Summary, error) {
	s := &scheduler{options: options, windows: make(map[*detect.Rule]window), signals: make(map[signalsKey]int)}
	reading := options.Hunt
	reading.Size, reading.OnMatch = 0, s.match
	summary, err := hunt.Run(ctx, options.Queries, options.Files, reading)
	s.summary.Summary = summary
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
	return s.raise(match, signalsKey{found.Rule, run})
}

// raise raises an alert unless it is known, or its run has raised enough. What is
// known takes up room too: doing the same again raises nothing more.
func (s *scheduler) raise(match detect.Match, key signalsKey) error {
	most := match.Rule.MaxSignals
	if most <= 0 {
		most = defaultSignals
	}
	if len(s.signals) >= maxRuns {
		clear(s.signals)
	}
	if s.signals[key] >= most {
		s.summary.Throttled++
		return nil
	}
	s.signals[key]++
	made, err := s.builder.Build(match, false)
	if err != nil {
		s.options.Hunt.Report(err)
		return nil
	}
	if s.options.Raised.Has(made.ID) {
		s.summary.Known++
		return nil
	}
	if err := s.options.OnAlert(made); err != nil {
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
