package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"tripline/sensor/kernels/report"
)

// outcome is what came of one kernel.
type outcome struct {
	// name is that of the kernel's file.
	name     string
	features map[string]string
	steps    map[report.Boot][]report.Step
	took     time.Duration
}

// try boots a kernel for each of the boots.
func (s settings) try(ctx context.Context, kernel, image string, to io.Writer) *outcome {
	o := &outcome{name: strings.TrimPrefix(filepath.Base(kernel), "vmlinuz-"), steps: map[report.Boot][]report.Step{}}
	began := time.Now()
	for _, boot := range report.Boots() {
		b := booted{outcome: o, boot: boot}
		err := s.boot(ctx, kernel, image, &b)
		for tries := 1; b.isDeadOnArrival(err) && tries < bootTries && ctx.Err() == nil; tries++ {
			fmt.Fprintf(to, "%s, %s: it is booted again: %v\n", o.name, boot, err)
			err = s.boot(ctx, kernel, image, &b)
		}
		b.finish(err)
		for _, step := range o.steps[boot] {
			if step.Result == report.Fail {
				fmt.Fprintf(to, "%s, %s, %s: FAIL: %s\n", o.name, boot, step.Name, step.Reason)
			}
		}
	}
	if problems := compareFeatures(o.features); len(problems) > 0 {
		o.steps[report.Plain] = append(o.steps[report.Plain], report.Step{
			Name: "features as known", Result: report.Fail, Reason: strings.Join(problems, "; "),
		})
		fmt.Fprintf(to, "%s, features as known: FAIL: %s\n", o.name, strings.Join(problems, "; "))
	}
	o.took = time.Since(began).Round(time.Second)
	fmt.Fprintf(to, "%s took %v\n", o.name, o.took)
	return o
}

// bootTries is how often a kernel is booted that dies before its first process, the guest's,
// has said anything. That is not for the sensor to answer for: now and then a kernel does so under
// the emulator, where it changes its own code (int3) while it has two processors.
const bootTries = 3

// booted is one boot while it is reported.
type booted struct {
	outcome *outcome
	boot    report.Boot
	planned []string
	ended   bool
	// arguments are more words for the kernel's command line.
	arguments string
	// record is where the soak's record goes.
	record io.Writer
	// console is the file with what the kernel wrote to its console.
	console string
}

// errDied says that a machine ended by itself before its report did.
var errDied = errors.New("the machine ended too early")

// isDeadOnArrival says that the machine died before the guest's first report.
func (b *booted) isDeadOnArrival(err error) bool {
	return errors.Is(err, errDied) && len(b.planned) == 0
}

// processors is how many the machine has. The soak has one, which the sensor shares
// with the flood.
func (b *booted) processors() string {
	if b.boot == report.Soak {
		return "1"
	}
	return "2"
}

// boot starts the emulator and reads the guest's report until its end.
func (s settings) boot(ctx context.Context, kernel, image string, b *booted) error {
	logs := filepath.Join(s.folder, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return fmt.Errorf("making a folder for logs: %w", err)
	}
	b.console = filepath.Join(logs, fmt.Sprintf("%s.%s.console.log", b.outcome.name, b.boot))
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	listener, err := listenLocal()
	if err != nil {
		return err
	}
	defer os.RemoveAll(filepath.Dir(listener.Addr().String())) //nolint:errcheck // a temporary folder
	command := exec.CommandContext(ctx, s.emulator, "-accel", "tcg,thread=multi", "-machine", "pc", "-cpu", "qemu64", "-smp", b.processors(), "-m", "768",
		"-nodefaults", "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", image,
		"-append", "console=ttyS0 panic=1 "+b.boot.CommandLine()+b.arguments,
		"-serial", "file:"+b.console, "-serial", "unix:"+listener.Addr().String())
	var failures strings.Builder
	command.Stderr = &failures
	if err := command.Start(); err != nil {
		return errors.Join(fmt.Errorf("starting the emulator: %w; it is Debian's package qemu-system-x86", err), listener.Close())
	}
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		_ = listener.Close() // so that nobody waits for an emulator that is gone
		ended <- err
	}()
	readErr := b.follow(listener, filepath.Join(logs, fmt.Sprintf("%s.%s.report.log", b.outcome.name, b.boot)))
	if b.ended {
		cancel() // the rest is a machine that switches itself off
	}
	err = <-ended
	switch {
	case b.ended:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("the machine did not end within %v", s.limit)
	}
	if err == nil {
		err = errors.New("without an error of the emulator's")
	}
	return errors.Join(fmt.Errorf("%w (%w): %s%s", errDied, err, failures.String(), consoleEnd(b.console)), readErr)
}

// listenLocal listens on a socket for the guest's second serial port.
func listenLocal() (net.Listener, error) {
	folder, err := os.MkdirTemp("", "tripline-serial-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the serial port: %w", err)
	}
	listener, err := net.Listen("unix", filepath.Join(folder, "port"))
	if err != nil {
		return nil, fmt.Errorf("listening for the serial port: %w", err)
	}
	return listener, nil
}

// follow reads the report until the guest says that it has ended or the emulator
// is gone, and keeps it in a file.
func (b *booted) follow(listener net.Listener, keep string) error {
	connection, err := listener.Accept()
	if err != nil {
		return fmt.Errorf("waiting for the emulator: %w", err)
	}
	defer connection.Close() //nolint:errcheck // only read
	kept, err := os.Create(keep)
	if err != nil {
		return fmt.Errorf("keeping the guest's report: %w", err)
	}
	defer kept.Close() //nolint:errcheck // a log
	lines := bufio.NewScanner(io.TeeReader(connection, kept))
	lines.Buffer(nil, 4<<20)
	for !b.ended && lines.Scan() {
		line, err := report.Read(lines.Bytes())
		if err != nil {
			return err
		}
		if err := b.take(line); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (b *booted) take(line report.Line) error {
	switch {
	case line.Soak != nil:
		if _, err := b.record.Write(append(line.Soak, '\n')); err != nil {
			return fmt.Errorf("keeping the soak's record: %w", err)
		}
	case line.Plan != nil:
		b.planned = line.Plan
	case line.Features != nil:
		b.outcome.features = line.Features
	case line.Step != nil:
		b.outcome.steps[b.boot] = append(b.outcome.steps[b.boot], *line.Step)
	case line.End:
		b.ended = true
	}
	return nil
}

// finish reports the steps that never came as failed, with the reason.
func (b *booted) finish(err error) {
	steps := b.outcome.steps[b.boot]
	if err == nil && len(steps) == len(b.planned) {
		return
	}
	if err == nil {
		err = errors.New("steps are missing from the report")
	}
	if len(b.planned) == 0 {
		b.planned = []string{"boot"}
	}
	for i := len(steps); i < len(b.planned); i++ {
		steps = append(steps, report.Step{Name: b.planned[i], Result: report.Fail, Reason: err.Error()})
		err = errors.New("not reached")
	}
	b.outcome.steps[b.boot] = steps
}

// telling finds the lines of a console by which a kernel says why it stopped.
var telling = regexp.MustCompile(`(?i)panic|BUG:|Oops|Call Trace|unable to`)

// consoleEnd is what the console says of a machine's end: where the kernel says
// why, that, else the last line.
func consoleEnd(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range lines {
		if telling.MatchString(line) && !strings.Contains(line, "Command line") && !strings.Contains(line, "command line") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
