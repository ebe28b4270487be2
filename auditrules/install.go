package auditrules

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

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

// Substitution says what was installed in the place of a rule that the kernel
// refused.
type Substitution struct {
	// Refused names the rule and the kernel's reason.
	Refused *RefusedError
	// Instead are the rules that were installed; none where nothing records the
	// same.
	Instead []Rule
	// BlindSpots is what can no longer be seen.
	BlindSpots []BlindSpot
}

// entry is a rule of a plan and what stands for it in the kernel.
type entry struct {
	planned      Rule
	actual       []Rule
	substitution *Substitution // nil where the planned rule was taken
}

// Installed is a plan whose rules are in the kernel.
type Installed struct {
	control Control
	entries []entry
	// Adopted counts rules that were in the kernel already, with Tripline's own
	// key, left behind by a sensor that was killed.
	Adopted int
}

// Install adds the plan's rules behind those that are there. What a rule has as
// its alternative takes its place when the kernel refuses it; where it has none,
// or the kernel allows no change at all, the rules added before it are removed
// again and the error is a *RefusedError.
func Install(control Control, plan *Plan) (*Installed, error) {
	installed := &Installed{control: control}
	for _, r := range plan.Rules {
		if err := installed.add(r); err != nil {
			return nil, errors.Join(err, installed.Remove())
		}
	}
	return installed, nil
}

// add installs one planned rule or its alternative.
func (i *Installed) add(r Rule) error {
	refused, err := i.addRule(r)
	if err != nil {
		return err
	}
	if refused == nil {
		i.entries = append(i.entries, entry{planned: r, actual: []Rule{r}})
		return nil
	}
	substitution := &Substitution{Refused: refused, BlindSpots: r.Instead.BlindSpots}
	one := entry{planned: r, substitution: substitution}
	for _, instead := range r.Instead.Rules {
		// What stands for a rule has none of its own.
		instead.Instead = nil
		if _, err := i.addRule(instead); err != nil {
			i.entries = append(i.entries, one)
			return errors.Join(refused, err)
		}
		one.actual = append(one.actual, instead)
	}
	substitution.Instead = one.actual
	i.entries = append(i.entries, one)
	return nil
}

// addRule adds a rule to the kernel. refused is its refusal where there is an
// alternative, err where there is none.
func (i *Installed) addRule(r Rule) (refused *RefusedError, err error) {
	err = i.control.AddRule(r.Wire)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, kernel.ErrExists):
		if !i.has(r) {
			i.Adopted++
		}
		return nil, nil
	}
	refused = &RefusedError{Line: r.Line, Err: err}
	if r.Instead == nil || !unsupported(err) {
		return nil, refused
	}
	return refused, nil
}

// unsupported says that a kernel refuses a rule because it does not know
// something in it, not because it allows no change.
func unsupported(err error) bool {
	for _, errno := range []unix.Errno{unix.EINVAL, unix.E2BIG, unix.EOPNOTSUPP, unix.ENOSYS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// has says whether a rule was installed already.
func (i *Installed) has(wanted Rule) bool {
	return slices.ContainsFunc(i.entries, func(e entry) bool { return contains(e.actual, wanted) })
}

// contains says whether a rule is among others, by the kernel's bytes.
func contains(rules []Rule, wanted Rule) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return sameRule(r.Wire, wanted.Wire) })
}

// Rules lists what is in the kernel for the plan, which is not always what was
// planned.
func (i *Installed) Rules() []Rule {
	if i == nil {
		return nil
	}
	var rules []Rule
	for _, e := range i.entries {
		rules = append(rules, e.actual...)
	}
	return rules
}

// Substitutions lists the rules that the kernel refused and what stands for them.
func (i *Installed) Substitutions() []Substitution {
	if i == nil {
		return nil
	}
	var all []Substitution
	for _, e := range i.entries {
		if e.substitution != nil {
			all = append(all, *e.substitution)
		}
	}
	return all
}

// Extend adds the rules of another plan that are not installed yet; when one is
// refused nothing changes and the error is a *RefusedError. The function that it
// returns removes the rules that only the former plan has.
func (i *Installed) Extend(plan *Plan) (removeFormer func() error, err error) {
	next := &Installed{control: i.control}
	added := &Installed{control: i.control, entries: slices.Clone(i.entries)}
	for _, r := range plan.Rules {
		if at := slices.IndexFunc(i.entries, func(e entry) bool { return sameRule(e.planned.Wire, r.Wire) }); at >= 0 {
			next.entries = append(next.entries, i.entries[at])
			continue
		}
		before := len(added.entries)
		err := added.add(r)
		next.entries = append(next.entries, added.entries[before:]...)
		if err != nil {
			return nil, errors.Join(err, next.removeBut(i.Rules()))
		}
	}
	former := &Installed{control: i.control, entries: i.entries}
	i.entries, i.Adopted = slices.Concat(next.entries, former.entries), added.Adopted
	return func() error {
		i.entries = next.entries
		return former.removeBut(next.Rules())
	}, nil
}

// Remove deletes what Install added or adopted and nothing else. A rule that
// somebody else has deleted meanwhile is no error. Remove may be called again.
func (i *Installed) Remove() error {
	if i == nil {
		return nil
	}
	return i.removeBut(nil)
}

// removeBut deletes the rules that are not among others.
func (i *Installed) removeBut(others []Rule) error {
	var failures []error
	for _, r := range i.Rules() {
		if contains(others, r) {
			continue
		}
		if err := i.control.DeleteRule(r.Wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
			failures = append(failures, fmt.Errorf("removing the audit rule %q: %w; remove it with: auditctl %s", r.Line, err, deletion(r.Line)))
		}
	}
	i.entries = nil
	return errors.Join(failures...)
}

// deletion is the auditctl command line that deletes a rule added by line.
func deletion(line string) string { return "-d" + line[len("-a"):] }
