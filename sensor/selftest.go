package sensor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tripline/auditrules"
	"tripline/sensor/selftest"
	"tripline/sensor/selftest/ways"
)

const (
	// performTime is how long a sample may take, one that is slow on purpose
	// slowTime longer.
	performTime = 30 * time.Second
	slowTime    = time.Minute
	// detectionTime is how long a sample's alert is awaited, and missTime where none
	// is expected, because of what this kernel lacks or after missLimit misses.
	detectionTime = 10 * time.Second
	missTime      = time.Second
	missLimit     = 3
	// lossTries is how often a sample is performed whose records may have been lost.
	lossTries = 3
	// settleTime is how long an alert may follow that of a later event: events
	// that lack a record wait for it.
	settleTime = 500 * time.Millisecond
)

// shippedRule is the rule_id of the rule that the samples are about.
const shippedRule = "eb6a3790-d52d-11ec-8ce9-f661ea17fbce"

// selfTest performs the samples one after another and says what became of each.
// Those that must stay silent are judged at the end, after one that is not.
func (s *Sensor) selfTest(ctx context.Context) []selftest.Result {
	for _, rule := range s.rules {
		if rule.Rule().RuleID == shippedRule {
			s.samples.judged = shippedRule
		}
	}
	results := make([]selftest.Result, len(s.options.SelfTest))
	waiting := map[int]*sample{}
	for i, technique := range s.options.SelfTest {
		if ctx.Err() != nil {
			results[i] = interrupted(technique)
			continue
		}
		if !technique.Silent {
			results[i] = s.tryDetection(ctx, technique, countMisses(results[:i]))
			s.sayResult(results[i])
			continue
		}
		one, err := s.perform(ctx, technique)
		if err == nil {
			waiting[i] = one
			continue
		}
		results[i] = unperformed(technique, errors.Join(err, s.end(one)))
		s.sayResult(results[i])
	}
	silence := s.awaitSilence(ctx, len(waiting) > 0)
	for i, one := range waiting {
		results[i] = s.judgeSilence(one, silence)
		s.sayResult(results[i])
	}
	return results
}

// tryDetection performs a sample of the behaviour and judges it. Where it is
// missed while records were lost it says nothing of the technique, and is tried
// again.
func (s *Sensor) tryDetection(ctx context.Context, technique selftest.Technique, misses int) selftest.Result {
	var lostBefore uint64
	for try := 1; ; try++ {
		before, err := s.lostSoFar()
		if err != nil {
			return selftest.Of(technique).Is(selftest.Failed, false, err.Error())
		}
		one, err := s.perform(ctx, technique)
		if err != nil {
			return unperformed(technique, errors.Join(err, s.end(one)))
		}
		result := s.judge(ctx, one, misses)
		now, err := s.lostSoFar()
		lost := lostBefore + now - before
		switch {
		case err != nil:
			return result
		case result.Outcome == selftest.Detected && lostBefore > 0:
			result.Reason = fmt.Sprintf("at try %d, since %d records were lost before", try, lostBefore)
			return result
		case result.Outcome != selftest.Missed || result.OK || now == before:
			return result
		case try == lossTries || ctx.Err() != nil:
			result.Reason = fmt.Sprintf("%d records were lost in %d tries: the host is too busy, or backlog_limit or receive_buffer in [kernel] too small", lost, try)
			return result
		}
		lostBefore = lost
	}
}

// lostSoFar counts the records that the kernel lost and the times that the
// receive buffer overran.
func (s *Sensor) lostSoFar() (uint64, error) {
	status, err := s.watch.control.Status()
	if err != nil {
		return 0, fmt.Errorf("asking for lost records: %w", err)
	}
	return uint64(status.Lost) + s.watch.source.Stats().Overruns, nil
}

// countMisses counts the samples that were missed without an explanation.
func countMisses(results []selftest.Result) int {
	misses := 0
	for _, one := range results {
		if one.Outcome == selftest.Missed && !one.OK {
			misses++
		}
	}
	return misses
}

// perform runs one sample. It lives until it is ended, so that its pids mean no
// other process.
func (s *Sensor) perform(ctx context.Context, technique selftest.Technique) (*sample, error) {
	program := s.options.Program
	if program == "" {
		var err error
		if program, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("finding the program itself: %w", err)
		}
	}
	child, err := selftest.Start(program, technique)
	if err != nil {
		return nil, err
	}
	one := &sample{technique: technique, child: child, alerted: make(chan struct{}), began: time.Now()}
	s.samples.register(child.PID, one)
	limit := performTime
	if technique.Slow {
		limit += slowTime
	}
	return one, child.Perform(ctx, limit, func(pid int) { s.samples.register(pid, one) })
}

// end ends a sample that was begun.
func (s *Sensor) end(one *sample) error {
	if one == nil {
		return nil
	}
	s.samples.forget(one)
	return one.child.Stop()
}

