package live

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

func rulesNow(t testing.TB, client *kernel.Client) [][]byte {
	t.Helper()
	rules, err := client.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// deleteOwn deletes the sensor's rules as auditctl -D would, and returns them.
func deleteOwn(t testing.TB, client *kernel.Client, before [][]byte) [][]byte {
	t.Helper()
	rules := rulesNow(t, client)
	var deleted [][]byte
	for _, wire := range rules {
		if slices.ContainsFunc(before, func(one []byte) bool { return bytes.Equal(one, wire) }) {
			continue
		}
		if keys, err := auditrules.WireKeys(wire); err == nil && slices.Contains(keys, "tripline") {
			if err := client.DeleteRule(wire); err != nil {
				t.Fatal(err)
			}
			deleted = append(deleted, wire)
		}
	}
	if len(deleted) == 0 {
		t.Fatal("the sensor has no rules")
	}
	return deleted
}

// TestHealthRulesDeleted deletes the sensor's rules: it says who did it, adds
// them again and sees.
func TestHealthRulesDeleted(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	before := rulesNow(t, client)
	s := startSensor(t)
	deleted := deleteOwn(t, client, before)
	raised := s.healthOf("rules_deleted", "raised")
	// On a busy host the sensor may look before all are deleted, and again after.
	named := namedRules(t, raised)
	for named < len(deleted) {
		s.healthOf("rules_deleted", "cleared")
		named += namedRules(t, s.healthOf("rules_deleted", "raised"))
	}
	if named != len(deleted) {
		t.Errorf("it names %d rules, and %d were deleted", named, len(deleted))
	}
	if who := raised.Tripline.Health.Who; who != nil && who.PID != 0 && who.PID != os.Getpid() {
		t.Errorf("it says that %+v did it and not %d", who, os.Getpid())
	}
	if raised.Event.Kind != "event" || raised.Host.Hostname == "" || time.Since(raised.Tripline.Health.Since) > time.Minute {
		t.Errorf("the document is %+v", raised)
	}
	s.healthOf("rules_deleted", "cleared")
	if pid := behave(t, "connect-setsid"); !s.sees(pid) {
		t.Error("no alert after the rules are back")
	}
	s.stop(syscall.SIGTERM)
	s.noHealth()
}

// namedRules is how many rules a health alert names.
func namedRules(t testing.TB, raised healthDocument) int {
	t.Helper()
	lines, ok := raised.Tripline.Health.Detail["rules"].([]any)
	if !ok || len(lines) == 0 {
		t.Fatalf("it names no rules: %+v", raised)
	}
	return len(lines)
}

func (s *runningSensor) sees(pid int) bool {
	_, seen := s.alertOf(pid, soon)
	return seen
}

// TestHealthLeftDeleted is told not to add rules again: they stay deleted, and
// nothing is left at the end.
func TestHealthLeftDeleted(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	before := rulesNow(t, client)
	s := startSensor(t, "--config", configured(t, "[health]\nreinstall = false\n"))
	deleted := deleteOwn(t, client, before)
	s.healthOf("rules_deleted", "raised")
	for _, wire := range deleted {
		if err := client.AddRule(wire); err != nil {
			t.Fatal(err)
		}
	}
	s.healthOf("rules_deleted", "cleared")
}

// neverConnect is a rule of others that hides connects.
func neverConnect(t testing.TB) []byte {
	t.Helper()
	wire := bytes.Clone(foreignPlan(t, "others-never").Rules[0].Wire)
	binary.NativeEndian.PutUint32(wire[4:], 0) // never
	return wire
}

// TestHealthShadowed puts a rule before the sensor's that keeps connects from
// being recorded.
func TestHealthShadowed(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	s := startSensor(t)
	wire := neverConnect(t)
	before := bytes.Clone(wire)
	binary.NativeEndian.PutUint32(before, binary.NativeEndian.Uint32(wire)|0x10) // -A
	if err := client.AddRule(before); err != nil {
		t.Fatal(err)
	}
	remove := func() error { return client.DeleteRule(wire) }
	t.Cleanup(func() { _ = remove() }) // where the test ends early
	raised := s.healthOf("rules_shadowed", "raised")
	if !strings.Contains(raised.Message, "connect") {
		t.Errorf("it says %q", raised.Message)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	s.healthOf("rules_shadowed", "cleared")
	s.noHealth()
}

// TestHealthSettings switches auditing off and on and sets a rate limit and a
// small backlog, as auditctl does.
func TestHealthSettings(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	s := startSensor(t)
	watching, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		id        string
		setting   kernel.Setting
		bad, good uint32
	}{
		{"auditing_off", kernel.SettingEnabled, 0, 1},
		{"setting_changed:rate_limit", kernel.SettingRateLimit, 5000, watching.RateLimit},
		{"setting_changed:backlog_limit", kernel.SettingBacklogLimit, 100, watching.BacklogLimit},
	} {
		if err := client.Set(test.setting, test.bad); err != nil {
			t.Fatal(err)
		}
		raised := s.healthOf(test.id, "raised")
		if who := raised.Tripline.Health.Who; who != nil && who.PID != 0 && who.PID != os.Getpid() {
			t.Errorf("%s: it says that %+v did it and not %d", test.id, who, os.Getpid())
		}
		if err := client.Set(test.setting, test.good); err != nil {
			t.Fatal(err)
		}
		s.healthOf(test.id, "cleared")
	}
	if pid := behave(t, "connect-setsid"); !s.sees(pid) {
		t.Error("no alert after all is as it was")
	}
	s.noHealth()
}

// TestHealthReenable is told to switch auditing on again.
func TestHealthReenable(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	s := startSensor(t, "--config", configured(t, "[health]\nreenable = true\n"))
	setEnabled(t, client, 0)
	s.healthOf("auditing_off", "raised")
	s.healthOf("auditing_off", "cleared")
	if pid := behave(t, "connect-setsid"); !s.sees(pid) {
		t.Error("no alert after auditing is on again")
	}
}

// TestHealthDaemons starts and stops an audit daemon: beside a sensor that
// listens by multicast, and in the face of one that has the socket.
func TestHealthDaemons(t *testing.T) {
	needLive(t)
	unchanged(t)
	t.Run("the kernel refuses it", func(t *testing.T) {
		s := startSensor(t)
		daemon := hold(t, "hold")
		raised := s.healthOf("daemon_refused", "raised")
		if pid, _ := raised.Tripline.Health.Detail["audit_pid"].(float64); int(pid) != daemon.pid() {
			t.Errorf("it names process %v and not %d", pid, daemon.pid())
		}
		daemon.release(t)
		s.healthOf("daemon_refused", "cleared")
		s.noHealth()
	})
	t.Run("it ends and another starts", func(t *testing.T) {
		first := hold(t, "hold")
		client := openControl(t)
		setEnabled(t, client, 1)
		defer setEnabled(t, client, 0)
		s := startSensor(t)
		first.release(t)
		s.healthOf("daemon_stopped", "raised")
		second := hold(t, "hold")
		s.healthOf("daemon_stopped", "cleared")
		started := s.healthOf("daemon_started", "raised")
		if pid, _ := started.Tripline.Health.Detail["audit_pid"].(float64); int(pid) != second.pid() {
			t.Errorf("it names process %v and not %d", pid, second.pid())
		}
		s.stop(syscall.SIGTERM)
	})
}

// starve stops a sensor with tiny buffers while there is a flood, so that records
// are lost, with a sequence open.
func starve(t *testing.T, s *runningSensor) (open *held) {
	t.Helper()
	open = hold(t, "connect-hold")
	time.Sleep(quiet)
	if err := s.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(built.behave, "flood", "20000").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if err := s.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	return open
}

const tiny = "[kernel]\nreceive_buffer = \"64KiB\"\nbacklog_limit = 64\n"

// TestHealthLost loses records in the kernel while a sequence is open: the rule
// whose window that was is named, and the alert says so too.
func TestHealthLost(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t, "--config", configured(t, tiny))
	open := starve(t, s)
	lost := s.healthOf("records_lost", "raised")
	if count, _ := lost.Tripline.Health.Detail["count"].(float64); count == 0 {
		t.Errorf("it counts %v", lost.Tripline.Health.Detail)
	}
	window := s.healthOf("window_incomplete:eb6a3790-d52d-11ec-8ce9-f661ea17fbce", "raised")
	if pending, _ := window.Tripline.Health.Detail["pending"].(float64); pending == 0 {
		t.Errorf("it names %v", window.Tripline.Health.Detail)
	}
	open.release(t)
	if alert, ok := s.alertOf(open.pid(), soon); !ok || !alert.Tripline.Alert.Incomplete {
		t.Errorf("the alert of the open sequence came %v and is marked %v", ok, alert.Tripline.Alert.Incomplete)
	}
}

// TestHealthOverrun loses records in the receive buffer beside a daemon that
// keeps up: an overrun, and numbers that are left out.
func TestHealthOverrun(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	hold(t, "hold")
	setEnabled(t, client, 1)
	defer setEnabled(t, client, 0)
	s := startSensor(t, "--config", configured(t, tiny))
	starve(t, s)
	s.healthOf("receive_overrun", "raised")
	behave(t, "setsid") // only what comes later shows that something is left out
	s.healthOf("sequence_gap", "raised")
	s.stop(syscall.SIGTERM)
}

// TestHealthQuiet gives a sensor that keeps up events at a time: no number is
// left out, and nothing is told.
func TestHealthQuiet(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	for range 3 {
		behave(t, "flood", "2000")
		time.Sleep(6 * time.Second) // a look of the watcher lies between
	}
	s.stop(syscall.SIGTERM)
	s.noHealth()
}

// TestHealthEvicted lets a rule have one open sequence and opens three.
func TestHealthEvicted(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t, "--config", configured(t, "[detect]\nmax_pending_per_rule = 1\n"))
	for range 3 {
		defer hold(t, "connect-hold").release(t)
	}
	s.healthOf("sequences_evicted", "raised")
}
