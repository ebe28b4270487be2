package auditrules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

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

// Extend adds the rules of another plan that are not installed yet; when one is
// refused nothing changes and the error is a *RefusedError. The function that it
// returns removes the rules that only the former plan has.
func (i *Installed) Extend(plan *Plan) (removeFormer func() error, err error) {
	missing := &Plan{Key: plan.Key}
	for _, r := range plan.Rules {
		if !contains(i.rules, r) {
			missing.Rules = append(missing.Rules, r)
		}
	}
	added, err := Install(i.control, missing)
	if err != nil {
		return nil, err
	}
	former := i.rules
	i.rules = append(slices.Clone(former), added.rules...)
	return func() error {
		stale := &Installed{control: i.control}
		for _, r := range former {
			if !contains(plan.Rules, r) {
				stale.rules = append(stale.rules, r)
			}
		}
		i.rules = slices.Clone(plan.Rules)
		return stale.Remove()
	}, nil
}

// contains says whether a rule is among others, by the kernel's bytes.
func contains(rules []Rule, wanted Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return bytes.Equal(r.Wire, wanted.Wire) })
}

// Present says whether the kernel already has every rule of the plan, for hosts
// whose audit configuration is locked at boot. It compares the kernel's bytes.
func Present(control Control, plan *Plan) (bool, error) {
	loaded, err := control.Rules()
	if err != nil {
		return false, err
	}
	for _, r := range plan.Rules {
		if !slices.ContainsFunc(loaded, func(wire []byte) bool { return bytes.Equal(wire, r.Wire) }) {
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