// interrupted is the result of a sample that was given up.
func interrupted(technique selftest.Technique) selftest.Result {
	return selftest.Of(technique).Is(selftest.Failed, false, "the self-test was interrupted")
}

// unperformed is the result of a sample that could not be performed.
func unperformed(technique selftest.Technique, err error) selftest.Result {
	if errors.Is(err, ways.ErrImpossible) {
		return selftest.Of(technique).Is(selftest.Impossible, true, strings.TrimPrefix(err.Error(), ways.ErrImpossible.Error()+": "))
	}
	return selftest.Of(technique).Is(selftest.Failed, false, err.Error())
}

// judge waits for the alert of a sample of the behaviour and ends the sample.
// misses counts those before it that were missed.
func (s *Sensor) judge(ctx context.Context, one *sample, misses int) selftest.Result {
	explained, patience := s.explainMiss(one.technique), detectionTime
	if explained != "" || misses >= missLimit {
		patience = missTime
	}
	select {
	case <-one.alerted:
	case <-ctx.Done():
	case <-time.After(patience):
	}
	alerts, record, after := s.samples.seen(one)
	result := selftest.Of(one.technique)
	err := s.end(one)
	switch {
	case err != nil:
		return result.Is(selftest.Failed, false, err.Error())
	case alerts > 0:
		result.Record, result.Milliseconds = record, max(1, after.Milliseconds())
		return result.Is(selftest.Detected, true, "")
	case ctx.Err() != nil:
		return interrupted(one.technique)
	case explained != "":
		return result.Is(selftest.Missed, true, explained)
	}
	return result.Is(selftest.Missed, false, fmt.Sprintf("no alert within %s, %s", patience, s.suspects()))
}

// suspects says which rules of others hide what the sensor looks for, and with which
// command they go.
func (s *Sensor) suspects() string {
	const unknown = "though nothing is known that hides it; tripline doctor may find why"
	loaded, err := s.watch.control.Rules()
	if err != nil {
		return unknown
	}
	// The plan and not what was installed: who listens beside a sensor installs nothing.
	var found []string
	for _, one := range auditrules.Inspect(loaded, s.plan, s.features.Machine) {
		if one.Effect < auditrules.HidesSome {
			continue
		}
		text := strings.TrimSpace(one.Line + ": " + one.Text)
		if one.Mend != "" {
			text += " (mend: " + one.Mend + ")"
		}
		found = append(found, text)
	}
	if len(found) == 0 {
		return unknown
	}
	return "and a rule of others hides what it looks for: " + strings.Join(found, "; ")
}

// explainMiss says what a miss of a technique would be due to, empty where it
// must be detected.
func (s *Sensor) explainMiss(technique selftest.Technique) string {
	if technique.Blind == "" {
		return ""
	}
	for _, spot := range s.blindSpots() {
		if strings.Contains(spot.What, technique.Blind) {
			return spot.String()
		}
	}
	return ""
}

// awaitSilence performs the plain sample again: once its alert is there, those of
// earlier events would be too.
func (s *Sensor) awaitSilence(ctx context.Context, needed bool) error {
	if !needed {
		return nil
	}
	if result := s.tryDetection(ctx, selftest.Basic()[0], 0); result.Outcome != selftest.Detected {
		return fmt.Errorf("the plain sample was not detected either: %s", result.Reason)
	}
	select {
	case <-ctx.Done():
		return errors.New("the self-test was interrupted")
	case <-time.After(settleTime + time.Duration(s.options.Config.Detect.Tolerance)):
		return nil
	}
}

// judgeSilence ends a sample that must raise no alert.
func (s *Sensor) judgeSilence(one *sample, silence error) selftest.Result {
	alerts, record, _ := s.samples.seen(one)
	result := selftest.Of(one.technique)
	err := s.end(one)
	switch {
	case alerts > 0:
		result.Record = record
		return result.Is(selftest.Alerted, false, "an alert was raised for what is not the behaviour")
	case err != nil:
		return result.Is(selftest.Failed, false, err.Error())
	case silence != nil:
		return result.Is(selftest.Failed, false, "that it was silent says nothing: "+silence.Error())
	}
	return result.Is(selftest.Quiet, true, "")
}

// sayResult writes a result to the program's log.
func (s *Sensor) sayResult(result selftest.Result) {
	fields := []any{"technique", result.Technique, "what", result.What}
	if result.Reason != "" {
		fields = append(fields, "reason", result.Reason)
	}
	if result.Milliseconds > 0 {
		fields = append(fields, "after", (time.Duration(result.Milliseconds) * time.Millisecond).String())
	}
	if result.OK {
		s.options.Log.Info("self-test "+string(result.Outcome), fields...)
		return
	}
	s.options.Log.Error("self-test "+string(result.Outcome), fields...)
}
