package auditrules

import (
	"bytes"
	"errors"
	"fmt"

	"tripline/auditrules/kernel"
)

// Control is what this package needs of the kernel's audit control;
// *kernel.Client is the real one.
type Control interface {
	Rules() ([][]byte, error)
	AddRule(wire []byte) error
	DeleteRule(wire []byte) error
}

// RefusedError says which rule the kernel did not take, and why.
type RefusedError struct {
	// Line is the rule as auditctl writes it.
	Line string
	// Err is the kernel's reason.
	Err error
}

// Error names the rule and the kernel's reason.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the kernel refused the audit rule %q: %v", e.Line, e.Err)
}

// Unwrap gives the kernel's reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// Installed is a plan whose rules are in the kernel.
type Installed struct {
	control Control
	rules   []Rule
	// Adopted counts rules that were in the kernel already, with Tripline's own
	// key, left behind by a sensor that was killed.
	Adopted int
}

// Install adds the plan's rules behind those that are there. When one is
// refused, the ones added before it are removed again and the error is a
// *RefusedError.
func Install(control Control, plan *Plan) (*Installed, error) {
	installed := &Installed{control: control}
	for _, r := range plan.Rules {
		err := control.AddRule(r.Wire)
		switch {
		case err == nil:
		case errors.Is(err, kernel.ErrExists):
			installed.Adopted++
		default:
			return nil, errors.Join(&RefusedError{Line: r.Line, Err: err}, installed.Remove())
		}
		installed.rules = append(installed.rules, r)
	}
	return installed, nil
}

// Present says whether the kernel already has every rule of the plan, for hosts
// whose audit configuration is locked at boot. It compares the kernel's bytes.
func Present(control Control, plan *Plan) (bool, error) {
	loaded, err := control.Rules()
	if err != nil {
		return false, err
	}
	for _, r := range plan.Rules {
		found := false
		for _, wire := range loaded {
			found = found || bytes.Equal(wire, r.Wire)
		}
		if !found {
			return false, nil
		}
	}
	return true, nil
}

// Remove deletes what Install added or adopted and nothing else. A rule that
// somebody else has deleted meanwhile is no error. Remove may be called again.
func (i *Installed) Remove() error {
	if i == nil {
		return nil
	}
	var failures []error
	for _, r := range i.rules {
		if err := i.control.DeleteRule(r.Wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
			failures = append(failures, fmt.Errorf("removing the audit rule %q: %w; remove it with: auditctl %s", r.Line, err, deletion(r.Line)))
		}
	}
	i.rules = nil
	return errors.Join(failures...)
}

// deletion is the auditctl command line that deletes a rule added by line.
func deletion(line string) string { return "-d" + line[len("-a"):] }
