package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/detect"
)

// everyNeed is one of each kind of need that plans turn into rules.
func everyNeed() []detect.Need {
	condition := func(field, value string) []detect.Condition {
		return []detect.Condition{{Field: field, Values: []string{value}}}
	}
	return []detect.Need{
		{Category: "network", Actions: []string{"connection_attempted"}, Conditions: condition("user.id", "4000000001")},
		{Category: "process", Actions: []string{"session_id_change"}, Conditions: condition("user.audit.id", "4000000001")},
		{Category: "process", Actions: []string{"exec"}, Conditions: condition("user.real.id", "4000000001")},
		{Category: "process", Conditions: append(condition("event.type", "end"), condition("user.group.id", "4000000001")...)},
	}
}

// planFor plans for this host, with rules that match nobody.
func planFor(t testing.TB, features kernel.Features, key string) *auditrules.Plan {
	t.Helper()
	plan, err := auditrules.NewPlan(everyNeed(), features, key)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func openControl(t testing.TB) *kernel.Client {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // only asked
	return client
}

// TestPlanReadsBack installs a plan and finds in the kernel what was sent, also
// with keys whose length is no multiple of four, and for a kernel of which nothing
// is known.
func TestPlanReadsBack(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	features := hostFeatures(t)
	for _, plan := range []*auditrules.Plan{
		planFor(t, features, "plan"), planFor(t, features, "a"), planFor(t, features, "planned"),
		planFor(t, kernel.Features{Machine: features.Machine}, "blindly"),
	} {
		installed, err := auditrules.Install(client, plan)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := client.Rules()
		if err != nil {
			t.Fatal(err)
		}
		if len(installed.Substitutions()) != 0 || len(loaded) != len(plan.Rules) {
			t.Errorf("key %s: %d rules are loaded of %d; refused: %+v", plan.Key, len(loaded), len(plan.Rules), installed.Substitutions())
		}
		for _, rule := range plan.Rules {
			if !hasRule(loaded, rule) {
				t.Errorf("key %s: the kernel has another rule than %q", plan.Key, rule.Line)
			}
		}
		present, err := auditrules.Present(client, plan)
		if err != nil || len(present.Missing)+len(present.BlindSpots) != 0 {
			t.Errorf("key %s: present: %+v, %v", plan.Key, present, err)
		}
		if err := installed.Remove(); err != nil {
			t.Error(err)
		}
	}
}

// hasRule says whether the kernel lists a rule, by its bytes up to padding.
func hasRule(loaded [][]byte, rule auditrules.Rule) bool {
	for _, one := range loaded {
		if bytes.Equal(bytes.TrimRight(one, "\x00"), bytes.TrimRight(rule.Wire, "\x00")) {
			return true
		}
	}
	return false
}

// TestPlanLoadsThroughAuditctl loads the file for rules.d, and each line as it is
// shown, with the host's own tools, and finds the same bytes in the kernel.
func TestPlanLoadsThroughAuditctl(t *testing.T) {
	needLive(t)
	auditctl, err := exec.LookPath("auditctl")
	if err != nil {
		t.Skip("needs auditctl, which is not installed")
	}
	unchanged(t)
	client := openControl(t)
	plan := planFor(t, hostFeatures(t), "by-auditctl")
	file := filepath.Join(t.TempDir(), "50-tripline.rules")
	if err := os.WriteFile(file, []byte(plan.RulesFile()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, load := range map[string]func() error{
		"rules.d": func() error { return run(auditctl, "-R", file) },
		"lines": func() error {
			for _, rule := range plan.Rules {
				if ioUringLine(rule) {
					continue
				}
				if err := run(auditctl, strings.Fields(rule.Line)...); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Cleanup(func() {
				for _, rule := range plan.Rules {
					if err := client.DeleteRule(rule.Wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
						t.Error(err)
					}
				}
			})
			if err := load(); err != nil {
				t.Fatal(err)
			}
			loaded, err := client.Rules()
			if err != nil {
				t.Fatal(err)
			}
			for _, rule := range plan.Rules {
				if !ioUringLine(rule) && !hasRule(loaded, rule) {
					t.Errorf("auditctl made something else of %q", rule.Line)
				}
			}
			present, err := auditrules.Present(client, plan)
			if err != nil || len(present.Missing) != 0 {
				t.Errorf("present: %+v, %v", present, err)
			}
		})
	}
}

// ioUringLine says that only audit tools from 3.1 on read a rule's line.
func ioUringLine(rule auditrules.Rule) bool { return strings.Contains(rule.Line, ",io_uring ") }

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// TestRefusedRuleFallsBack gives the kernel a rule that it cannot know, and sees
// what stands for it installed, between rules of others that stay as they are.
func TestRefusedRuleFallsBack(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	plan := planFor(t, hostFeatures(t), "falls-back")
	odd := bytes.Clone(plan.Rules[0].Wire)
	odd[0] = 77 // there is no such list
	plan.Rules = append(plan.Rules[:1:1], auditrules.Rule{
		Line: "-a always,nowhere", Wire: odd,
		Instead: &auditrules.Alternative{Rules: plan.Rules[1:2], BlindSpots: []auditrules.BlindSpot{{What: "nowhere", Why: "no list"}}},
	})
	installed, err := auditrules.Install(client, plan)
	if err != nil {
		t.Fatal(err)
	}
	if found := installed.Substitutions(); len(found) != 1 || !errors.Is(found[0].Refused, unix.EINVAL) || len(found[0].Instead) != 1 {
		t.Errorf("substitutions: %+v", found)
	}
	loaded, err := client.Rules()
	if err != nil || len(loaded) != 2 {
		t.Errorf("%d rules are loaded, %v", len(loaded), err)
	}
	if err := installed.Remove(); err != nil {
		t.Error(err)
	}
}

// TestBesideTenThousandRules installs and removes beside as many rules of others.
// They are on the list for user messages, so that the machine stays fast.
func TestBesideTenThousandRules(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	plan := planFor(t, hostFeatures(t), "others")
	foreign := make([][]byte, 10000)
	for i := range foreign {
		foreign[i] = userRule(uint32(i))
	}
	t.Cleanup(func() {
		for _, one := range foreign {
			if err := client.DeleteRule(one); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i, one := range foreign {
		if err := client.AddRule(one); err != nil {
			foreign = foreign[:i]
			t.Fatal(err)
		}
	}
	before, err := client.Rules()
	if err != nil || len(before) != len(foreign) {
		t.Fatalf("%d rules, %v", len(before), err)
	}
	installed, err := auditrules.Install(client, plan)
	if err != nil {
		t.Fatal(err)
	}
	if present, err := auditrules.Present(client, plan); err != nil || len(present.Missing) != 0 {
		t.Errorf("present: %+v, %v", present, err)
	}
	if err := installed.Remove(); err != nil {
		t.Error(err)
	}
	after, err := client.Rules()
	if err != nil || !bytes.Equal(bytes.Join(before, nil), bytes.Join(after, nil)) {
		t.Errorf("the rules of others changed: %d before, %d after, %v", len(before), len(after), err)
	}
}

// userRule is a rule of somebody else's about messages of one process
// (struct audit_rule_data of linux/audit.h, with the one field AUDIT_PID).
func userRule(pid uint32) []byte {
	const mask, values, operators = 3, 3 + 2*64, 3 + 3*64
	wire := make([]byte, 4*(operators+64+1))
	for word, value := range map[int]uint32{
		0: unix.AUDIT_FILTER_USER, 1: unix.AUDIT_ALWAYS, 2: 1, values: pid, operators: unix.AUDIT_EQUAL,
	} {
		binary.NativeEndian.PutUint32(wire[4*word:], value)
	}
	for word := mask; word < mask+64; word++ {
		binary.NativeEndian.PutUint32(wire[4*word:], 1<<32-1)
	}
	return wire
}

// noSuchWay is the exit code of behave where the kernel does not offer the way.
const noSuchWay = 77

// TestCatchesWaysAroundConnect runs the sensor against connections that are no
// connect(2) of the machine's own interface.
func TestCatchesWaysAroundConnect(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	for _, test := range []struct{ action, argument string }{
		{"fastopen-setsid", "sendto"},
		{"fastopen-setsid", "sendmsg"},
		{"fastopen-setsid", "sendmmsg"},
		{"int80-setsid", "connect"},
		{"int80-setsid", "socketcall"},
		{"iouring-setsid", "plain"},
		{"iouring-setsid", "async"},
		{"iouring-setsid", "sqpoll"},
	} {
		t.Run(test.action+" "+test.argument, func(t *testing.T) {
			command := exec.Command(built.behave, test.action, test.argument)
			out, err := command.CombinedOutput()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.ExitCode() == noSuchWay {
				t.Skipf("this machine has no such way: %s", out)
			}
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			alert, ok := s.alertOf(command.Process.Pid, soon)
			if !ok {
				t.Fatalf("no alert; the sensor said:\n%s", s.log())
			}
			if alert.Destination.IP != "127.0.0.1" || alert.Destination.Port != 9 {
				t.Errorf("destination is %+v", alert.Destination)
			}
		})
	}
}
