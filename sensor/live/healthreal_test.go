package live

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

// TestHealthWaitTime makes audited programs wait again. Only on the kernels that let
// it be set; the failure mode, whose worst ends the host, is set in sensor/kernels.
func TestHealthWaitTime(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	if err := client.Features().Need(kernel.FeatureWaitTime); err != nil {
		t.Skip(err)
	}
	s := startSensor(t)
	setEnabled(t, client, 0) // it has looked at what is usual once it tells of this
	s.healthOf("auditing_off", "raised")
	setEnabled(t, client, 1)
	s.healthOf("auditing_off", "cleared")
	for _, one := range []struct {
		value uint32
		state string
	}{{10, "raised"}, {20, "raised"}, {0, "cleared"}} { // what gets worse is told again
		if err := client.Set(kernel.SettingBacklogWaitTime, one.value); err != nil {
			t.Fatal(err)
		}
		s.healthOf("setting_changed:backlog_wait_time", one.state)
	}
	s.stop(syscall.SIGTERM)
	s.noHealth()
}

// TestHealthShadowedByRepair appends a rule that hides connects, which does nothing
// behind the sensor's, and deletes the sensor's. Where the sensor adds those again
// they come behind it.
func TestHealthShadowedByRepair(t *testing.T) {
	needLive(t)
	unchanged(t)
	client := openControl(t)
	before := rulesNow(t, client)
	s := startSensor(t)
	never := neverConnect(t)
	if err := client.AddRule(never); err != nil {
		t.Fatal(err)
	}
	remove := func() error { return client.DeleteRule(never) }
	t.Cleanup(func() { _ = remove() }) // where the test ends early
	time.Sleep(2 * quiet)
	deleteOwn(t, client, before)
	s.healthOf("rules_deleted", "raised")
	s.healthOf("rules_deleted", "cleared")
	if raised := s.healthOf("rules_shadowed", "raised"); !strings.Contains(raised.Message, "connect") {
		t.Errorf("it says %q", raised.Message)
	}
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	s.healthOf("rules_shadowed", "cleared")
}

// TestHealthRelay feeds a sensor like auditd's dispatcher, with a line that is no
// record, while no audit daemon runs.
func TestHealthRelay(t *testing.T) {
	needLive(t)
	unchanged(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	s := launchWith(t, func(command *exec.Cmd) { command.Stdin = reader }, "--source", "audisp")
	s.awaitReady()
	// The last is read while the sensor looks at its counters, every few seconds.
	for _, line := range []string{"type=EOE msg=audit(1700000000.000:1): \n", "this is no audit record\n"} {
		if _, err := writer.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	s.healthOf("records_unreadable", "raised")
	if raised := s.healthOf("daemon_stopped", "raised"); !strings.Contains(raised.Message, "nothing is seen") {
		t.Errorf("it says %q", raised.Message)
	}
	hold(t, "hold")
	s.healthOf("daemon_stopped", "cleared")
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	s.end("the dispatcher's end")
}

// TestHealthFullDisk lets the disk of the alert file be full: the alert waits, which
// is told after a minute, and is written once there is room.
func TestHealthFullDisk(t *testing.T) {
	needLive(t)
	unchanged(t)
	folder := t.TempDir()
	if err := unix.Mount("tripline-test", folder, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path, filler := filepath.Join(folder, "alerts.ndjson"), filepath.Join(folder, "filler")
	s := startSensor(t, "--alert-file", path)
	if err := os.WriteFile(filler, make([]byte, 128<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	pid := behave(t, "connect-setsid")
	if !s.sees(pid) {
		t.Fatal("the other output has no alert")
	}
	const stalls = 90 * time.Second // a minute, and the looks before and after
	raised := s.healthWithin("output_failing:"+path, "raised", stalls)
	if waiting, _ := raised.Tripline.Health.Detail["waiting"].(float64); waiting == 0 {
		t.Errorf("it says that %v wait", raised.Tripline.Health.Detail)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.healthWithin("output_failing:"+path, "cleared", stalls)
	if text := readFile(t, path); !strings.Contains(text, `"kind":"alert"`) {
		t.Errorf("the file has %q", text)
	}
}
