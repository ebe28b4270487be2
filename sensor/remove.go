package sensor

import (
	"errors"
	"fmt"
	"slices"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/sensor/state"
)

// Removal says what Remove did.
type Removal struct {
	// Rules are the kernel rules that were removed, as auditctl writes them.
	Rules []string
	// Settings are those that were put back, with their values in words.
	Settings []string
	// Kept are changed settings that somebody else has set since and that stay.
	Kept []string
	// Socket says that the audit socket of a killed sensor was given up.
	Socket bool
	// ByKey says that no state file was there, so that the rules were found by
	// their key and no setting could be known.
	ByKey bool
}

// Remove puts back what a sensor that was killed has left in kernel audit, as its
// state file says. Without a state file of this boot it removes the rules whose only
// key is the given one, or none where the key is empty. While a sensor runs the error
// is a *RunningError and nothing is done.
func Remove(lockFile, key string) (removal Removal, err error) {
	client, err := kernel.Open()
	if err != nil {
		return removal, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	// Asked first, because it is what fails without privilege.
	if _, err := client.Status(); err != nil {
		return removal, err
	}
	lock, err := acquireLock(lockFile, taskRemove)
	if err != nil {
		return removal, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	return removeLeft(client, state.Path(lockFile), key)
}

// removeLeft does the work of Remove once no sensor runs.
func removeLeft(control state.Control, path, key string) (removal Removal, err error) {
	undone, found, err := state.Recover(control, path)
	for _, wire := range undone.Rules {
		removal.Rules = append(removal.Rules, commandLine(wire))
	}
	for _, one := range undone.Settings {
		removal.Settings = append(removal.Settings, fmt.Sprintf("%s is %d again", one.Name, one.Before))
	}
	for _, one := range undone.Theirs {
		removal.Kept = append(removal.Kept, fmt.Sprintf("%s was set by somebody else since and stays", one.Name))
	}
	removal.Socket = undone.Socket
	var unusable *state.FileError
	if errors.As(err, &unusable) {
		return removal, fmt.Errorf("%w; nothing was changed. Look at it, delete it, and say the same again: rules are then found by their key", err)
	}
	if err != nil || found || key == "" {
		return removal, err
	}
	removal.ByKey = true
	err = removal.byKey(control, key)
	return removal, err
}

// byKey removes the rules that have the key and no other.
func (r *Removal) byKey(control state.Control, key string) error {
	loaded, err := control.Rules()
	if err != nil {
		return err
	}
	var failures []error
	for _, wire := range loaded {
		keys, err := auditrules.WireKeys(wire)
		if err != nil || !slices.Equal(keys, []string{key}) {
			continue // a rule that cannot be read is not one of ours
		}
		if err := control.DeleteRule(wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
			failures = append(failures, fmt.Errorf("removing the audit rule %q: %w", commandLine(wire), err))
			continue
		}
		r.Rules = append(r.Rules, commandLine(wire))
	}
	return errors.Join(failures...)
}

// commandLine is a rule of Tripline's own as auditctl writes it.
func commandLine(wire []byte) string {
	const unknown = "a rule that cannot be shown"
	decoded, err := auditrules.DecodeKernelRule(wire)
	if err != nil {
		return unknown
	}
	machine, err := auditrules.Machine()
	if err != nil {
		return unknown
	}
	return decoded.Line(machine)
}
