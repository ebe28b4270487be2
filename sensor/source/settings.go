package source

import (
	"errors"
	"fmt"

	"tripline/auditrules/kernel"
)

// Change is one kernel audit setting that was changed.
type Change struct {
	Setting kernel.Setting
	// Before and After are the values in the kernel, After as it was read back.
	Before, After uint32
}

// String says what was changed, for a person.
func (c Change) String() string {
	return fmt.Sprintf("%s %d → %d", c.Setting, c.Before, c.After)
}

// settings changes kernel audit settings and remembers how to put them back.
type settings struct {
	control Control
	changes []Change
}

// change sets one setting to wanted unless it is so already. The value is read
// back, because kernels ignore what they do not know without saying so.
func (s *settings) change(setting kernel.Setting, status kernel.Status, wanted uint32) error {
	before := setting.Of(status)
	if before == wanted {
		return nil
	}
	s.changes = append(s.changes, Change{Setting: setting, Before: before, After: wanted})
	if err := s.control.Set(setting, wanted); err != nil {
		return err
	}
	now, err := s.control.Status()
	if err != nil {
		return fmt.Errorf("reading back audit's %s: %w", setting, err)
	}
	s.changes[len(s.changes)-1].After = setting.Of(now)
	return nil
}

// restore puts back every changed setting, the last one first. A setting that
// somebody else has changed since is theirs and stays.
func (s *settings) restore() error {
	if len(s.changes) == 0 {
		return nil
	}
	now, err := s.control.Status()
	if err != nil {
		return fmt.Errorf("reading the audit status to restore it: %w", err)
	}
	var failures []error
	for i := len(s.changes) - 1; i >= 0; i-- {
		c := s.changes[i]
		if c.Setting.Of(now) != c.After || c.After == c.Before {
			continue
		}
		if err := s.control.Set(c.Setting, c.Before); err != nil {
			failures = append(failures, fmt.Errorf("restoring audit's %s: %w", c.Setting, err))
		}
	}
	s.changes = nil
	return errors.Join(failures...)
}
