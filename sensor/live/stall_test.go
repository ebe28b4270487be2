package live

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// paced is what the helper's pace saw.
type paced struct {
	calls   int
	slowest time.Duration
}

func (p paced) String() string { return fmt.Sprintf("%8d calls, the slowest %v", p.calls, p.slowest) }

// pace lets a process make audited calls for a while. It fails when the process
// hangs.
func pace(t testing.TB, length time.Duration) paced {
	t.Helper()
	command := exec.Command(built.behave, "pace", length.String())
	hung := time.AfterFunc(length+90*time.Second, func() { _ = command.Process.Kill() })
	defer hung.Stop()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("the audited process: %v", err)
	}
	words := strings.Fields(string(out))
	calls, callsErr := strconv.Atoi(words[len(words)-2])
	slowest, slowestErr := strconv.ParseInt(words[len(words)-1], 10, 64)
	if callsErr != nil || slowestErr != nil {
		t.Fatalf("the helper said %q", out)
	}
	return paced{calls, time.Duration(slowest)}
}

func signalTo(t testing.TB, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatal(err)
	}
}

// TestStoppedSensor stops the sensor with SIGSTOP under load: audited processes
// go on, what is lost is said, and the sensor goes on afterwards.
func TestStoppedSensor(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	signalTo(t, s.command.Process.Pid, syscall.SIGSTOP)
	stopped := pace(t, 3*time.Second)
	signalTo(t, s.command.Process.Pid, syscall.SIGCONT)
	t.Logf("stopped: %v", stopped)
	wait(t, "the loss is said", func() bool { return strings.Contains(s.log(), "lost") || strings.Contains(s.log(), "overran") })
	// What had gathered may still be worked off, and losses may go on meanwhile.
	seen := false
	for attempt := 0; attempt < 10 && !seen; attempt++ {
		_, seen = s.alertOf(behave(t, "connect-setsid"), soon)
	}
	if !seen {
		t.Errorf("no alert after it goes on; it said:\n%s", s.log())
	}
	s.stop(syscall.SIGTERM)
}

// TestGuard takes this kernel for one whose wait time cannot be set. A receiver
// that is stopped under load is killed by its guard, and the audited process ends.
func TestGuard(t *testing.T) {
	needLive(t)
	unchanged(t)
	receiver, said := startGuarded(t)
	signalTo(t, receiver.Process.Pid, syscall.SIGSTOP)
	t.Logf("stopped, with a guard: %v", pace(t, 8*time.Second))
	wait(t, "the guard says that it killed", func() bool { return strings.Contains(said.text(), "was killed so that audited processes go on") })
	_ = receiver.Wait() // how it ended is looked at next
	if status, ok := receiver.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("the stopped receiver ended with %v, not killed by its guard", receiver.ProcessState)
	}
}

// TestGuardLeavesReaders does not touch a receiver that reads, under the same
// load, and ends with it.
func TestGuardLeavesReaders(t *testing.T) {
	needLive(t)
	unchanged(t)
	receiver, said := startGuarded(t)
	t.Logf("running, with a guard: %v", pace(t, 5*time.Second))
	guard := childOf(t, receiver.Process.Pid)
	if err := receiver.Cancel(); err != nil {
		t.Fatal(err)
	}
	if err := receiver.Wait(); err != nil {
		t.Errorf("the receiver ended with %v and said:\n%s", err, said.text())
	}
	if syscall.Kill(guard, 0) == nil {
		t.Errorf("the guard %d still runs", guard)
	}
}

