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
)

const (
	// soon is how long an alert may take before a test calls it missed.
	soon = 5 * time.Second
	// quiet is how long a test waits for an alert that must not come.
	quiet = 700 * time.Millisecond
)

// TestCatches is the product's promise: each form of the behaviour raises one
// alert with both events, and what only looks like it raises none.
func TestCatches(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	for _, test := range []struct {
		name, action, argument string
		destination            string
		port                   int
	}{
		{"IPv4", "connect-setsid", "127.0.0.1:9", "127.0.0.1", 9},
		{"IPv6", "connect-setsid", "[::1]:9", "::1", 9},
		{"not blocking", "nonblocking-setsid", "127.0.0.1:9", "127.0.0.1", 9},
		{"TCP on a descriptor that was UDP's", "udp-tcp-setsid", "127.0.0.1:9", "127.0.0.1", 9},
		{"IPv4 mapped into IPv6", "connect-setsid", "[::ffff:127.0.0.1]:9", "::ffff:127.0.0.1", 9},
		{"thread connects, leader calls setsid", "thread-setsid", "127.0.0.1:9", "127.0.0.1", 9},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := hold(t, test.action, test.argument)
			alert, ok := s.alertOf(h.pid(), soon)
			if !ok {
				t.Fatalf("no alert; the sensor said:\n%s", s.log())
			}
			if alert.Destination.IP != test.destination || alert.Destination.Port != test.port {
				t.Errorf("destination is %+v", alert.Destination)
			}
			if alert.Rule.ID != "eb6a3790-d52d-11ec-8ce9-f661ea17fbce" || alert.Process.Executable != built.behave ||
				len(alert.Tripline.Alert.Sequence) != 2 || alert.Tripline.Alert.Test {
				t.Errorf("the alert is %s", alert.raw)
			}
			if strings.Contains(alert.raw, `"inferred"`) {
				t.Errorf("the identity of a living process is inferred: %s", alert.raw)
			}
		})
	}
	t.Run("gone at once", func(t *testing.T) {
		pid := behave(t, "connect-setsid")
		if _, ok := s.alertOf(pid, soon); !ok {
			t.Fatal("no alert")
		}
	})
	t.Run("32-bit program", func(t *testing.T) {
		if built.behave32 == "" {
			t.Skip("this machine has no 32-bit kind that the test can build for")
		}
		command := exec.Command(built.behave32, "connect-setsid")
		out, err := command.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("this kernel runs no 32-bit programs")
		}
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		alert, ok := s.alertOf(command.Process.Pid, soon)
		if !ok {
			t.Fatalf("no alert; the sensor said:\n%s", s.log())
		}
		if !strings.Contains(alert.raw, `"arch":"i386"`) || alert.Destination.Port != 9 {
			t.Errorf("the alert is %s", alert.raw)
		}
	})
	t.Run("silent", func(t *testing.T) { testSilent(t, s) })
	written, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	if alerts := strings.Count(string(written), `"kind":"alert"`); alerts != s.count() {
		t.Errorf("the alert file has %d alerts of %d", alerts, s.count())
	}
}

// testSilent performs what is not the behaviour.
func testSilent(t *testing.T, s *runningSensor) {
	before := s.count()
	pids := map[string]int{}
	for name, action := range map[string]string{
		"order reversed":           "setsid-connect",
		"a child calls setsid":     "connect-fork",
		"setsid refused":           "connect-failed",
		"AF_UNIX only":             "unix-setsid",
		"setsid without a connect": "setsid",
	} {
		pids[name] = behave(t, action)
	}
	for range 20 {
		pids["a datagram socket that is closed at once"] = behave(t, "udp-probe-setsid")
	}
	udp := hold(t, "udp-setsid")
	pids["a datagram socket"] = udp.pid()
	user := exec.Command(built.behave, "connect-setsid")
	user.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	pids["not root"] = perform(t, user)
	if _, err := os.Stat("/proc/self/ns/user"); err == nil {
		// The kernel's rules and records know it by whom it is mapped to.
		inside := exec.Command(built.behave, "connect-setsid")
		one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 65534, Size: 1}}
		inside.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one, GidMappings: one, Credential: &syscall.Credential{NoSetGroups: true},
		}
		pids["root of a user namespace"] = perform(t, inside)
	}
	time.Sleep(quiet)
	for name, pid := range pids {
		if alert, raised := s.alertOf(pid, 0); raised {
			t.Errorf("%s raised an alert: %s", name, alert.raw)
		}
	}
	if s.count() != before {
		t.Errorf("%d alerts too many", s.count()-before)
	}
}

