package state

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// Journal passes requests on to the kernel's audit control and writes every
// change down before it is made. Its methods may be called from several
// goroutines.
type Journal struct {
	control Control
	path    string

	mu    sync.Mutex
	state State
	// others are the rules with the sensor's key that were there when it began.
	others [][]byte
}

var _ Control = (*Journal)(nil)

// Begin makes the journal of a sensor that is about to change kernel audit, and
// writes its file. What a killed sensor left in that file is put back first;
// where that is impossible, because the configuration is locked, it stays in
// the file. A file of another boot is of no use and replaced. A file that cannot
// be used is set aside and named in the problem, which does not keep the sensor
// from starting.
func Begin(control Control, path, key string) (_ *Journal, recovered Undone, problem, err error) {
	boot, err := bootID()
	if err != nil {
		return nil, recovered, nil, err
	}
	j := &Journal{control: control, path: path}
	left, err := Load(path)
	var unusable *FileError
	switch {
	case errors.As(err, &unusable):
		problem = err
		if aside, err := SetAside(path); err != nil {
			problem = errors.Join(problem, err)
		} else {
			problem = fmt.Errorf("%w; it is now %s", problem, aside)
		}
	case left != nil && left.BootID == boot:
		if recovered, problem, err = recoverState(control, left); err != nil {
			return nil, recovered, nil, err
		}
		j.state = *left
	}
	j.state.Version, j.state.BootID, j.state.PID = version, boot, uint32(os.Getpid())
	if j.state.empty() {
		j.state.Key = key
	}
	if j.others, err = rulesWith(control, key); err != nil {
		return nil, recovered, problem, err
	}
	return j, recovered, problem, save(path, &j.state)
}

// rulesWith lists the rules whose only key is the given one.
func rulesWith(control Control, key string) ([][]byte, error) {
	loaded, err := control.Rules()
	if err != nil {
		return nil, err
	}
	var with [][]byte
	for _, wire := range loaded {
		if keys, err := auditrules.WireKeys(wire); err == nil && slices.Equal(keys, []string{key}) {
			with = append(with, wire)
		}
	}
	return with, nil
}

// Recover puts back what a sensor that is not running any more left, as its file
// says, and removes the file if nothing is left. It reports whether there was a
// file of this boot; one of another boot is removed. A file that cannot be used
// gives a *FileError and changes nothing. The caller makes sure that no sensor
// runs.
func Recover(control Control, path string) (undone Undone, found bool, err error) {
	boot, err := bootID()
	if err != nil {
		return undone, false, err
	}
	left, err := Load(path)
	if err != nil || left == nil {
		return undone, false, err
	}
	if left.BootID != boot {
		return undone, false, remove(path)
	}
	undone, err = Restore(control, left)
	if !left.empty() {
		return undone, true, errors.Join(err, save(path, left))
	}
	return undone, true, errors.Join(err, remove(path))
}

// recoverState puts back what a killed sensor left. A locked configuration is a
// problem and no error: the sensor can run on it.
func recoverState(control Control, left *State) (recovered Undone, problem, err error) {
	recovered, err = Restore(control, left)
	if err == nil {
		return recovered, nil, nil
	}
	status, statusErr := control.Status()
	if statusErr == nil && status.Locked() {
		return recovered, fmt.Errorf("what a killed tripline left stays until the next boot: %w", err), nil
	}
	return recovered, nil, fmt.Errorf("putting back what a killed tripline left: %w", errors.Join(err, statusErr))
}

