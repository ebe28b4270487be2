package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"

	"tripline/auditrules/kernel"
)

// examined is what the tests read of a doctor's report.
type examined struct {
	State  string          `json:"state"`
	Kernel map[string]any  `json:"kernel"`
	Checks []examinedCheck `json:"checks"`
}

type examinedCheck struct {
	ID, State, Text, Mend string
	Details               []string
}

func (e examined) check(t testing.TB, id string) examinedCheck {
	t.Helper()
	for _, one := range e.Checks {
		if one.ID == id {
			return one
		}
	}
	t.Fatalf("there is no check %q", id)
	return examinedCheck{}
}

// examine runs the doctor and returns its report and exit code.
func examine(t testing.TB, prepare func(*exec.Cmd)) (examined, int) {
	t.Helper()
	command := exec.Command(built.tripline, "doctor")
	if prepare != nil {
		prepare(command)
	}
	out, err := command.Output()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	var report examined
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&report); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return report, command.ProcessState.ExitCode()
}

// addForeign adds a rule of somebody else's for the length of a test.
func addForeign(t testing.TB, client *kernel.Client, line string) {
	t.Helper()
	parsed, err := flags.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.AddRule(wire); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.DeleteRule(wire); err != nil && !errors.Is(err, kernel.ErrNotFound) {
			t.Error(err)
		}
	})
}

// TestDoctor examines this host, as it is, with rules of others that hide, beside
// a running sensor, and without privilege, and changes nothing.
func TestDoctor(t *testing.T) {
	needLive(t)
	unchanged(t)
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })

	report, code := examine(t, nil)
	if report.State == "fail" || code != 0 {
		t.Fatalf("a host that the other tests watch cannot be watched: %+v", report)
	}
	if report.Kernel["saddr_fam"] == "unknown" || report.Kernel["release"] == "" {
		t.Errorf("the kernel was not asked: %v", report.Kernel)
	}

	t.Run("rules of others", func(t *testing.T) {
		// No program here has that user.
		addForeign(t, client, "-a never,exit -F arch=b64 -S connect -F uid=4294960000 -k others")
		report, code := examine(t, nil)
		if found := report.check(t, "foreign_rules"); found.State != "warning" || code != 0 ||
			found.Mend != "auditctl -d never,exit -F arch=b64 -S connect -F uid=4294960000 -k others" {
			t.Errorf("a rule that hides some calls: %+v, exit code %d", found, code)
		}
		addForeign(t, client, "-a never,exclude -F msgtype=SOCKADDR")
		report, code = examine(t, nil)
		if found := report.check(t, "foreign_rules"); found.State != "fail" || code != 1 || !strings.Contains(found.Text, "SOCKADDR") {
			t.Errorf("a rule that hides all connections: %+v, exit code %d", found, code)
		}
	})
	t.Run("beside a sensor", func(t *testing.T) {
		s := startSensor(t)
		report, code := examine(t, nil)
		if running := report.check(t, "sensor"); code != 0 || !strings.Contains(running.Text, "watches this host") {
			t.Errorf("the running sensor: %+v, exit code %d", running, code)
		}
		if proven := report.check(t, "multicast"); !strings.Contains(proven.Text, "a record sent for this check arrived") {
			t.Errorf("multicast: %+v", proven)
		}
		s.stop(syscall.SIGTERM)
	})
	t.Run("without privilege", func(t *testing.T) {
		report, code := examine(t, func(command *exec.Cmd) {
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		})
		if unseen := report.check(t, "enabled"); unseen.State != "unknown" || code != 0 {
			t.Errorf("the status: %+v, exit code %d", unseen, code)
		}
		if mend := report.check(t, "privileges").Mend; mend != "sudo tripline doctor" {
			t.Errorf("privileges are mended by %q", mend)
		}
	})
	t.Run("in namespaces of its own", func(t *testing.T) {
		report, code := examine(t, func(command *exec.Cmd) {
			command.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
			}
		})
		if inside := report.check(t, "namespaces"); inside.State != "fail" || code != 1 {
			t.Errorf("namespaces: %+v, exit code %d", inside, code)
		}
	})
}
