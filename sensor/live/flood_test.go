package live

import (
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestFloodIsAbridged raises alerts in the middle of a flood, in which the kernel
// leaves out records that nobody needs, and after it.
func TestFloodIsAbridged(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	stop := sync.OnceValue(startFlood(t, endless))
	defer func() { stop() }()
	time.Sleep(time.Second) // until it is a flood, and the sensor has seen that it is
	// What the kernel loses in a flood at full speed is not this test's matter: one
	// of several tries has to come through.
	alertOfTry := func(what string, good func(alertDocument) bool) alertDocument {
		const tries = 10
		for range tries {
			command := exec.Command(built.behave, "connect-setsid")
			if err := command.Run(); err != nil {
				t.Fatal(err)
			}
			if alert, ok := s.alertOf(command.Process.Pid, soon/tries); ok && good(alert) {
				return alert
			}
		}
		t.Fatalf("%s: none of %d was detected as it should be", what, tries)
		return alertDocument{}
	}
	during := alertOfTry("in the flood", func(alertDocument) bool { return true })
	stop()
	// What is lost at the very end of the flood may make the next alert incomplete.
	after := alertOfTry("after the flood", func(one alertDocument) bool { return !one.Tripline.Alert.Incomplete })
	if during.Process.Executable != after.Process.Executable {
		t.Errorf("alerts differ: %s\n%s", during.raw, after.raw)
	}
	s.stop(syscall.SIGTERM)
	if !strings.Contains(s.log(), "left out what only rounds events off") {
		t.Errorf("the kernel was not asked to leave records out:\n%s", s.log())
	}
}