// bootID names the running boot.
func bootID() (string, error) {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("reading which boot this is, for which /proc has to be mounted: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Status implements Control.
func (j *Journal) Status() (kernel.Status, error) { return j.control.Status() }

// Rules implements Control.
func (j *Journal) Rules() ([][]byte, error) { return j.control.Rules() }

// Set implements Control. The value that is found and the one that is wanted are
// written down first, and the one that the kernel made of it afterwards.
func (j *Journal) Set(setting kernel.Setting, value uint32) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	status, err := j.control.Status()
	if err != nil {
		return err
	}
	one := j.note(setting, setting.Of(status))
	if value == one.Before {
		return j.putBack(setting, value)
	}
	if err := j.allow(one, value); err != nil {
		return err
	}
	if err := j.control.Set(setting, value); err != nil {
		return err
	}
	if status, err = j.control.Status(); err != nil {
		return fmt.Errorf("reading back audit's %s: %w", setting, err)
	}
	return j.allow(one, setting.Of(status))
}

// note finds or makes the entry of a setting that has the given value now. A
// value that is not ours is somebody else's, and is what to put back.
func (j *Journal) note(setting kernel.Setting, now uint32) *Setting {
	one := j.state.setting(setting.String())
	if one == nil {
		j.state.Settings = append(j.state.Settings, Setting{Name: setting.String(), Before: now})
		return &j.state.Settings[len(j.state.Settings)-1]
	}
	if !slices.Contains(one.Ours, now) {
		one.Before = now
	}
	return one
}

// allow writes down that a setting may have a value because of us.
func (j *Journal) allow(one *Setting, value uint32) error {
	if slices.Contains(one.Ours, value) {
		return nil
	}
	if len(one.Ours) == maxValues {
		one.Ours = one.Ours[1:]
	}
	one.Ours = append(one.Ours, value)
	return save(j.path, &j.state)
}

// putBack sets a setting to what it was and forgets it.
func (j *Journal) putBack(setting kernel.Setting, value uint32) error {
	if err := j.control.Set(setting, value); err != nil {
		// An entry that note has just made has no value of ours, and none was set.
		j.state.Settings = slices.DeleteFunc(j.state.Settings, func(s Setting) bool { return len(s.Ours) == 0 })
		return err
	}
	j.state.Settings = slices.DeleteFunc(j.state.Settings, func(s Setting) bool { return s.Name == setting.String() })
	return save(j.path, &j.state)
}

// AddRule implements Control. A rule that is in the kernel already is not ours,
// unless it was added before. One that the kernel may have added without saying so
// counts as added.
func (j *Journal) AddRule(wire []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.state.rule(wire) >= 0 {
		return j.control.AddRule(wire)
	}
	if at := slices.IndexFunc(j.others, func(one []byte) bool { return auditrules.SameRule(one, wire) }); at >= 0 {
		// Written down as ours even for a moment, a kill in that moment would have it
		// removed.
		if err := j.control.AddRule(wire); err != nil {
			return err
		}
		j.others = slices.Delete(j.others, at, at+1) // it was deleted meanwhile
		j.state.Rules = append(j.state.Rules, Rule{Wire: slices.Clone(wire)})
		return save(j.path, &j.state)
	}
	j.state.Rules = append(j.state.Rules, Rule{Wire: slices.Clone(wire)})
	if err := save(j.path, &j.state); err != nil {
		j.state.Rules = j.state.Rules[:len(j.state.Rules)-1]
		return err
	}
	err := j.control.AddRule(wire)
	if err != nil && !errors.Is(err, kernel.ErrNoAnswer) {
		j.state.Rules = j.state.Rules[:len(j.state.Rules)-1]
		err = errors.Join(err, save(j.path, &j.state))
	}
	return err
}

// DeleteRule implements Control. A rule that was not added through the journal
// stays where it is, without an error: it is somebody else's, for instance of
// /etc/audit/rules.d.
func (j *Journal) DeleteRule(wire []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	at := j.state.rule(wire)
	if at < 0 {
		return nil
	}
	if err := j.control.DeleteRule(wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
		return err
	}
	j.state.Rules = slices.Delete(j.state.Rules, at, at+1)
	return save(j.path, &j.state)
}

// End puts back whatever is still changed and removes the file. If something
// cannot be put back, the file stays and says what.
func (j *Journal) End() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err := Restore(j.control, &j.state)
	if !j.state.empty() {
		return errors.Join(err, save(j.path, &j.state))
	}
	return errors.Join(err, remove(j.path))
}
