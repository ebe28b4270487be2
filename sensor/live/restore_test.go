package live

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/detect"
)

// TestRestoresKernel starts and stops the sensor many times under load, by each
// signal and at random moments, also before it watches.
func TestRestoresKernel(t *testing.T) {
	needLive(t)
	unchanged(t)
	load := exec.Command(built.behave, "load", "10m")
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = load.Process.Kill() // it runs until killed
		_ = load.Wait()         // killed
	})
	before, err := snapshot()
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}
	for i := range 50 {
		signal := signals[i%2]
		if i%10 == 9 {
			signal = syscall.SIGQUIT
		}
		s := launchSensor(t)
		// Go installs signal handlers as the program starts: before that a
		// signal ends it, and nothing was changed yet.
		delay := time.Duration(random.IntN(150)) * time.Millisecond
		time.Sleep(delay)
		stopAtAnyMoment(s, signal)
		after, err := snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if difference := before.difference(after); difference != "" {
			t.Fatalf("start %d, %v after %v: %s; the sensor said:\n%s", i+1, signal, delay, difference, s.log())
		}
	}
}

// stopAtAnyMoment is stop for a sensor that may not yet handle signals.
func stopAtAnyMoment(s *runningSensor, signal syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		s.t.Error(err)
	}
	kill := time.AfterFunc(15*time.Second, func() {
		s.t.Errorf("the sensor did not end within 15 s of %v", signal)
		_ = s.command.Process.Kill() // the test fails either way
	})
	s.read.Wait()
	kill.Stop()
	_ = s.command.Wait() // it may have ended by the signal itself
	if signal == syscall.SIGQUIT && strings.HasPrefix(s.log(), "SIGQUIT") {
		return // Go's own answer, before the program's
	}
	if code := s.command.ProcessState.ExitCode(); code != 0 && code != -1 {
		s.t.Errorf("exit code %d after %v; the sensor said:\n%s", code, signal, s.log())
	}
}

// TestForeignRulesStay puts a rule of somebody else's before and behind and sees
// both left alone, in order, while the sensor comes and goes.
func TestForeignRulesStay(t *testing.T) {
	needLive(t)
	unchanged(t)
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	plan := foreignPlan(t, "others-rule")
	foreign, err := auditrules.Install(client, plan)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := foreign.Remove(); err != nil {
			t.Error(err)
		}
	})
	before, err := client.Rules()
	if err != nil {
		t.Fatal(err)
	}
	s := startSensor(t)
	during, err := client.Rules()
	if err != nil {
		t.Fatal(err)
	}
	if len(during) <= len(before) {
		t.Errorf("the sensor added no rule: %d before, %d now", len(before), len(during))
	}
	// The event now carries the other rule's key, and still counts.
	pid := behave(t, "connect-setsid")
	if _, ok := s.alertOf(pid, soon); !ok {
		t.Error("no alert where another rule matches first")
	}
	s.stop(syscall.SIGINT)
	after, err := client.Rules()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.Join(before, nil), bytes.Join(after, nil)) {
		t.Error("the rules of others changed")
	}
}

// foreignPlan is the sensor's plan under another key.
func foreignPlan(t testing.TB, key string) *auditrules.Plan {
	t.Helper()
	plan, err := auditrules.NewPlan([]detect.Need{{Category: "network"}, {Category: "process"}}, hostFeatures(t), key)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestBesideDaemon runs beside a process that holds the audit socket: the sensor
// listens by multicast, and nothing of the daemon's changes.
func TestBesideDaemon(t *testing.T) {
	needLive(t)
	unchanged(t)
	daemon := hold(t, "hold")
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	before, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	if int(before.PID) != daemon.pid() {
		t.Fatalf("the audit socket is held by %d, not by the daemon %d", before.PID, daemon.pid())
	}
	setEnabled(t, client, 1)
	s := startSensor(t)
	during, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	if during.PID != before.PID || during.BacklogLimit != before.BacklogLimit || during.BacklogWaitTime != before.BacklogWaitTime {
		t.Errorf("the daemon's settings were %+v and are %+v", before, during)
	}
	pid := behave(t, "connect-setsid")
	if _, ok := s.alertOf(pid, soon); !ok {
		t.Errorf("no alert beside a daemon; the sensor said:\n%s", s.log())
	}
	s.stop(syscall.SIGTERM)

	out, err := exec.Command(built.tripline, "run", "--alert-file=", "--config", unicastConfig(t)).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is held by process "+strconv.Itoa(daemon.pid())) {
		t.Errorf("with source = \"unicast\" it ended with %v and said:\n%s", err, out)
	}
	setEnabled(t, client, 0)
}

func setEnabled(t testing.TB, client *kernel.Client, value uint32) {
	t.Helper()
	if err := client.Set(kernel.SettingEnabled, value); err != nil {
		t.Fatal(err)
	}
}

func unicastConfig(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sensor.toml")
	if err := os.WriteFile(path, []byte("[kernel]\nsource = \"unicast\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSecondSensor refuses to start and leaves the first alone.
func TestSecondSensor(t *testing.T) {
	needLive(t)
	unchanged(t)
	first := startSensor(t)
	out, err := exec.Command(built.tripline, "run", "--alert-file=").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "another tripline is watching this host already (process "+strconv.Itoa(first.command.Process.Pid)) {
		t.Errorf("the second ended with %v and said:\n%s", err, out)
	}
	pid := behave(t, "connect-setsid")
	if _, ok := first.alertOf(pid, soon); !ok {
		t.Error("the first no longer sees")
	}
}
