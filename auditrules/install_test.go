package auditrules

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tripline/auditrules/kernel"
)

// fakeControl is a kernel's rule list.
type fakeControl struct {
	rules   []string
	refuse  string // a rule that is refused
	failure error  // with what
}

func (f *fakeControl) Rules() ([][]byte, error) {
	var rules [][]byte
	for _, rule := range f.rules {
		rules = append(rules, []byte(rule))
	}
	return rules, nil
}

func (f *fakeControl) AddRule(wire []byte) error {
	if string(wire) == f.refuse {
		return f.failure
	}
	if slices.Contains(f.rules, string(wire)) {
		return kernel.ErrExists
	}
	f.rules = append(f.rules, string(wire))
	return nil
}

func (f *fakeControl) DeleteRule(wire []byte) error {
	i := slices.Index(f.rules, string(wire))
	if i < 0 {
		return kernel.ErrNotFound
	}
	f.rules = slices.Delete(f.rules, i, i+1)
	return nil
}

// plainPlan is a plan whose rules are their own bytes.
func plainPlan(lines ...string) *Plan {
	plan := &Plan{Key: "tripline"}
	for _, line := range lines {
		plan.Rules = append(plan.Rules, Rule{Line: "-a " + line, Wire: []byte(line)})
	}
	return plan
}

func TestInstallAndRemove(t *testing.T) {
	control := &fakeControl{rules: []string{"theirs 1", "theirs 2"}}
	installed, err := Install(control, plainPlan("ours 1", "ours 2"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"theirs 1", "theirs 2", "ours 1", "ours 2"}; !slices.Equal(control.rules, want) {
		t.Errorf("installed: %q", control.rules)
	}
	control.rules = append(control.rules, "theirs 3")
	for range 2 {
		if err := installed.Remove(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"theirs 1", "theirs 2", "theirs 3"}; !slices.Equal(control.rules, want) {
			t.Errorf("removed: %q", control.rules)
		}
	}
}

func TestInstallAdoptsWhatAKilledSensorLeft(t *testing.T) {
	control := &fakeControl{rules: []string{"ours 1", "theirs"}}
	installed, err := Install(control, plainPlan("ours 1", "ours 2"))
	if err != nil {
		t.Fatal(err)
	}
	if installed.Adopted != 1 {
		t.Errorf("%d rules adopted", installed.Adopted)
	}
	if err := installed.Remove(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"theirs"}; !slices.Equal(control.rules, want) {
		t.Errorf("removed: %q", control.rules)
	}
}

func TestInstallUndoesWhenRefused(t *testing.T) {
	control := &fakeControl{rules: []string{"theirs"}, refuse: "ours 2", failure: errors.New("invalid argument")}
	_, err := Install(control, plainPlan("ours 1", "ours 2", "ours 3"))
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Line != "-a ours 2" || !strings.Contains(err.Error(), "invalid argument") {
		t.Errorf("the error is %v", err)
	}
	if want := []string{"theirs"}; !slices.Equal(control.rules, want) {
		t.Errorf("left: %q", control.rules)
	}
}

func TestRemoveToleratesWhatOthersDeleted(t *testing.T) {
	control := &fakeControl{}
	installed, err := Install(control, plainPlan("ours 1", "ours 2"))
	if err != nil {
		t.Fatal(err)
	}
	control.rules = []string{"theirs", "ours 2"}
	if err := installed.Remove(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"theirs"}; !slices.Equal(control.rules, want) {
		t.Errorf("left: %q", control.rules)
	}
}

func TestPresent(t *testing.T) {
	control := &fakeControl{rules: []string{"theirs", "ours 1", "ours 2"}}
	for _, test := range []struct {
		plan *Plan
		want bool
	}{
		{plainPlan("ours 1", "ours 2"), true},
		{plainPlan("ours 1", "ours 3"), false},
	} {
		got, err := Present(control, test.plan)
		if err != nil || (len(got.Missing) == 0) != test.want {
			t.Errorf("%v, %v, want %v", got, err, test.want)
		}
	}
}
