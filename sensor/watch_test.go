package sensor

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// fakeControl is a kernel's audit state.
type fakeControl struct {
	status kernel.Status
	rules  [][]byte
	closed int
	refuse error
}

func (f *fakeControl) Status() (kernel.Status, error)   { return f.status, nil }
func (f *fakeControl) Set(kernel.Setting, uint32) error { return f.refuse }
func (f *fakeControl) Rules() ([][]byte, error)         { return f.rules, nil }

func (f *fakeControl) AddRule(wire []byte) error {
	if f.refuse != nil {
		return f.refuse
	}
	f.rules = append(f.rules, wire)
	return nil
}

func (f *fakeControl) DeleteRule(wire []byte) error {
	if f.refuse == nil {
		f.rules = slices.DeleteFunc(f.rules, func(one []byte) bool { return bytes.Equal(one, wire) })
	}
	return f.refuse
}

func (f *fakeControl) Close() error {
	f.closed++
	return nil
}

func testPlan() *auditrules.Plan {
	return &auditrules.Plan{Key: "tripline", Rules: []auditrules.Rule{
		{Line: "-a always,exit -S connect", Portable: "-a always,exit -S 42", Wire: []byte("1")},
		{Line: "-a always,exit -S setsid", Portable: "-a always,exit -S 112", Wire: []byte("2")},
	}}
}

// TestReplan adds the rules of a new plan before it takes away those that only
// the former has.
func TestReplan(t *testing.T) {
	control := &fakeControl{}
	w := &watch{control: control, log: hclog.NewNullLogger()}
	if err := w.install(testPlan()); err != nil {
		t.Fatal(err)
	}
	plan := testPlan()
	plan.Rules[0] = auditrules.Rule{Line: "-a always,exit -S execve", Wire: []byte("3")}
	remove, err := w.replan(plan)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(control.rules, nil)); got != "123" {
		t.Errorf("rules %s in between, want 123", got)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.Join(control.rules, nil)); got != "23" {
		t.Errorf("rules %s at the end, want 23", got)
	}
}

// TestLockedMeanwhile ends well, and says so, where somebody locked audit after
// the rules were added; other refusals are errors.
func TestLockedMeanwhile(t *testing.T) {
	for enabled, ends := range map[uint32]string{2: "stays until the next boot", 1: ""} {
		control, log := &fakeControl{}, &strings.Builder{}
		w := &watch{control: control, log: hclog.New(&hclog.LoggerOptions{Output: log})}
		if err := w.install(testPlan()); err != nil {
			t.Fatal(err)
		}
		control.status.Enabled, control.refuse = enabled, kernel.ErrPermission
		err := w.close()
		if locked := enabled == 2; (err == nil) != locked || w.stays != locked || !strings.Contains(log.String(), ends) {
			t.Errorf("with enabled=%d closing gave %v, stays %v, and said %q", enabled, err, w.stays, log)
		}
	}
}

func TestInstallWhereLocked(t *testing.T) {
	locked := kernel.Status{Enabled: 2}
	t.Run("with the rules", func(t *testing.T) {
		w := &watch{control: &fakeControl{status: locked, rules: [][]byte{[]byte("2"), []byte("x"), []byte("1")}, refuse: errors.New("locked")}}
		if err := w.install(testPlan()); err != nil || !w.locked {
			t.Errorf("%v, locked %v", err, w.locked)
		}
		if err := w.close(); err != nil {
			t.Errorf("closing gave %v", err)
		}
	})
	t.Run("without them", func(t *testing.T) {
		w := &watch{control: &fakeControl{status: locked, rules: [][]byte{[]byte("2")}, refuse: errors.New("locked")}}
		err := w.install(testPlan())
		if !errors.Is(err, kernel.ErrLocked) {
			t.Fatalf("the error is %v", err)
		}
		for _, part := range []string{"auditctl -e 2", "/etc/audit/rules.d/", "-a always,exit -S 42"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q: %v", part, err)
			}
		}
		if strings.Contains(err.Error(), "-S 112") {
			t.Errorf("the error names a rule that is there, which cannot be added again: %v", err)
		}
	})
}

func TestCloseOfAWatchOpenedInPart(t *testing.T) {
	control := &fakeControl{}
	w := &watch{control: control}
	for range 2 {
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
	}
	if control.closed != 1 {
		t.Errorf("the control connection was closed %d times", control.closed)
	}
}

func TestRefusedRuleUndoesTheOthers(t *testing.T) {
	control := &fakeControl{refuse: errors.New("invalid argument")}
	w := &watch{control: control}
	var refused *auditrules.RefusedError
	if err := w.install(testPlan()); !errors.As(err, &refused) || refused.Line != "-a always,exit -S connect" {
		t.Errorf("the error is %v", err)
	}
	if len(control.rules) != 0 {
		t.Errorf("rules are left: %q", control.rules)
	}
}

