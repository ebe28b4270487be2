// Package report is what a guest of the kernel matrix tells the program that
// booted it: lines of JSON on a serial port of their own, because the kernel
// writes to its console whenever it likes.
package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// Parameter is the parameter of the kernel's command line that names the boot.
const Parameter = "tripline.boot"

// Boot names what a guest is booted for. Each has steps of its own, because some
// steps can be undone by a reboot alone.
type Boot string

// The boots of one kernel.
const (
	// Plain boots without a word about audit, as most hosts do.
	Plain Boot = "plain"
	// Early boots with audit=1.
	Early Boot = "audit=1"
	// Off boots with audit=0.
	Off Boot = "audit=0"
	// Soak boots for the soak and not for steps.
	Soak Boot = "soak"
)

// SoakParameter is the parameter of the kernel's command line with the soak's
// arguments, separated by commas.
const SoakParameter = "tripline.soak"

// Boots lists the boots that have steps, in the order in which they are made.
func Boots() []Boot { return []Boot{Plain, Early, Off} }

// CommandLine is what the kernel is told.
func (b Boot) CommandLine() string {
	line := Parameter + "=" + string(b)
	if b == Early || b == Off {
		line += " " + string(b)
	}
	return line
}

// Result is the outcome of a step.
type Result string

// The results. Blind is a way around the sensor that was not caught and that
// the sensor names as a blind spot; Skip a step that this kernel cannot have.
const (
	Pass  Result = "pass"
	Fail  Result = "FAIL"
	Blind Result = "blind spot"
	Skip  Result = "skipped"
)

// Step is one step and what came of it.
type Step struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	// Reason says why, empty for a plain pass.
	Reason string `json:"reason,omitempty"`
	// Log is what the sensor said, for failures.
	Log string `json:"log,omitempty"`
}

// Release is the name under which the features have the kernel's release, as
// uname(2) tells it.
const Release = "release"

// Line is one line of the protocol; one of its fields is set.
type Line struct {
	// Plan names all steps to come, so that one that never came is missed.
	Plan []string `json:"plan,omitempty"`
	Step *Step    `json:"step,omitempty"`
	// Features is what the sensor found out about the kernel, by name.
	Features map[string]string `json:"features,omitempty"`
	// Soak is a line of the soak's record.
	Soak json.RawMessage `json:"soak,omitempty"`
	// End says that nothing follows.
	End bool `json:"end,omitempty"`
}

// Write writes a line.
func Write(to io.Writer, line Line) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encoding a line of the report: %w", err)
	}
	if _, err := to.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("writing a line of the report: %w", err)
	}
	return nil
}

// Read reads a line.
func Read(text []byte) (Line, error) {
	var line Line
	if err := json.Unmarshal(text, &line); err != nil {
		return Line{}, fmt.Errorf("a line of the guest's report cannot be read: %w: %q", err, text)
	}
	return line, nil
}
