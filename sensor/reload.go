package sensor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"tripline/detect"
	"tripline/internal/diag"
	"tripline/sensor/alert"
	"tripline/sensor/status"
)

// ReloadSignal makes a running sensor read its rules again.
const ReloadSignal = syscall.SIGUSR1

// ErrNoConfiguration is for Options.LoadRules: there is no configuration that says
// which rules there are, which leaves the running ones as they are.
var ErrNoConfiguration = errors.New("the configuration cannot be used; the running rules stay")

// ErrNotRunning says that no sensor watches this host.
var ErrNotRunning = errors.New("no tripline is watching this host")

// RequestReload tells the sensor that holds the lock to read its rules again, and
// returns its pid. Nothing is signalled that is no running sensor: the signal would
// end it. The lock is not tried, because that would keep a sensor that starts just
// now from it.
func RequestReload(lockFile string) (pid int, err error) {
	// The folder may be another user's: neither a link nor a pipe misleads.
	file, err := os.OpenFile(lockFile, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, ErrNotRunning
	}
	if err != nil {
		return 0, fmt.Errorf("opening the lock file: %w", err)
	}
	holder := lockHolder(file)
	pid, err = Running(lockFile)
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, err
	}
	switch {
	case pid == 0:
		return 0, ErrNotRunning
	case pid != holder.PID:
		return 0, fmt.Errorf("finding the running tripline: process %d holds %s, which does not name it; it is starting, or runs in a container", pid, lockFile)
	case holder.Task != taskSensor:
		return 0, fmt.Errorf("%w: process %d is a tripline %s, which has no rules to read again", ErrNotRunning, pid, holder.Task)
	}
	if err := syscall.Kill(pid, ReloadSignal); err != nil {
		return 0, fmt.Errorf("signalling the running tripline (process %d): %w", pid, err)
	}
	return pid, nil
}

// serveReloads reads the rules again whenever that is asked for. The returned
// channel is closed when it has ended.
func (s *Sensor) serveReloads(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-s.options.Reload:
			}
			s.tellManager(ServiceManager.Reloading)
			s.reopenOutputs()
			result := status.Reload{Time: time.Now(), Rules: len(s.rules)}
			broken, err := s.reload(ctx, &result)
			if err != nil {
				s.options.Log.Error("reloading the rules", "error", diag.Detail(err))
			}
			s.report.publishRules()
			s.report.reloaded(result, errors.Join(err, broken))
			s.tellManager(func(m ServiceManager) error { return m.Ready(s.statusLine()) })
		}
	}()
	return ended
}

// reload puts the rules as they are now in the place of those that run, and says
// in result what came of it. The kernel rules that the new ones need are there
// before they run, those that nothing needs any more go afterwards. What is broken
// in files, and was said, is returned beside what failed.
func (s *Sensor) reload(ctx context.Context, result *status.Reload) (broken, err error) {
	defer recoverInto(&err)
	loaded, loadErr := s.options.LoadRules()
	if errors.Is(loadErr, ErrNoConfiguration) {
		return nil, loadErr
	}
	merged, kept := KeepBroken(s.rules, loaded, loadErr)
	if len(merged) == 0 {
		return nil, errors.Join(errors.New("no rule is left; the running ones stay"), loadErr)
	}
	prepared, err := alert.Prepare(sources(merged))
	if err != nil {
		return nil, errors.Join(err, loadErr)
	}
	plan, err := PlanRulesFor(merged, s.features, s.options.Config.Kernel.Key)
	if err != nil {
		return nil, errors.Join(err, loadErr)
	}
	remove, err := s.watch.replan(plan)
	if err != nil {
		return nil, errors.Join(err, loadErr)
	}
	unchanged := 0
	if !s.pipeline.do(ctx, s.watch.source, func() {
		unchanged, s.pipeline.titled = s.pipeline.engine.Replace(merged), readsTitles(merged)
		s.pipeline.builder.Use(prepared)
	}) {
		return nil, nil // the sensor is stopping, and removes all its kernel rules
	}
	s.rules, s.plan = merged, plan
	result.Rules, result.Unchanged, result.Kept = len(merged), unchanged, kept
	if loadErr != nil {
		s.options.Log.Error("reloading the rules", "error", diag.Detail(loadErr))
	}
	s.options.Log.Info("rules were read again", "rules", len(merged), "unchanged", unchanged, "kept_as_they_were", kept)
	s.announceLimits()
	return defects(loadErr), remove()
}

// defects is what is broken in rule files, without the rules that are whole and
// cannot run on a host.
func defects(loaded error) error {
	var broken []error
	for _, err := range diag.Flatten(loaded) {
		var not *detect.NotRunnableError
		if !errors.As(err, &not) {
			broken = append(broken, err)
		}
	}
	return errors.Join(broken...)
}

// KeepBroken adds to the rules that were just loaded those running ones whose
// files are broken now, so that a mistake in a file does not end its rule. It
// returns how many it added.
func KeepBroken(running, loaded []*detect.Compiled, failures error) (merged []*detect.Compiled, kept int) {
	broken := make(map[string]bool)
	for _, err := range diag.Flatten(failures) {
		var defect *diag.Error
		var not *detect.NotRunnableError
		if !errors.As(err, &not) && errors.As(err, &defect) {
			broken[defect.File] = true
		}
	}
	merged = slices.Clone(loaded)
	for _, one := range running {
		rule := one.Rule()
		there := slices.ContainsFunc(loaded, func(other *detect.Compiled) bool { return other.Rule().RuleID == rule.RuleID })
		if broken[rule.File] && !there {
			merged = append(merged, one)
			kept++
		}
	}
	return merged, kept
}