func TestLockIsExclusiveAndNamesItsHolder(t *testing.T) {
	path := t.TempDir() + "/folder/lock"
	first, err := acquireLock(path, taskSensor)
	if err != nil {
		t.Fatal(err)
	}
	var running *RunningError
	if _, err := acquireLock(path, taskSensor); !errors.As(err, &running) || running.PID == 0 {
		t.Errorf("the second got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := acquireLock(path, taskSensor)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLockIsNoLink finds in the place of the lock file what somebody who owns the
// folder may have put there: nothing is written through it.
func TestLockIsNoLink(t *testing.T) {
	folder := t.TempDir()
	victim, path := folder+"/victim", folder+"/lock"
	const content = "precious"
	for name, put := range map[string]func() error{
		"symbolic link": func() error { return os.Symlink(victim, path) },
		"hard link":     func() error { return os.Link(victim, path) },
		"pipe":          func() error { return syscall.Mkfifo(path, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := errors.Join(os.WriteFile(victim, []byte(content), 0o600), put()); err != nil {
				t.Fatal(err)
			}
			defer os.Remove(path)
			if file, err := acquireLock(path, taskSensor); err == nil || !strings.Contains(err.Error(), "delete it") {
				t.Errorf("%v, %v", file, err)
			}
			if got, err := os.ReadFile(victim); err != nil || string(got) != content {
				t.Errorf("the other file is now %q, %v", got, err)
			}
		})
	}
}

// TestReplanWhereLockedMeanwhile reloads rules after somebody locked audit: what the
// kernel has already may run, what is missing is named with what to do, and rules that
// nothing needs any more stay without an error.
func TestReplanWhereLockedMeanwhile(t *testing.T) {
	control, log := &fakeControl{}, &strings.Builder{}
	w := &watch{control: control, log: hclog.New(&hclog.LoggerOptions{Output: log})}
	if err := w.install(testPlan()); err != nil {
		t.Fatal(err)
	}
	control.rules = append(control.rules, []byte("3")) // of others
	control.status.Enabled, control.refuse = 2, kernel.ErrPermission
	plan := testPlan()
	plan.Rules[0] = auditrules.Rule{Line: "-a always,exit -S execve", Portable: "-a always,exit -S 59", Wire: []byte("4")}
	_, err := w.replan(plan)
	var locked *LockedError
	if !errors.As(err, &locked) || len(locked.Missing) != 1 || locked.Missing[0].Line != plan.Rules[0].Line {
		t.Errorf("the error is %v", err)
	}
	for name, rules := range map[string][]auditrules.Rule{
		"with one of others": {testPlan().Rules[0], {Line: "-a always,exit -S execve", Wire: []byte("3")}},
		"with fewer":         testPlan().Rules[:1],
	} {
		remove, err := w.replan(&auditrules.Plan{Key: "tripline", Rules: rules})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := remove(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(log.String(), "until the next boot") {
		t.Errorf("it said %q", log)
	}
}

// TestRequestReloadSignalsSensorsAlone asks what holds the lock to read its rules
// again: a command that has none would end by the signal, and leave kernel audit
// changed.
func TestRequestReloadSignalsSensorsAlone(t *testing.T) {
	path := t.TempDir() + "/lock"
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, ReloadSignal)
	defer signal.Stop(asked)
	refused := func(when string) {
		t.Helper()
		if pid, err := RequestReload(path); !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: %d, %v", when, pid, err)
		}
	}
	refused("without a lock file")
	for _, task := range []string{taskCapture, taskRemove, taskSample} {
		file, err := acquireLock(path, task)
		if err != nil {
			t.Fatal(err)
		}
		refused("beside " + task)
		if _, err := acquireLock(path, taskSensor); err == nil || !strings.Contains(err.Error(), ", "+task+")") {
			t.Errorf("a sensor beside %s: %v", task, err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	refused("with a file that nobody holds")
	file, err := acquireLock(path, taskSensor)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if pid, err := RequestReload(path); err != nil || pid != os.Getpid() {
		t.Errorf("%d, %v", pid, err)
	}
	<-asked
	select {
	case <-asked:
		t.Error("it was asked more than once")
	default:
	}
}

// TestRequestReloadKeepsNobodyOut asks again and again while a sensor starts, which
// must find the lock free.
func TestRequestReloadKeepsNobodyOut(t *testing.T) {
	path := t.TempDir() + "/lock"
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = RequestReload(path) // what it answers is another test's
			}
		}
	}()
	for range 500 {
		file, err := acquireLock(path, taskCapture)
		if err != nil {
			t.Error(err)
			break
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-ended
}
