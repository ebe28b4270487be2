// Package selftest performs harmless samples of the behaviour that the shipped
// rule describes, in every way that is known, and of what only looks like it, so
// that a user sees what is caught on this host and what is not.
//
// A sample is a child process of the sensor that touches nothing but loopback,
// with further processes of its own where the technique is about several. The
// sensor knows their pids before they act and for as long as it holds them, and
// marks an alert as a test by that alone: nothing that another process can
// imitate.
package selftest

import (
	"fmt"
	"strings"
)

// Technique is one sample.
type Technique struct {
	// Name is how the command line calls it.
	Name string
	// What says in a few words what the sample does.
	What string
	// Silent says that it is not the behaviour and must raise no alert.
	Silent bool
	// Slow says that it takes more than a minute.
	Slow bool
	// Blind are words of the auditrules.BlindSpot that explains a miss; empty for
	// what every kernel reports.
	Blind string

	// folder says that the sample needs a folder for files.
	folder bool
	run    func(*stage) error
	// act is what the program does that the sample becomes.
	act func(*stage) error
}

// Basic is the plain form of the behaviour alone.
func Basic() []Technique { return connections()[:1] }

// All lists every technique: those that are the behaviour first.
func All() []Technique {
	all := connections()
	for _, more := range [][]Technique{interfaces(), identities(), programs(), disguises(), silent()} {
		all = append(all, more...)
	}
	return all
}

// Find looks a technique up by name.
func Find(name string) (Technique, error) {
	var names []string
	for _, t := range All() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Technique{}, fmt.Errorf("there is no self-test technique %q; there is: %s", name, strings.Join(names, ", "))
}
