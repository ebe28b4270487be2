package auditrules

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tripline/auditrules/kernel"
	"tripline/detect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// shippedNeeds is what the shipped rule needs.
func shippedNeeds() []detect.Need {
	root := []detect.Condition{{Field: "event.type", Values: []string{"start"}}, {Field: "user.id", Values: []string{"0"}}}
	return []detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: root},
		{Category: "process", Actions: []string{"session_id_change"}, Conditions: root[1:]},
	}
}

func TestPlanGolden(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "386" {
		t.Skip("the rule library knows the short names of its own architecture family only")
	}
	for _, test := range []struct {
		name, machine string
		needs         []detect.Need
	}{
		{"x86_64", "x86_64", shippedNeeds()},
		{"i686", "i686", shippedNeeds()},
		{"every-user", "x86_64", append(shippedNeeds(), detect.Need{Category: "network", Actions: []string{"connection_attempted"}})},
		{"two-users", "x86_64", append(shippedNeeds(), detect.Need{
			Category: "process", Actions: []string{"session_id_change"},
			Conditions: []detect.Condition{{Field: "user.id", Values: []string{"1000"}}},
		})},
		{"setsid-only", "x86_64", shippedNeeds()[1:]},
		{"unmet", "x86_64", append(shippedNeeds(), detect.Need{Category: "file", Actions: []string{"creation"}}, detect.Need{Category: "dns"})},
		{"partly-met", "x86_64", []detect.Need{
			{Category: "process"},
			{Category: "process", Conditions: []detect.Condition{{Field: "event.type", Values: []string{"start"}}}},
			{Category: "network", Conditions: []detect.Condition{{Field: "event.type", Values: []string{"start"}}}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := NewPlan(test.needs, test.machine, "tripline")
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for _, rule := range plan.Rules {
				text.WriteString(rule.Line + "\n    " + rule.Reason + "\n")
			}
			for _, unmet := range plan.Unmet {
				text.WriteString("unmet: " + unmet + "\n")
			}
			compareGolden(t, filepath.Join("testdata", test.name+".golden"), text.String())
		})
	}
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestPlanUnknownMachine(t *testing.T) {
	if _, err := NewPlan(shippedNeeds(), "vax", "tripline"); err == nil || !strings.Contains(err.Error(), `"vax"`) {
		t.Errorf("the error is %v", err)
	}
}

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
		if err != nil || got != test.want {
			t.Errorf("%v, %v, want %v", got, err, test.want)
		}
	}
}
