package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"

	"tripline/auditrules/kernel"
)

const terminate = syscall.SIGTERM

// selftest is what a user runs first.
func selftest(g *guest) error {
	done, err := g.run(tripline, "selftest", "--json")
	if err != nil {
		return err
	}
	if done.code != 0 || !strings.Contains(done.out, `"detected":true`) || strings.Contains(done.out, `"detected":false`) {
		return fmt.Errorf("tripline selftest ended with code %d: %s%s", done.code, done.out, done.err)
	}
	return nil
}

// restoreAtAnyMoment stops sensors ever later into their start. That everything
// is as before is seen after each.
func restoreAtAnyMoment(g *guest) error {
	for i := range 12 {
		s, err := g.launch(tripline)
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(i*i) * 10 * time.Millisecond)
		signal := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2]
		err = s.stop(signal)
		// Before Go handles signals one ends the program, and nothing was changed.
		if status, ok := s.command.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == signal {
			err = nil
		}
		if err != nil {
			return err
		}
		after, err := readState()
		if err != nil {
			return err
		}
		if !after.equal(g.before) {
			return fmt.Errorf("%v at start %d: kernel audit was %s and is %s", signal, i+1, g.before, after)
		}
	}
	return nil
}

// killedThenRemove kills a sensor and puts back by command what it left.
func killedThenRemove(g *guest) error {
	for range 3 {
		s, err := g.start(tripline)
		if err != nil {
			return err
		}
		s.kill()
		left, err := readState()
		if err != nil {
			return err
		}
		if left.equal(g.before) {
			return errors.New("a killed sensor left nothing: the step shows nothing")
		}
	}
	_, err := g.do(tripline, "rules", "remove")
	return err
}

// addRule adds a rule as auditctl would, and returns what removes it.
func addRule(line string) (remove func() error, err error) {
	parsed, err := flags.Parse(line)
	if err != nil {
		return nil, err
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		return nil, err
	}
	if err := withClient(func(client *kernel.Client) error { return client.AddRule(wire) }); err != nil {
		return nil, fmt.Errorf("adding the rule %s: %w", line, err)
	}
	return func() error {
		return withClient(func(client *kernel.Client) error { return client.DeleteRule(wire) })
	}, nil
}

// foreignRules has rules of somebody else's before the sensor's, which stay, and
// which match before the sensor's own.
func foreignRules(g *guest) error {
	var undo []func() error
	for _, line := range []string{
		"-a always,exit -F arch=b64 -S connect -F key=theirs",
		"-a always,exit -F arch=b64 -S setsid -F key=theirs",
		"-w /etc/passwd -p wa -k theirs",
	} {
		remove, err := addRule(line)
		if err != nil {
			return err
		}
		undo = append(undo, remove)
	}
	before, err := readState()
	if err != nil {
		return err
	}
	failure := g.runAndCatch()
	after, err := readState()
	if err == nil && !after.equal(before) {
		err = errors.New("the rules of others changed")
	}
	failure = errors.Join(failure, err)
	for _, remove := range undo {
		failure = errors.Join(failure, remove())
	}
	return failure
}

// runAndCatch starts a sensor, sees that it catches, and stops it.
func (g *guest) runAndCatch(args ...string) error {
	s, err := g.start(tripline, args...)
	if err != nil {
		return err
	}
	done, err := g.do(behave, "connect-setsid")
	if err == nil && !s.catches(done.pid, patience) {
		err = errors.New("no alert")
	}
	return errors.Join(err, s.stop(terminate))
}

// secondSensor starts two.
func secondSensor(g *guest) error {
	first, err := g.start(tripline)
	if err != nil {
		return err
	}
	second, err := g.run(tripline, "run", "--alert-file=")
	if err == nil && (second.code == 0 || !strings.Contains(second.err, fmt.Sprint("process ", first.command.Process.Pid))) {
		err = fmt.Errorf("the second sensor ended with code %d: %s", second.code, lastLine(second.err))
	}
	done, behaveErr := g.do(behave, "connect-setsid")
	if behaveErr == nil && !first.catches(done.pid, patience) {
		err = errors.Join(err, errors.New("the first sensor catches no more"))
	}
	return errors.Join(err, behaveErr, first.stop(terminate))
}
