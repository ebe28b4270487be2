package state

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tripline/auditrules/kernel"
)

// watchedKernel lets a test look on while a rule is being added, and answer in the
// kernel's place.
type watchedKernel struct {
	*fakeKernel
	adding func()
	answer error
}

func (w *watchedKernel) AddRule(wire []byte) error {
	if w.adding != nil {
		w.adding()
	}
	return errors.Join(w.fakeKernel.AddRule(wire), w.answer)
}

// TestKilledWhileARuleOfOthersIsFound kills a sensor at the moment at which it asks
// for a rule that somebody else has loaded with the sensor's key: the rule stays.
func TestKilledWhileARuleOfOthersIsFound(t *testing.T) {
	folder := t.TempDir()
	path, atKill := filepath.Join(folder, "state.json"), filepath.Join(folder, "killed.json")
	now := newKernel(t)
	rule := ownRules(t)[0]
	now.rules = append(now.rules, rule)
	before := now.clone()
	watched := &watchedKernel{fakeKernel: now, adding: func() {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(atKill, data, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
	}}
	j := begin(t, watched, path)
	if err := j.AddRule(rule); !errors.Is(err, kernel.ErrExists) {
		t.Fatal(err)
	}
	if _, found, err := Recover(now, atKill); err != nil || !found || !now.same(before) {
		t.Errorf("found %v, %v; the kernel has %d rules and had %d", found, err, len(now.rules), len(before.rules))
	}
}

// TestRuleOfOthersThatIsGone adds a rule that was somebody's when the sensor began
// and was deleted since: it is the sensor's then.
func TestRuleOfOthersThatIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := newKernel(t)
	before := now.clone()
	rule := ownRules(t)[0]
	now.rules = append(now.rules, rule)
	j := begin(t, now, path)
	if err := now.DeleteRule(rule); err != nil {
		t.Fatal(err)
	}
	if err := j.AddRule(rule); err != nil || !now.has(rule) {
		t.Fatal(err)
	}
	if _, _, err := Recover(now, path); err != nil || !now.same(before) {
		t.Errorf("%v; the kernel is %+v", err, now)
	}
}

// TestAnswerThatDoesNotArrive adds a rule and does not hear that it was added: it
// is removed at the end, and after a kill.
func TestAnswerThatDoesNotArrive(t *testing.T) {
	for name, end := range map[string]func(j *Journal, now Control, path string) error{
		"ended": func(j *Journal, _ Control, _ string) error { return j.End() },
		"killed": func(_ *Journal, now Control, path string) error {
			_, _, err := Recover(now, path)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.json")
			now := newKernel(t)
			before := now.clone()
			j := begin(t, &watchedKernel{fakeKernel: now, answer: kernel.ErrNoAnswer}, path)
			if err := j.AddRule(ownRules(t)[0]); !errors.Is(err, kernel.ErrNoAnswer) {
				t.Fatal(err)
			}
			if err := end(j, now, path); err != nil || !now.same(before) {
				t.Errorf("%v; the kernel has %d rules and had %d", err, len(now.rules), len(before.rules))
			}
		})
	}
}

// TestRefusedValueThatIsThere sets a setting to what it is and is refused: the file
// that is written afterwards can be read by the next start.
func TestRefusedValueThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	now := newKernel(t)
	j := begin(t, now, path)
	now.locked = true
	if err := j.Set(kernel.SettingBacklogLimit, now.status.BacklogLimit); !errors.Is(err, kernel.ErrPermission) {
		t.Fatal(err)
	}
	now.locked = false
	if err := j.AddRule(ownRules(t)[0]); err != nil {
		t.Fatal(err)
	}
	if left, err := Load(path); err != nil || len(left.Rules) != 1 {
		t.Errorf("left is %+v, %v", left, err)
	}
}
