package state

import (
	"errors"
	"fmt"
	"slices"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// Control is what this package needs of the kernel's audit control;
// *kernel.Client is the real one.
type Control interface {
	Status() (kernel.Status, error)
	Set(setting kernel.Setting, value uint32) error
	Rules() ([][]byte, error)
	AddRule(wire []byte) error
	DeleteRule(wire []byte) error
}

// Undone says what Restore did to the kernel.
type Undone struct {
	// Rules are the kernel rules that were removed.
	Rules [][]byte
	// Settings are those that were put back, with the value they have now in
	// Before.
	Settings []Setting
	// Theirs are the changed settings that somebody else has set since, which
	// therefore stay.
	Theirs []Setting
	// Socket says that the audit socket of the dead sensor was given up.
	Socket bool
}

// Restore puts back what a state says was changed: its rules are removed where
// they are still there, its settings set to what they were where they still have
// a value of ours. What cannot be put back stays in the state, and is in the
// error.
func Restore(control Control, s *State) (Undone, error) {
	var undone Undone
	err := errors.Join(undone.restoreRules(control, s), undone.restoreSettings(control, s), undone.releaseSocket(control, s))
	return undone, err
}

func (u *Undone) restoreRules(control Control, s *State) error {
	if len(s.Rules) == 0 {
		return nil
	}
	loaded, err := control.Rules()
	if err != nil {
		return err
	}
	var failures []error
	var left []Rule
	for _, r := range s.Rules {
		if !slices.ContainsFunc(loaded, func(wire []byte) bool { return auditrules.SameRule(wire, r.Wire) }) {
			continue
		}
		switch err := control.DeleteRule(r.Wire); {
		case err == nil:
			u.Rules = append(u.Rules, r.Wire)
		case !errors.Is(err, kernel.ErrNotFound):
			failures = append(failures, fmt.Errorf("removing an audit rule with the key %s: %w", s.Key, err))
			left = append(left, r)
		}
	}
	s.Rules = left
	return errors.Join(failures...)
}

// restoreSettings goes from the last change to the first.
func (u *Undone) restoreSettings(control Control, s *State) error {
	if len(s.Settings) == 0 {
		return nil
	}
	status, err := control.Status()
	if err != nil {
		return fmt.Errorf("reading the audit status to restore it: %w", err)
	}
	var failures []error
	var left []Setting
	for i := len(s.Settings) - 1; i >= 0; i-- {
		one := s.Settings[i]
		setting, known := settingByName(one.Name)
		now := setting.Of(status)
		switch {
		case !known, now == one.Before:
		case !slices.Contains(one.Ours, now):
			u.Theirs = append(u.Theirs, one)
		default:
			if err := control.Set(setting, one.Before); err != nil {
				failures = append(failures, fmt.Errorf("restoring audit's %s: %w", one.Name, err))
				left = append(left, one)
				continue
			}
			u.Settings = append(u.Settings, one)
		}
	}
	slices.Reverse(left)
	s.Settings = left
	return errors.Join(failures...)
}

// releaseSocket unregisters a sensor that is dead. The kernel would notice its
// death at the next record, and lose that one. It is asked only where the owner
// is that sensor and gone, because Linux 3.13 obeys anyone.
func (u *Undone) releaseSocket(control Control, s *State) error {
	status, err := control.Status()
	if err != nil {
		return err
	}
	if s.PID == 0 || status.PID != s.PID || kernel.Alive(s.PID) {
		return nil
	}
	switch err := control.Set(kernel.SettingPID, 0); {
	case err == nil:
		u.Socket = true
	case !errors.Is(err, kernel.ErrPermission): // a kernel that refuses notices by itself
		return fmt.Errorf("giving up the audit socket of the dead process %d: %w", s.PID, err)
	}
	return nil
}
