// Guest is the first process of the virtual machines in which the kernel matrix
// tries the sensor: it makes the machine ready, runs the steps of its boot,
// reports them on the second serial port and ends the machine. It is static and
// asks little of the kernel, so that it also runs on Linux 2.6.32.
//
// It changes and locks the kernel's audit and switches the machine off, and
// therefore refuses to be anything but the first process of such a machine.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"tripline/sensor/kernels/report"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "guest: this is the first process of a virtual machine made for it; see make test-kernels")
		os.Exit(2)
	}
	problems := prepare()
	boot, known := bootFrom(readText("/proc/cmdline"))
	to, err := openReport()
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		to = os.Stderr
	}
	switch {
	case !known:
		fmt.Fprintln(os.Stderr, "guest: the kernel's command line lacks", report.Parameter)
	case boot == report.Soak:
		runSoak(to, problems)
	default:
		runSteps(to, stepsOf(boot), problems)
	}
	powerOff()
}

// bootFrom finds out which boot this is.
func bootFrom(commandLine string) (report.Boot, bool) {
	for _, word := range strings.Fields(commandLine) {
		if value, found := strings.CutPrefix(word, report.Parameter+"="); found {
			return report.Boot(value), true
		}
	}
	return "", false
}

// step is one thing that is tried in the machine.
type step struct {
	name string
	run  func(g *guest) error
	// leaves says that the kernel's audit state need not be as before.
	leaves bool
}

func stepsOf(boot report.Boot) []step {
	switch boot {
	case report.Plain:
		return plainSteps()
	case report.Early:
		return earlySteps()
	case report.Off:
		return offSteps()
	}
	return nil
}

// runSteps runs the steps one after another and reports each.
func runSteps(to io.Writer, steps []step, problems []error) {
	tell := func(line report.Line) {
		if err := report.Write(to, line); err != nil {
			fmt.Fprintln(os.Stderr, "guest:", err)
		}
	}
	names := []string{"boot"}
	for _, s := range steps {
		names = append(names, s.name)
	}
	tell(report.Line{Plan: names})
	first := report.Step{Name: "boot", Result: report.Pass}
	if len(problems) > 0 {
		first.Result, first.Reason = report.Fail, fmt.Sprint(problems)
	}
	tell(report.Line{Step: &first})
	g := &guest{features: func(found map[string]string) { tell(report.Line{Features: found}) }}
	for _, s := range steps {
		outcome := g.try(s)
		tell(report.Line{Step: &outcome})
	}
	tell(report.Line{End: true})
}
