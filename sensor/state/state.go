package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// version is that of the file's form.
const version = 1

// Bounds of what a state file may hold, far above what a sensor writes.
const (
	maxSize     = 8 << 20
	maxRules    = 4096
	maxValues   = 16
	maxSettings = 32
	maxWireSize = 16 << 10
)

// State is what a sensor changed in kernel audit.
type State struct {
	// Version is that of the file's form.
	Version int `json:"version"`
	// BootID names the boot that the changes belong to
	// (/proc/sys/kernel/random/boot_id).
	BootID string `json:"boot_id"`
	// PID is the sensor's process, which may own the audit socket.
	PID uint32 `json:"pid"`
	// Key marks the sensor's rules.
	Key string `json:"key"`
	// Settings are those that were changed, in the order of their first change.
	Settings []Setting `json:"settings,omitempty"`
	// Rules are those that were added, in order.
	Rules []Rule `json:"rules,omitempty"`
}

// Setting is one audit setting that was changed.
type Setting struct {
	// Name is the setting's as `auditctl -s` prints it.
	Name string `json:"name"`
	// Before is the value that was found and is put back.
	Before uint32 `json:"before"`
	// Ours are the values that the setting may have been given: if it has
	// another, somebody else has set it since.
	Ours []uint32 `json:"ours"`
}

// Rule is one kernel rule that was added.
type Rule struct {
	// Wire is the rule as the kernel reads it (struct audit_rule_data in
	// linux/audit.h).
	Wire []byte `json:"wire"`
}

// empty says that nothing is left to put back but the audit socket.
func (s *State) empty() bool { return len(s.Settings) == 0 && len(s.Rules) == 0 }

// setting finds a changed setting, nil when it was not changed.
func (s *State) setting(name string) *Setting {
	for i := range s.Settings {
		if s.Settings[i].Name == name {
			return &s.Settings[i]
		}
	}
	return nil
}

// rule finds an added rule, -1 when it was not added.
func (s *State) rule(wire []byte) int {
	return slices.IndexFunc(s.Rules, func(r Rule) bool { return auditrules.SameRule(r.Wire, wire) })
}

// settingByName finds the kernel setting of a name.
func settingByName(name string) (kernel.Setting, bool) {
	for _, setting := range kernel.Settings() {
		if setting.String() == name {
			return setting, true
		}
	}
	return 0, false
}

// parse reads a state file's content and refuses everything that no sensor
// writes, so that nothing else is ever acted on.
func parse(data []byte) (*State, error) {
	s := &State{}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("it is empty or cut off")
		}
		return nil, fmt.Errorf("it is no state of this form: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the state")
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *State) check() error {
	switch {
	case s.Version != version:
		return fmt.Errorf("it has version %d and not %d: another tripline wrote it", s.Version, version)
	case s.BootID == "":
		return errors.New("it does not name a boot")
	case s.Key == "":
		return errors.New("it does not name the rules' key")
	case len(s.Settings) > maxSettings || len(s.Rules) > maxRules:
		return fmt.Errorf("it has %d settings and %d rules, more than a sensor changes", len(s.Settings), len(s.Rules))
	}
	for i, one := range s.Settings {
		if err := one.check(); err != nil {
			return err
		}
		if s.setting(one.Name) != &s.Settings[i] {
			return fmt.Errorf("it names the setting %q twice", one.Name)
		}
	}
	for i, one := range s.Rules {
		if len(one.Wire) > maxWireSize {
			return fmt.Errorf("its rule %d is longer than any", i+1)
		}
		keys, err := auditrules.WireKeys(one.Wire)
		if err != nil {
			return fmt.Errorf("its rule %d: %w", i+1, err)
		}
		if !slices.Equal(keys, []string{s.Key}) {
			return fmt.Errorf("its rule %d has the keys %q and not %q", i+1, keys, s.Key)
		}
	}
	return nil
}

func (s Setting) check() error {
	setting, known := settingByName(s.Name)
	switch {
	case !known:
		return fmt.Errorf("it names a setting %q that is not known", s.Name)
	case len(s.Ours) == 0 || len(s.Ours) > maxValues:
		return fmt.Errorf("it has %d values of %s", len(s.Ours), s.Name)
	case setting == kernel.SettingEnabled && s.Before > 1:
		return fmt.Errorf("it would set %s to %d, which cannot be undone", s.Name, s.Before)
	}
	return nil
}