// childOf is the only child of a process.
func childOf(t testing.TB, pid int) int {
	t.Helper()
	out, err := exec.Command("ps", "-o", "pid=", "--ppid", strconv.Itoa(pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("the children of %d: %q", pid, out)
	}
	return child
}

// startGuarded starts the helper's guarded receiver with the sensor's rules.
// What it cannot put back once it is killed, the test does.
func startGuarded(t *testing.T) (*exec.Cmd, *lockedText) {
	t.Helper()
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	before, err := client.Status()
	if err != nil {
		t.Fatal(err)
	}
	said := &lockedText{}
	receiver := exec.CommandContext(t.Context(), built.behave, "guarded", built.tripline)
	receiver.Env = append(receiver.Environ(), "BEHAVE_LINGER=1")
	receiver.Stderr = said
	stdin, err := receiver.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	receiver.Cancel = stdin.Close
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	installed, err := auditrules.Install(client, foreignPlan(t, "tripline"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if receiver.ProcessState == nil {
			_ = receiver.Process.Kill() // a test that failed
			_ = receiver.Wait()
		}
		if err := installed.Remove(); err != nil {
			t.Error(err)
		}
		for _, setting := range []kernel.Setting{kernel.SettingRateLimit, kernel.SettingBacklogLimit, kernel.SettingEnabled} {
			if err := client.Set(setting, setting.Of(before)); err != nil {
				t.Error(err)
			}
		}
		waitForNoOwner(t, client)
		_ = client.Close() // nothing is lost with it
	})
	wait(t, "the receiver owns the socket", func() bool {
		status, err := client.Status()
		return err == nil && int(status.PID) == receiver.Process.Pid && status.RateLimit != 0 && strings.Contains(said.text(), "guard")
	})
	return receiver, said
}

// BenchmarkLiveStall compares audited processes beside no sensor, beside the
// sensor running and stopped, and beside a naive reader that is stopped and has
// the kernel's default wait time.
func BenchmarkLiveStall(b *testing.B) {
	needLive(b)
	unchanged(b)
	const length = 5 * time.Second
	for range b.N {
		bare := pace(b, length)
		s := startSensor(b)
		running := pace(b, length)
		signalTo(b, s.command.Process.Pid, syscall.SIGSTOP)
		stopped := pace(b, length)
		signalTo(b, s.command.Process.Pid, syscall.SIGCONT)
		s.stop(syscall.SIGTERM)
		naive := paceNaiveStopped(b, length)
		for _, one := range []struct {
			name string
			paced
		}{{"no sensor", bare}, {"sensor", running}, {"sensor stopped", stopped}, {"naive reader stopped, default wait", naive}} {
			b.Logf("%-36s %v, %.3f of no sensor", one.name, one.paced, float64(one.calls)/float64(bare.calls))
		}
	}
}

// paceNaiveStopped paces beside a stopped naive reader.
func paceNaiveStopped(b *testing.B, length time.Duration) paced {
	b.Helper()
	client, err := kernel.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }() // nothing is lost with it
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	daemon := hold(b, "naive")
	restored := []kernel.Setting{kernel.SettingEnabled, kernel.SettingBacklogLimit, kernel.SettingBacklogWaitTime}
	for setting, value := range map[kernel.Setting]uint32{
		kernel.SettingBacklogWaitTime: floodWaitTime, kernel.SettingBacklogLimit: 8192, kernel.SettingEnabled: 1,
	} {
		if err := client.Set(setting, value); err != nil {
			b.Fatal(err)
		}
	}
	installed, err := auditrules.Install(client, foreignPlan(b, "tripline"))
	if err != nil {
		b.Fatal(err)
	}
	signalTo(b, daemon.pid(), syscall.SIGSTOP)
	result := pace(b, length)
	signalTo(b, daemon.pid(), syscall.SIGCONT)
	if err := installed.Remove(); err != nil {
		b.Error(err)
	}
	signalTo(b, daemon.pid(), syscall.SIGTERM)
	_ = daemon.command.Wait() // ended by the signal
	for _, setting := range restored {
		if err := client.Set(setting, setting.Of(before)); err != nil {
			b.Error(err)
		}
	}
	waitForNoOwner(b, client)
	return result
}

// lockedText is a writer that can be read meanwhile.
type lockedText struct {
	mu      sync.Mutex
	written strings.Builder
}

// Write implements io.Writer.
func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.Write(p)
}

func (l *lockedText) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.written.String()
}
