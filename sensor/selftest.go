package sensor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"tripline/sensor/selftest"
	"tripline/sensor/selftest/ways"
)

const (
	// performTime is how long a sample may take, one that is slow on purpose
	// slowTime longer.
	performTime = 30 * time.Second
	slowTime    = time.Minute
	// detectionTime is how long a sample's alert is awaited, and missTime where it
	// is known already that none will come.
	detectionTime = 5 * time.Second
	missTime      = time.Second
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
			results[i] = selftest.Of(technique).Is(selftest.Failed, false, "the self-test was interrupted")
			continue
		}
		one, err := s.perform(ctx, technique)
		switch {
		case err != nil:
			results[i] = impossible(technique, errors.Join(err, s.end(one)))
		case technique.Silent:
			waiting[i] = one
			continue
		default:
			results[i] = s.judge(ctx, one)
		}
		s.sayResult(results[i])
	}
	silence := s.awaitSilence(ctx, len(waiting) > 0)
	for i, one := range waiting {
		results[i] = s.judgeSilence(one, silence)
		s.sayResult(results[i])
	}
	return results
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

// impossible is the result of a sample that could not be performed.
func impossible(technique selftest.Technique, err error) selftest.Result {
	if errors.Is(err, ways.ErrImpossible) {
		return selftest.Of(technique).Is(selftest.Impossible, true, strings.TrimPrefix(err.Error(), ways.ErrImpossible.Error()+": "))
	}
	return selftest.Of(technique).Is(selftest.Failed, false, err.Error())
}

// judge waits for the alert of a sample of the behaviour and ends the sample.
func (s *Sensor) judge(ctx context.Context, one *sample) selftest.Result {
	explained, patience := s.explainMiss(one.technique), detectionTime
	if explained != "" {
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
		return result.Is(selftest.Failed, false, "the self-test was interrupted")
	case explained != "":
		return result.Is(selftest.Missed, true, explained)
	}
	return result.Is(selftest.Missed, false, fmt.Sprintf("no alert within %s, though nothing is known that hides it; tripline doctor may find why", patience))
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
	one, err := s.perform(ctx, selftest.Basic()[0])
	if err != nil {
		return errors.Join(err, s.end(one))
	}
	if result := s.judge(ctx, one); result.Outcome != selftest.Detected {
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
