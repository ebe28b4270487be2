package sensor

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/sensor/source"
	"tripline/sensor/state"
)

// watch is the kernel made ready for the sensor: the lock, the audit settings,
// the source and the kernel rules. Closing it puts everything back.
type watch struct {
	lock *os.File
	// mu guards the installed rules, in the kernel and in the memory.
	mu        sync.Mutex
	control   control
	journal   *state.Journal // nil when nothing may be changed
	source    source.Live
	installed *auditrules.Installed
	// locked says that the configuration is immutable and that the rules were
	// there already.
	locked bool
	// found is the plan whose rules were there already, nil where they were added.
	found *auditrules.Plan
	// lostBefore is the kernel's count of lost records before anything was
	// changed: whatever comes on top was lost on our watch.
	lostBefore uint32
	// stays says, once closed, that what was changed could not be put back
	// because the configuration was locked.
	stays bool
	// log is the program's log.
	log hclog.Logger
	// unseen is what the rules of a locked configuration leave out.
	unseen []auditrules.BlindSpot
}

// control is what the sensor needs of audit's control side; *kernel.Client is the
// real one. Changes go through a state.Journal around it.
type control interface {
	source.Control
	auditrules.Control
	Close() error
}

// openWatch makes the kernel ready. Whatever fails, what was done before it is
// undone. With passive it listens beside a running sensor and changes nothing.
func openWatch(cfg config.Kernel, plan *auditrules.Plan, as holder, passive bool, log hclog.Logger) (_ *watch, err error) {
	if log == nil {
		log = hclog.NewNullLogger()
	}
	w := &watch{log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	client, err := kernel.Open()
	if err != nil {
		return nil, err
	}
	w.control = client
	// Asked first, because it is what fails without privilege.
	status, err := w.control.Status()
	if err != nil {
		return nil, err
	}
	w.lostBefore = status.Lost
	mode := source.Mode(cfg.Source)
	if passive {
		mode = source.Multicast
	} else if err := w.begin(as, cfg.Key, log); err != nil {
		return nil, err
	}
	w.source, err = openSource(cfg, mode, w.changes(), log)
	if err != nil {
		return nil, err
	}
	if passive {
		return w, nil
	}
	err = w.install(plan)
	return w, err
}

// begin makes this the one sensor that changes kernel audit, puts back what a
// killed one left, and begins to write down what is changed from here on.
func (w *watch) begin(as holder, key string, logger hclog.Logger) (err error) {
	if w.lock, err = acquireLock(as.lockFile, as.task); err != nil {
		return err
	}
	journal, recovered, problem, err := state.Begin(w.control, state.Path(as.lockFile), key)
	if err != nil {
		return err
	}
	w.journal = journal
	if problem != nil {
		logger.Error("the state that an earlier tripline left", "error", problem)
	}
	if len(recovered.Rules)+len(recovered.Settings) > 0 {
		logger.Warn("an earlier tripline was killed; what it had changed was put back first",
			"rules", len(recovered.Rules), "settings", len(recovered.Settings))
	}
	return nil
}

// changes is the control side for what changes the kernel.
func (w *watch) changes() state.Control {
	if w.journal != nil {
		return w.journal
	}
	return w.control
}

// install puts the plan's rules into the kernel, or finds that they are there
// where the configuration is locked.
func (w *watch) install(plan *auditrules.Plan) error {
	status, err := w.control.Status()
	if err != nil {
		return err
	}
	if status.Locked() {
		w.locked = true
		return w.find(plan)
	}
	w.installed, err = auditrules.Install(w.changes(), plan)
	return err
}

// find looks for the plan's rules in a locked configuration.
func (w *watch) find(plan *auditrules.Plan) error {
	present, err := auditrules.Present(w.control, plan)
	if err != nil {
		return err
	}
	if len(present.Missing) > 0 {
		return &LockedError{Missing: present.Missing}
	}
	w.unseen, w.found = present.BlindSpots, plan
	return nil
}

// replan adds the kernel rules of a new plan that are not there yet. The function
// it returns removes the old plan's rules that the new one no longer has.
func (w *watch) replan(plan *auditrules.Plan) (remove func() error, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	nothing := func() error { return nil }
	if w.installed == nil {
		if !w.locked {
			return nothing, nil
		}
		return nothing, w.find(plan)
	}
	removeFormer, err := w.installed.Extend(plan)
	if errors.Is(err, kernel.ErrPermission) && w.isLocked() {
		return nothing, w.find(plan) // others may have loaded the rules before they locked
	}
	if err != nil {
		return nil, err
	}
	return func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		err := removeFormer()
		if errors.Is(err, kernel.ErrPermission) && w.isLocked() {
			w.log.Warn("kernel audit has been locked: rules that nothing needs any more stay until the next boot")
			return nil
		}
		return err
	}, nil
}

// LockedError says that the audit configuration cannot be changed until the
// next boot and lacks rules that the sensor needs.
type LockedError struct {
	// Missing are the rules that are needed and not there.
	Missing []auditrules.Rule
}

// Error says what to do.
func (e *LockedError) Error() string {
	text := kernel.ErrLocked.Error() + " and lacks rules that tripline needs; add them to /etc/audit/rules.d/, before the line -e 2, and reboot" +
		" (tripline rules kernel --format rules.d writes the file):"
	for _, rule := range e.Missing {
		text += "\n  " + rule.Portable
	}
	return text
}

// Unwrap gives kernel.ErrLocked.
func (e *LockedError) Unwrap() error { return kernel.ErrLocked }

// removeRules takes the sensor's rules out of the kernel and waits a moment
// until what they had caused has arrived, so that stopping loses nothing.
func (w *watch) removeRules() error {
	var err error
	if !w.isLocked() {
		w.mu.Lock()
		err = w.installed.Remove()
		w.mu.Unlock()
	}
	const patience = 500 * time.Millisecond
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		before := w.source.Stats().Messages
		status, statusErr := w.control.Status()
		if statusErr != nil {
			return errors.Join(err, statusErr)
		}
		time.Sleep(10 * time.Millisecond)
		if status.Backlog == 0 && w.source.Stats().Messages == before {
			break
		}
	}
	return err
}

// isLocked says whether the kernel takes no changes now. Who sets -e 2 may have
// done so after the sensor made its own.
func (w *watch) isLocked() bool {
	if w.control == nil {
		return false
	}
	status, err := w.control.Status()
	return err == nil && status.Locked()
}

// close undoes everything that was done, in reverse. It may be called on a
// watch that was opened in part, and again. In a locked configuration what was
// changed stays until the next boot, which is said and no error.
func (w *watch) close() error {
	locked := w.isLocked()
	var failures []error
	if w.installed != nil {
		failures = append(failures, w.installed.Remove())
		w.installed = nil
	}
	if w.source != nil {
		failures = append(failures, w.source.Close())
		w.source = nil
	}
	if w.journal != nil {
		failures = append(failures, w.journal.End())
		w.journal = nil
	}
	if w.control != nil {
		failures = append(failures, w.control.Close())
		w.control = nil
	}
	if w.lock != nil {
		failures = append(failures, w.lock.Close())
		w.lock = nil
	}
	err := errors.Join(failures...)
	switch {
	case err == nil:
		return nil
	case locked && errors.Is(err, kernel.ErrPermission):
		w.stays = true
		w.log.Warn("kernel audit has been locked: what tripline changed in it stays until the next boot")
		return nil
	}
	return fmt.Errorf("restoring kernel audit: %w", err)
}
