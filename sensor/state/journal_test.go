package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/auditrules/kernel"
)

const testKey = "tripline"

// newKernel has a rule of somebody's and settings as a fresh boot has them.
func newKernel(t testing.TB) *fakeKernel {
	t.Helper()
	return &fakeKernel{
		budget: -1,
		status: kernel.Status{Enabled: 0, BacklogLimit: 64, BacklogWaitTime: 15000},
		rules:  [][]byte{wireOf(t, "-a always,exit -F arch=b64 -S openat -k others")},
	}
}

func ownRules(t testing.TB) [][]byte {
	t.Helper()
	return [][]byte{
		wireOf(t, "-a always,exit -F arch=b64 -S connect -k tripline"),
		wireOf(t, "-a always,exit -F arch=b32 -S connect -k tripline"),
	}
}

func begin(t testing.TB, control Control, path string) *Journal {
	t.Helper()
	j, _, problem, err := Begin(control, path, testKey)
	if err != nil || problem != nil {
		t.Fatal(err, problem)
	}
	return j
}

// life is what a sensor does to the kernel from start to end.
func life(j *Journal, rules [][]byte) error {
	for _, step := range []func() error{
		func() error { return j.Set(kernel.SettingBacklogWaitTime, 0) },
		func() error { return j.Set(kernel.SettingBacklogLimit, 8192) },
		func() error { return j.Set(kernel.SettingEnabled, 1) },
		func() error { return j.AddRule(rules[0]) },
		func() error { return j.AddRule(rules[1]) },
		func() error { return j.DeleteRule(rules[1]) },
		func() error { return j.AddRule(rules[1]) },
		func() error { return j.DeleteRule(rules[0]) },
		func() error { return j.Set(kernel.SettingEnabled, 0) },
		func() error { return j.Set(kernel.SettingBacklogLimit, 64) },
		j.End,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// TestKilledAtEveryStep kills a sensor after each number of changes: recovering
// always gives the kernel from before, and an unkilled life needs no recovery.
func TestKilledAtEveryStep(t *testing.T) {
	rules := ownRules(t)
	before := newKernel(t)
	whole := false
	for budget := 0; !whole; budget++ {
		t.Run(fmt.Sprintf("after %d changes", budget), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			now := before.clone()
			j := begin(t, now, path)
			now.budget = budget
			switch err := life(j, rules); {
			case err == nil:
				whole = true
				if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the state file is left: %v", err)
				}
			case !errors.Is(err, errKilled):
				t.Fatal(err)
			}
			now.budget = -1
			if _, found, err := Recover(now, path); err != nil || found == whole {
				t.Errorf("recovering: found %v, %v", found, err)
			}
			if !now.same(before) {
				t.Errorf("the kernel is %+v", now)
			}
			if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the state file is left: %v", err)
			}
		})
		if budget > 100 {
			t.Fatal("a life never ends")
		}
	}
}

// TestNextStartPutsBack lets a second sensor begin where a first was killed.
func TestNextStartPutsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	before := newKernel(t)
	now := before.clone()
	j := begin(t, now, path)
	now.budget = 5
	if err := life(j, ownRules(t)); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	now.budget = -1
	_, recovered, problem, err := Begin(now, path, testKey)
	if err != nil || problem != nil {
		t.Fatal(err, problem)
	}
	if len(recovered.Rules) != 2 || len(recovered.Settings) != 3 || !now.same(before) {
		t.Errorf("recovered %+v; the kernel is %+v", recovered, now)
	}
}

func TestOthersChangesStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := newKernel(t)
	j := begin(t, now, path)
	if err := j.Set(kernel.SettingBacklogLimit, 8192); err != nil {
		t.Fatal(err)
	}
	now.status.BacklogLimit = 1000 // auditctl -b 1000
	undone, _, err := Recover(now, path)
	if err != nil || len(undone.Theirs) != 1 || now.status.BacklogLimit != 1000 {
		t.Errorf("%+v, %v; the limit is %d", undone, err, now.status.BacklogLimit)
	}
}

func TestRuleOfOthersWithOurKeyStays(t *testing.T) {
	now := newKernel(t)
	rule := ownRules(t)[0]
	now.rules = append(now.rules, rule) // of /etc/audit/rules.d
	before := now.clone()
	j := begin(t, now, filepath.Join(t.TempDir(), "state.json"))
	if err := j.AddRule(rule); !errors.Is(err, kernel.ErrExists) {
		t.Fatal(err)
	}
	if err := errors.Join(j.DeleteRule(rule), j.End()); err != nil || !now.same(before) {
		t.Errorf("%v; the kernel is %+v", err, now)
	}
}

func TestLockedMeanwhile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := newKernel(t)
	j := begin(t, now, path)
	rules := ownRules(t)
	if err := errors.Join(j.Set(kernel.SettingBacklogLimit, 8192), j.AddRule(rules[0])); err != nil {
		t.Fatal(err)
	}
	now.locked, now.status.Enabled = true, 2
	if _, _, err := Recover(now, path); err == nil {
		t.Error("recovering a locked configuration succeeded")
	}
	_, _, problem, err := Begin(now, path, testKey)
	if err != nil || problem == nil || !strings.Contains(problem.Error(), "until the next boot") {
		t.Errorf("%v, %v", problem, err)
	}
	left, err := Load(path)
	if err != nil || len(left.Rules) != 1 || len(left.Settings) != 1 || !bytes.Equal(left.Rules[0].Wire, rules[0]) {
		t.Errorf("left is %+v, %v", left, err)
	}
}

func TestAnotherBootIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := newKernel(t)
	old := &State{Version: version, BootID: "another", Key: testKey, Settings: []Setting{{"backlog_limit", 64, []uint32{8192}}}}
	if err := save(path, old); err != nil {
		t.Fatal(err)
	}
	now.status.BacklogLimit = 8192 // of this boot's own configuration
	if _, found, err := Recover(now, path); err != nil || found || now.status.BacklogLimit != 8192 {
		t.Errorf("found %v, %v; the limit is %d", found, err, now.status.BacklogLimit)
	}
}