// chrooted runs the helper so that the kernel sees it under another path: in a
// root directory of its own, a copy of it at that path.
func chrooted(t testing.TB, path string, args ...string) *exec.Cmd {
	t.Helper()
	root := t.TempDir()
	program, err := os.ReadFile(built.behave)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root+path, program, 0o755); err != nil {
		t.Fatal(err)
	}
	command := &exec.Cmd{Path: path, Args: append([]string{path}, args...), Dir: "/"}
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	return command
}

// TestCatchesOneLiners runs what a person would type. It also shows which forms
// are not the behaviour: where setsid happens in a child, another process than
// the one that connected detaches.
func TestCatchesOneLiners(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	for _, test := range []struct {
		name    string
		command []string
		caught  bool
	}{
		{"python", []string{"python3", "-c", `import os, socket
s = socket.socket(); s.connect_ex(("127.0.0.1", 9)); os.setsid()`}, true},
		{"perl", []string{
			"perl", "-MSocket", "-MPOSIX", "-e",
			`socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(9, inet_aton("127.0.0.1"))); POSIX::setsid() > 0 or die "setsid: $!"`,
		}, true},
		{"bash, then exec setsid(1)", []string{
			"bash", "-c",
			`exec 3<>/dev/tcp/127.0.0.1/9; exec setsid true`,
		}, true},
		{"bash, with setsid(1) as a child", []string{
			"bash", "-c",
			`(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; setsid true; :`,
		}, false},
		{"setsid(1) first, then bash", []string{
			"setsid", "--wait", "bash", "-c",
			`(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; :`,
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			program, err := exec.LookPath(test.command[0])
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			before := s.count()
			command := exec.Command(program, test.command[1:]...)
			// bash with a failed redirection of exec ends with an error before
			// setsid; a listener lets it succeed.
			listen(t, command)
			pid := perform(t, command)
			if test.caught {
				if _, ok := s.alertOf(pid, soon); !ok {
					t.Errorf("no alert; the sensor said:\n%s", s.log())
				}
				return
			}
			time.Sleep(quiet)
			if s.count() != before {
				t.Error("an alert was raised")
			}
		})
	}
}

// TestSelftest runs the command beside nothing and beside a running sensor.
func TestSelftest(t *testing.T) {
	needLive(t)
	unchanged(t)
	run := func() string {
		out, err := exec.Command(built.tripline, "selftest").Output()
		if err != nil {
			t.Fatalf("selftest: %v", err)
		}
		return string(out)
	}
	const detected = `"expected":"detected","outcome":"detected","detected":true,"ok":true,"record":"SYSCALL connect`
	if out := run(); !strings.Contains(out, detected) {
		t.Errorf("alone it printed %q", out)
	}
	startSensor(t)
	if out := run(); !strings.Contains(out, detected) {
		t.Errorf("beside a sensor it printed %q", out)
	}
}

// TestRunSelftest is what "make run" shows a new user.
func TestRunSelftest(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t, "--selftest")
	deadline := time.Now().Add(soon)
	for s.count() == 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	if s.count() != 1 || !s.alerts[0].Tripline.Alert.Test {
		t.Fatalf("%d alerts, want one that is marked as a test; the sensor said:\n%s", s.count(), s.log())
	}
	// What another process does is no test.
	pid := behave(t, "connect-setsid")
	alert, ok := s.alertOf(pid, soon)
	if !ok || alert.Tripline.Alert.Test {
		t.Errorf("after the self-test, an alert was %v: %s", ok, alert.raw)
	}
}
