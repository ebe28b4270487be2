package auditrules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
	"tripline/detect"
)

// fakeControl is a kernel's rule list.
type fakeControl struct {
	rules   []string
	refuse  string // a rule that is refused
	failure error  // with what
	// before, if set, is called before each request, as what others do between.
	before func()
}

func (f *fakeControl) meddle() {
	if f.before != nil {
		f.before()
	}
}

func (f *fakeControl) Rules() ([][]byte, error) {
	f.meddle()
	var rules [][]byte
	for _, rule := range f.rules {
		rules = append(rules, []byte(rule))
	}
	return rules, nil
}

func (f *fakeControl) AddRule(wire []byte) error {
	f.meddle()
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
	f.meddle()
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

// planWithAlternatives has a rule that a kernel may refuse, with what stands for
// it, and one that a host can do without.
func planWithAlternatives() *Plan {
	plan := plainPlan("ours 1", "narrow", "extra")
	plan.Rules[1].Instead = &Alternative{Rules: plainPlan("wide").Rules}
	plan.Rules[2].Instead = &Alternative{BlindSpots: []BlindSpot{{What: "extras", Why: "old kernel", Since: "9.9"}}}
	return plan
}

func TestInstallFallsBack(t *testing.T) {
	for _, test := range []struct {
		name, refuse string
		errno        unix.Errno
		left, unseen string
	}{
		{"unknown field", "narrow", unix.EINVAL, "theirs ours 1 wide extra", ""},
		{"too long", "narrow", unix.E2BIG, "theirs ours 1 wide extra", ""},
		{"unknown list", "extra", unix.EINVAL, "theirs ours 1 narrow", "extras: old kernel; upstream Linux 9.9 and later can"},
	} {
		t.Run(test.name, func(t *testing.T) {
			control := &fakeControl{rules: []string{"theirs"}, refuse: test.refuse, failure: fmt.Errorf("adding: %w", test.errno)}
			installed, err := Install(control, planWithAlternatives())
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(control.rules, " "); got != test.left {
				t.Errorf("installed: %s", got)
			}
			substitutions := installed.Substitutions()
			if len(substitutions) != 1 || substitutions[0].Refused.Line != "-a "+test.refuse || !errors.Is(substitutions[0].Refused, test.errno) {
				t.Fatalf("the substitutions are %+v", substitutions)
			}
			unseen := ""
			for _, spot := range substitutions[0].BlindSpots {
				unseen += spot.String()
			}
			if unseen != test.unseen {
				t.Errorf("unseen: %q", unseen)
			}
			if err := installed.Remove(); err != nil || strings.Join(control.rules, " ") != "theirs" {
				t.Errorf("left: %q, %v", control.rules, err)
			}
		})
	}
}

// TestInstallDoesNotFallBackWhereNothingMayChange tells a kernel that does not
// know a rule from one that takes none.
func TestInstallDoesNotFallBackWhereNothingMayChange(t *testing.T) {
	for _, failure := range []error{unix.EPERM, kernel.ErrNoAnswer, unix.ENOMEM} {
		control := &fakeControl{rules: []string{"theirs"}, refuse: "narrow", failure: failure}
		_, err := Install(control, planWithAlternatives())
		var refused *RefusedError
		if !errors.As(err, &refused) || !errors.Is(err, failure) || refused.Line != "-a narrow" {
			t.Errorf("%v: the error is %v", failure, err)
		}
		if want := []string{"theirs"}; !slices.Equal(control.rules, want) {
			t.Errorf("%v: left: %q", failure, control.rules)
		}
	}
}

// TestExtendKeepsWhatStandsForARefusedRule reloads the same rules and others on a
// kernel that refuses one.
func TestExtendKeepsWhatStandsForARefusedRule(t *testing.T) {
	control := &fakeControl{rules: []string{"theirs"}, refuse: "narrow", failure: unix.EINVAL}
	installed, err := Install(control, planWithAlternatives())
	if err != nil {
		t.Fatal(err)
	}
	remove, err := installed.Extend(planWithAlternatives())
	if err != nil {
		t.Fatal(err)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(control.rules, " "); got != "theirs ours 1 wide extra" {
		t.Errorf("the same plan again leaves: %s", got)
	}
	next := planWithAlternatives()
	next.Rules = append(next.Rules[1:2], plainPlan("ours 4").Rules...)
	if remove, err = installed.Extend(next); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(control.rules, " "); got != "theirs ours 1 wide extra ours 4" {
		t.Errorf("while both plans hold: %s", got)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(control.rules, " "); got != "theirs wide ours 4" {
		t.Errorf("the new plan leaves: %s", got)
	}
	if installed.Adopted != 0 || len(installed.Substitutions()) != 1 {
		t.Errorf("%d adopted, substitutions %+v", installed.Adopted, installed.Substitutions())
	}
	if err := installed.Remove(); err != nil || strings.Join(control.rules, " ") != "theirs" {
		t.Errorf("left: %q, %v", control.rules, err)
	}
}

func TestExtendRefusedChangesNothing(t *testing.T) {
	control := &fakeControl{rules: []string{"theirs"}}
	installed, err := Install(control, plainPlan("ours 1"))
	if err != nil {
		t.Fatal(err)
	}
	control.refuse, control.failure = "ours 3", unix.EPERM
	if _, err := installed.Extend(plainPlan("ours 2", "ours 3")); !errors.Is(err, unix.EPERM) {
		t.Errorf("the error is %v", err)
	}
	if got := strings.Join(control.rules, " "); got != "theirs ours 1" {
		t.Errorf("left: %s", got)
	}
	if err := installed.Remove(); err != nil || len(control.rules) != 1 {
		t.Errorf("left: %q, %v", control.rules, err)
	}
}

// TestInstallWhileOthersMeddle has somebody add and delete rules, also ours,
// between any two of our requests, beside ten thousand rules of theirs.
func TestInstallWhileOthersMeddle(t *testing.T) {
	control := &fakeControl{}
	var theirs []string
	for i := range 10000 {
		theirs = append(theirs, fmt.Sprintf("theirs %d", i))
	}
	control.rules = slices.Clone(theirs)
	turn := 0
	control.before = func() {
		turn++
		if i := slices.Index(control.rules, "ours 1"); i >= 0 {
			control.rules = slices.Delete(control.rules, i, i+1)
		}
		theirs = append(theirs[1:], fmt.Sprintf("new %d", turn))
		control.rules = append(slices.DeleteFunc(control.rules, func(one string) bool { return strings.HasPrefix(one, "theirs") || strings.HasPrefix(one, "new") }), theirs...)
	}
	installed, err := Install(control, plainPlan("ours 1", "ours 2", "ours 3"))
	if err != nil {
		t.Fatal(err)
	}
	if err := installed.Remove(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(control.rules, theirs) {
		t.Errorf("%d rules are left of %d, or in another order", len(control.rules), len(theirs))
	}
}

// wireControl is a kernel with these rules, which cannot be changed.
func wireControl(rules ...Rule) *fakeControl {
	control := &fakeControl{}
	for _, rule := range rules {
		control.rules = append(control.rules, string(rule.Wire))
	}
	return control
}

// TestPresentOnALockedHost asks whether rules that were loaded at boot record
// what the plan needs. On a locked host the kernel's features are not known.
func TestPresentOnALockedHost(t *testing.T) {
	plan := func(features kernel.Features, needs []detect.Need, key string) *Plan {
		made, err := NewPlan(needs, features, key)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	locked := plan(kernel.Features{Machine: "x86_64"}, shippedNeeds(), "tripline")
	full := plan(modern("x86_64"), shippedNeeds(), "boot").Rules
	fast := func(r Rule) bool { return strings.Contains(r.Line, "0x20000000") }
	ring := func(r Rule) bool { return strings.Contains(r.Line, ",io_uring ") }
	without := func(rules []Rule, drop func(Rule) bool) []Rule { return slices.DeleteFunc(slices.Clone(rules), drop) }
	const closed = "; the transport of a socket that is closed at once, so that its connect counts as one of TCP"
	for _, test := range []struct {
		name    string
		loaded  []Rule
		missing int
		unseen  string
	}{
		{"made by this version, before the lock", full, 0, ""},
		{"the same plan", locked.Rules, 0, ""},
		{"of a version that knew less", without(full, func(r Rule) bool { return fast(r) || ring(r) }), 0, "io_uring; sendmsg; sendto and sendmmsg"},
		{"for every user", plan(modern("x86_64"), []detect.Need{{}}, "all").Rules, 0, ""},
		{"for another user", plan(modern("x86_64"), []detect.Need{{Conditions: []detect.Condition{{Field: "user.id", Values: []string{"1"}}}}}, "k").Rules, 5, "io_uring; sendmsg; sendto and sendmmsg" + closed},
		{"no 32-bit", without(full, func(r Rule) bool { return strings.Contains(r.Line, "b32") }), 3, "sendmsg; sendto and sendmmsg" + closed},
		{"nothing", nil, 5, "io_uring; sendmsg; sendto and sendmmsg" + closed},
	} {
		t.Run(test.name, func(t *testing.T) {
			found, err := Present(wireControl(test.loaded...), locked)
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Missing) != test.missing {
				t.Errorf("missing: %+v", found.Missing)
			}
			var unseen []string
			for _, spot := range found.BlindSpots {
				unseen = append(unseen, strings.TrimPrefix(strings.TrimPrefix(spot.What, "TCP fast open by "), "connections through "))
			}
			slices.Sort(unseen)
			if got := strings.Join(unseen, "; "); got != test.unseen {
				t.Errorf("unseen: %s", got)
			}
		})
	}
}

// TestPresentOfANeverRule does not take a rule that hides for one that records.
func TestPresentOfANeverRule(t *testing.T) {
	plan, err := NewPlan(shippedNeeds()[1:], modern("x86_64"), "tripline")
	if err != nil {
		t.Fatal(err)
	}
	control := wireControl(plan.Rules...)
	for i, rule := range control.rules {
		changed := []byte(rule)
		binary.NativeEndian.PutUint32(changed[4:], unix.AUDIT_NEVER)
		control.rules[i] = string(changed)
	}
	found, err := Present(control, plan)
	if err != nil || len(found.Missing) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
}
