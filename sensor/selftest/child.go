package selftest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/sensor/selftest/ways"
)

// ChildCommand is the hidden subcommand under which the program runs a sample:
// after it come the technique, the sample's folder and the part.
const ChildCommand = "selftest-child"

// What a sample's processes and those who started them say to each other, a line
// each: an actor is told to go; it answers which process acts beside it and waits
// for go again, that it is done, why it is impossible, or what failed.
const (
	wordGo         = "go"
	wordProcess    = "process "
	wordDone       = "done"
	wordImpossible = "impossible: "
)

// Child is a running sample, or one of its processes.
type Child struct {
	// PID is the process. It cannot belong to another process before Stop
	// returns.
	PID     int
	process *os.Process
	stdin   *os.File
	stdout  *os.File
	lines   *bufio.Reader
	folder  string // removed by Stop; empty for none
}

// Start makes the child process that will perform a technique, through the
// program itself. It does nothing before Perform and runs until Stop.
func Start(program string, technique Technique) (*Child, error) {
	folder := ""
	if technique.folder {
		var err error
		if folder, err = makeFolder(); err != nil {
			return nil, err
		}
	}
	child, err := launch(program, arguments(technique, folder, ""), nil, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the self-test: %w", err), removeFolder(folder))
	}
	child.folder = folder
	return child, nil
}

// arguments are those of the hidden subcommand.
func arguments(technique Technique, folder, part string) []string {
	return []string{"tripline", ChildCommand, technique.Name, folder, part}
}

// launch starts a process that speaks as a sample does. The files become its
// descriptors from 3 on.
func launch(program string, args []string, attributes *syscall.SysProcAttr, files []*os.File) (*Child, error) {
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a pipe: %w", err), childIn.Close(), stdin.Close())
	}
	process, err := os.StartProcess(program, args, &os.ProcAttr{
		Env: []string{}, Files: append([]*os.File{childIn, childOut, os.Stderr}, files...), Sys: attributes,
	})
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), stdout.Close())
	}
	return &Child{PID: process.Pid, process: process, stdin: stdin, stdout: stdout, lines: bufio.NewReader(stdout)}, nil
}

// Perform lets the child perform its sample and waits until it has, at most for
// the given time. Whatever other process acts in the sample is announced before
// it does. The error wraps ways.ErrImpossible where nobody can do here what the
// sample is about.
func (c *Child) Perform(ctx context.Context, limit time.Duration, announce func(pid int)) error {
	if err := c.stdout.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("waiting for the self-test: %w", err)
	}
	defer context.AfterFunc(ctx, func() { _ = c.stdout.SetReadDeadline(time.Now()) })() // ends the wait
	for {
		if _, err := c.stdin.WriteString(wordGo + "\n"); err != nil {
			return fmt.Errorf("starting the self-test's sample: %w", err)
		}
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return fmt.Errorf("waiting for the self-test: %w", err)
		}
		line = strings.TrimSuffix(line, "\n")
		other, isProcess := strings.CutPrefix(line, wordProcess)
		if !isProcess {
			return judge(line)
		}
		pid, err := strconv.Atoi(other)
		if err != nil {
			return fmt.Errorf("the self-test's sample names no process: %w", err)
		}
		announce(pid)
	}
}

// judge reads what a sample answered in the end.
func judge(line string) error {
	if line == wordDone {
		return nil
	}
	if reason, impossible := strings.CutPrefix(line, wordImpossible); impossible {
		return fmt.Errorf("%w: %s", ways.ErrImpossible, reason)
	}
	return errors.New("the self-test's sample failed: " + line)
}

// Stop ends the child, waits for it and removes its files. Other processes of the
// sample end with it.
func (c *Child) Stop() error {
	err := errors.Join(c.stdin.Close(), c.stdout.Close(), c.process.Kill())
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if _, waitErr := c.process.Wait(); waitErr != nil {
		err = errors.Join(err, waitErr)
	}
	if err = errors.Join(err, removeFolder(c.folder)); err != nil {
		return fmt.Errorf("ending the self-test: %w", err)
	}
	return nil
}
