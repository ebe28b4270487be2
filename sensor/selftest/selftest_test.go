package selftest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/detect"
	"tripline/sensor/selftest/ways"
)

func TestTechniques(t *testing.T) {
	seen := map[string]bool{}
	silent := 0
	for _, one := range All() {
		if one.Name == "" || one.What == "" || one.run == nil || seen[one.Name] || strings.ContainsAny(one.Name, " ,") {
			t.Errorf("%+v is not a technique, or is there twice", one)
		}
		seen[one.Name] = true
		if one.Silent {
			silent++
			if one.Blind != "" {
				t.Errorf("%s is silent for a reason of its own", one.Name)
			}
		}
		found, err := Find(one.Name)
		if err != nil || found.What != one.What {
			t.Errorf("%s is not found: %v", one.Name, err)
		}
	}
	if silent == 0 || silent == len(seen) {
		t.Errorf("%d of %d are silent", silent, len(seen))
	}
	if _, err := Find("no-such"); err == nil || !strings.Contains(err.Error(), "connect-setsid") {
		t.Errorf("an unknown technique: %v", err)
	}
	if len(Basic()) != 1 || Basic()[0].Name != All()[0].Name {
		t.Error("the basic technique is not the first")
	}
}

// TestMissesAreExplained sees that the words by which a technique finds what a
// kernel cannot report are those of the plans for such kernels.
func TestMissesAreExplained(t *testing.T) {
	for _, one := range All() {
		if one.Blind == "" {
			continue
		}
		if !explained(t, one.Blind) {
			t.Errorf("%s: no plan has a blind spot with the words %q", one.Name, one.Blind)
		}
	}
}

// explained says whether a kernel without anything has a blind spot with words.
func explained(t *testing.T, words string) bool {
	t.Helper()
	machine, err := auditrules.Machine()
	if err != nil {
		t.Skip(err)
	}
	features := kernel.Features{Machine: machine, X32: kernel.Supported, IOUring: kernel.Supported, IOUringFilter: kernel.Unsupported}
	needs := []detect.Need{{Category: "network", Actions: []string{"connection_attempted"}}}
	plan, err := auditrules.NewPlan(needs, features, "key")
	if err != nil {
		t.Fatal(err)
	}
	spots := plan.BlindSpots
	for _, rule := range plan.Rules {
		if rule.Instead != nil {
			spots = append(spots, rule.Instead.BlindSpots...)
		}
	}
	for _, spot := range spots {
		if strings.Contains(spot.What, words) {
			return true
		}
	}
	return false
}

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name, line, want string
		impossible       bool
	}{
		{"done", "done", "", false},
		{"impossible", "impossible: no such call", "not possible here: no such call", true},
		{"failed", "setsid: operation not permitted", "the self-test's sample failed: setsid: operation not permitted", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := judge(test.line)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Error() != test.want || errors.Is(err, ways.ErrImpossible) != test.impossible {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRunChild(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		in   string
		out  string
		fail string
	}{
		{"not told to go", []string{"unix", "", partConnect}, "", "", "waiting to be told to go"},
		{"told to go", []string{"unix", "", partConnect}, "go\n", "done\n", ""},
		{"no such technique", []string{"no-such", "", ""}, "go\n", "", "no self-test technique"},
		{"no such part", []string{"unix", "", "no-such"}, "go\n", "", "has no part"},
		{"no act", []string{"unix", "", partAct}, "go\n", "", "has no part"},
		{"too few arguments", []string{"unix"}, "go\n", "", "a technique, a folder and a part"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := RunChild(test.args, strings.NewReader(test.in), &out)
			if out.String() != test.out {
				t.Errorf("answered %q", out.String())
			}
			if (err == nil) != (test.fail == "") || err != nil && !strings.Contains(err.Error(), test.fail) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"done", nil, "done\n"},
		{"lines", errors.New("a\nb"), "a; b\n"},
		{"impossible", errors.Join(ways.ErrImpossible), "impossible: not possible here\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			if err := (&stage{out: &out}).answer(test.err); err != nil || out.String() != test.want {
				t.Errorf("%q, %v", out.String(), err)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	folder, err := makeFolder()
	if errors.Is(err, ways.ErrImpossible) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode is %v, %v: other users could get at a set-user-id program", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); err != nil {
		t.Error(err)
	}
	if err := removeFolder(folder); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if err := removeFolder(""); err != nil {
		t.Error(err)
	}
}
