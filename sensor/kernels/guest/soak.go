package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"tripline/sensor/kernels/report"
)

// runSoak runs the soak with the arguments of the kernel's command line and reports
// its record line by line.
func runSoak(to io.Writer, problems []error) {
	err := errors.Join(problems...)
	if err == nil {
		err = soak(to)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
	}
	if err := report.Write(to, report.Line{End: true}); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
	}
}

func soak(to io.Writer) error {
	command := exec.Command("/bin/soak", "-tripline", tripline, "-behave", behave, "-folder", "/run/soak")
	for word := range strings.FieldsSeq(readText("/proc/cmdline")) {
		if value, found := strings.CutPrefix(word, report.SoakParameter+"="); found && value != "" {
			command.Args = append(command.Args, strings.Split(value, ",")...)
		}
	}
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the soak: %w", err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := report.Write(to, report.Line{Soak: lines.Bytes()}); err != nil {
			return errors.Join(err, command.Wait())
		}
	}
	return errors.Join(lines.Err(), command.Wait())
}
