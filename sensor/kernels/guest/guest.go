package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tripline/auditrules/kernel"
	"tripline/sensor/kernels/report"
)

// The programs of the machine. The 32-bit ones are built for 386.
const (
	tripline   = "/bin/tripline"
	tripline32 = "/bin/tripline32"
	behave     = "/bin/behave"
	behave32   = "/bin/behave32"
)

// patience bounds whatever is awaited. Emulated machines are slow; nothing that
// works comes near it.
const patience = 60 * time.Second

// guest is the machine while its steps run.
type guest struct {
	// features reports what was found out about the kernel.
	features func(map[string]string)
	// sensor is the one that several steps share.
	sensor *sensor
	// before is the kernel's audit state before the step, or before the sensor
	// that several steps share.
	before state
	// old is a process that was started before anything else.
	old *held
	// blind is what the plan names as blind spots, as text.
	blind string
	// started are the children of the current step that must not outlive it.
	started []*exec.Cmd
	// logs is what the sensors of the current step said.
	logs []func() string
}

// skipError ends a step that this kernel cannot have, blindError one whose way
// around the sensor was not caught and is named.
type (
	skipError  string
	blindError string
)

func (e skipError) Error() string  { return string(e) }
func (e blindError) Error() string { return string(e) }

// try runs one step, sees that it left the kernel's audit as it was, and makes
// up for it where it did not, so that the next step does not suffer.
func (g *guest) try(s step) report.Step {
	outcome := report.Step{Name: s.name, Result: report.Pass}
	var beforeErr error
	if g.sensor == nil {
		g.before, beforeErr = readState()
	}
	err := g.perform(s)
	if g.sensor == nil && !s.leaves && beforeErr == nil {
		after, afterErr := readState()
		if afterErr == nil && !after.equal(g.before) {
			afterErr = fmt.Errorf("kernel audit was %s and is %s", g.before, after)
		}
		if afterErr != nil {
			err = errors.Join(err, afterErr, g.before.restore())
		}
	}
	var skip skipError
	var blind blindError
	switch {
	case err == nil:
	case errors.As(err, &skip):
		outcome.Result, outcome.Reason = report.Skip, err.Error()
	case errors.As(err, &blind):
		outcome.Result, outcome.Reason = report.Blind, err.Error()
	default:
		outcome.Result, outcome.Reason = report.Fail, err.Error()
		for _, log := range g.logs {
			outcome.Log += log()
		}
	}
	return outcome
}

// perform runs a step and ends what it started, unless that is shared.
func (g *guest) perform(s step) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the step panicked: %v", reason)
		}
		if g.sensor != nil {
			return
		}
		for _, command := range g.started {
			if command.ProcessState == nil {
				_ = command.Process.Kill()    // it may have ended
				_, _ = command.Process.Wait() // killed
			}
		}
		g.started = nil
	}()
	if g.sensor == nil {
		g.logs = nil
	}
	return s.run(g)
}

// state is what must be the same before and after.
type state struct {
	status kernel.Status
	rules  []byte
}

func readState() (state, error) {
	client, err := kernel.Open()
	if err != nil {
		return state{}, err
	}
	status, statusErr := client.Status()
	rules, rulesErr := client.Rules()
	// What only counts is left out, and a receiver that is gone: the kernel
	// notices that at its next record.
	status.Lost, status.Backlog = 0, 0
	if status.PID != 0 && readText(fmt.Sprintf("/proc/%d/comm", status.PID)) == "" {
		status.PID = 0
	}
	return state{status, bytes.Join(rules, nil)}, errors.Join(statusErr, rulesErr, client.Close())
}

func (s state) equal(other state) bool {
	return s.status == other.status && bytes.Equal(s.rules, other.rules)
}

func (s state) String() string {
	return fmt.Sprintf("%+v with %d bytes of rules", s.status, len(s.rules))
}

// restore removes every rule and puts the settings back. In this machine there
// are no rules but those of the steps.
func (s state) restore() error {
	client, err := kernel.Open()
	if err != nil {
		return err
	}
	rules, err := client.Rules()
	failures := []error{err}
	for _, rule := range rules {
		failures = append(failures, client.DeleteRule(rule))
	}
	for _, setting := range []kernel.Setting{kernel.SettingBacklogLimit, kernel.SettingBacklogWaitTime, kernel.SettingEnabled} {
		failures = append(failures, client.Set(setting, setting.Of(s.status)))
	}
	return errors.Join(append(failures, client.Close())...)
}

// withClient runs a function with a connection to the kernel's audit control.
func withClient(run func(*kernel.Client) error) error {
	client, err := kernel.Open()
	if err != nil {
		return err
	}
	return errors.Join(run(client), client.Close())
}

// said is what a program that ran to its end printed, and its exit code.
type said struct {
	out, err string
	code     int
	pid      int
}

// run runs a program to its end.
func (g *guest) run(program string, args ...string) (said, error) {
	return g.runCommand(exec.Command(program, args...))
}

// runCommand runs a command to its end, which must come.
func (g *guest) runCommand(command *exec.Cmd) (said, error) {
	var out, failures strings.Builder
	command.Stdout, command.Stderr, command.WaitDelay = &out, &failures, time.Second
	if err := command.Start(); err != nil {
		return said{}, err
	}
	killed := false
	kill := time.AfterFunc(patience, func() {
		killed = true
		_ = command.Process.Kill() // the step fails either way
	})
	err := command.Wait()
	kill.Stop()
	result := said{out: out.String(), err: failures.String(), code: command.ProcessState.ExitCode(), pid: command.Process.Pid}
	if killed {
		return result, fmt.Errorf("%s did not end within %v; it said: %s%s", strings.Join(command.Args, " "), patience, result.out, result.err)
	}
	if result.code < 0 {
		return result, fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, result.err)
	}
	return result, nil
}

// do runs a program that must succeed.
func (g *guest) do(program string, args ...string) (said, error) {
	return g.doCommand(exec.Command(program, args...))
}

func (g *guest) doCommand(command *exec.Cmd) (said, error) {
	done, err := g.runCommand(command)
	if err == nil && done.code != 0 {
		err = fmt.Errorf("%s ended with code %d: %s", strings.Join(command.Args, " "), done.code, lastLine(done.out+done.err))
	}
	return done, err
}

// refused says whether a program could not be started because the kernel runs
// none of its kind.
func refused(err error) bool { return errors.Is(err, syscall.ENOEXEC) }
