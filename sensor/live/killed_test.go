package live

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/sensor"
	"tripline/sensor/state"
)

var kills = flag.Int("kills", 20, "how often TestKilled kills the sensor")

// kill ends a sensor with SIGKILL.
func (s *runningSensor) kill() {
	s.t.Helper()
	if err := s.command.Process.Kill(); err != nil {
		s.t.Error(err)
	}
	s.read.Wait()
	_ = s.command.Wait() // killed
}

// removeLeft runs `tripline rules remove`.
func removeLeft(t testing.TB) string {
	t.Helper()
	out, err := exec.Command(built.tripline, "rules", "remove").CombinedOutput()
	if err != nil {
		t.Fatalf("rules remove ended with %v and said:\n%s", err, out)
	}
	return string(out)
}

// needAsBefore fails unless kernel audit is as in a snapshot and no state file is
// left.
func needAsBefore(t testing.TB, before auditState) {
	t.Helper()
	after, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if difference := before.difference(after); difference != "" {
		t.Fatalf("kernel audit is not as before: %s", difference)
	}
	if _, err := os.Stat(state.Path(sensor.DefaultLock)); !os.IsNotExist(err) {
		t.Errorf("the state file is left: %v", err)
	}
}

// TestKilled kills the sensor many times under load, at random moments, also
// before it watches. One `rules remove` puts everything back.
func TestKilled(t *testing.T) {
	needLive(t)
	unchanged(t)
	before, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeLeft(t) })
	load := exec.Command(built.behave, "load", "10m")
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = load.Process.Kill() // it runs until killed
		_ = load.Wait()         // killed
	})
	random := rand.New(rand.NewPCG(3, 4))
	changed := 0
	for range *kills {
		s := launchSensor(t)
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond)
		s.kill()
		if after, err := snapshot(); err == nil && before.difference(after) != "" {
			changed++
		}
	}
	if changed == 0 {
		t.Errorf("not one of %d kills came while something was changed", *kills)
	}
	said := removeLeft(t)
	t.Logf("%d of %d kills left something; rules remove said:\n%s", changed, *kills, said)
	needAsBefore(t, before)
	if said := removeLeft(t); said != "" {
		t.Errorf("a second rules remove did something:\n%s", said)
	}
}

// TestStartAfterKill starts after a sensor that was killed: it says so and, at
// its end, everything is as before the first start.
func TestStartAfterKill(t *testing.T) {
	needLive(t)
	before, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	startSensor(t).kill()
	s := startSensor(t)
	s.stop(syscall.SIGTERM)
	needAsBefore(t, before)
	if !strings.Contains(s.log(), "an earlier tripline was killed") {
		t.Errorf("the sensor said:\n%s", s.log())
	}
}

// TestRemoveWithoutState finds the rules by their key alone.
func TestRemoveWithoutState(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	path := state.Path(sensor.DefaultLock)
	text := readFile(t, path)
	out, err := exec.Command(built.tripline, "rules", "remove").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another tripline is watching this host already") {
		t.Errorf("while a sensor runs it ended with %v and said:\n%s", err, out)
	}
	if readFile(t, path) != text {
		t.Error("it changed the state of the running sensor")
	}
	s.kill()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		write(t, path, text)
		removeLeft(t)
	})
	if said := removeLeft(t); strings.Count(said, `"removed"`) == 0 || strings.Contains(said, "restored") {
		t.Errorf("it said:\n%s", said)
	}
	now, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(now.rules), "tripline") {
		t.Error("rules with the key are left")
	}
}
