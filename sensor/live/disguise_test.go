package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownProgram is a path that the tests exclude by a rule of their own and have a
// program at while they run: no file of the host is ever replaced.
const ownProgram = "/usr/local/sbin/tripline-test-sshd"

// installOwn puts the helper at ownProgram.
func installOwn(t testing.TB) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(ownProgram), 0o755); err != nil {
		t.Fatal(err)
	}
	copyFile(t, built.behave, ownProgram)
	t.Cleanup(func() {
		if err := os.Remove(ownProgram); err != nil {
			t.Error(err)
		}
	})
}

// copyFile makes a new file at a path, in place of what is there.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to+".new", content, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".new", to); err != nil {
		t.Fatal(err)
	}
}

// TestNoNameIsBorrowed: what only has the name of an excluded program is caught,
// and the excluded program is not.
func TestNoNameIsBorrowed(t *testing.T) {
	needLive(t)
	unchanged(t)
	installOwn(t)
	s, rule, _ := reloadingSensor(t)
	write(t, rule, strings.ReplaceAll(readFile(t, rule), `"/usr/sbin/sshd")`, `"/usr/sbin/sshd", "`+ownProgram+`")`))
	reload(t, s, syscall.SIGHUP, "rules were read again")

	folder := t.TempDir()
	root, other := filepath.Join(folder, "root"), filepath.Join(folder, "other")
	copyFile(t, built.behave, root+ownProgram)
	copyFile(t, built.behave, other)
	inRoot := &exec.Cmd{Path: ownProgram, Args: []string{ownProgram, "connect-setsid"}, Dir: "/"}
	inRoot.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	for _, test := range []struct {
		name       string
		command    *exec.Cmd
		executable string // in the alert
		namespace  bool
	}{
		{"chroot", inRoot, root + ownProgram, false},
		{"chroot as sshd", chrooted(t, "/usr/sbin/sshd", "connect-setsid"), "", false},
		{"chroot as ssh", chrooted(t, "/bin/ssh", "connect-setsid"), "", false},
		{"private mount namespace", exec.Command(built.behave, "privately", other+","+ownProgram+",connect-setsid"), ownProgram, true},
		{"container", exec.Command(built.behave, "contained", root+","+ownProgram+",connect-setsid"), ownProgram, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := holdCommand(t, test.command)
			alert, ok := s.alertOf(h.pid(), soon)
			if !ok {
				t.Fatalf("no alert; the sensor said:\n%s", s.log())
			}
			if n := strings.Count(alert.raw, `"masquerade":true`); n != 2 {
				t.Errorf("%d of the two events say that the name is borrowed: %s", n, alert.raw)
			}
			if test.executable != "" && alert.Process.Executable != test.executable {
				t.Errorf("the executable is %s", alert.Process.Executable)
			}
			if got := strings.Contains(alert.raw, `"mount_namespace":"`); got != test.namespace {
				t.Errorf("a mount namespace is named: %t, want %t: %s", got, test.namespace, alert.raw)
			}
		})
	}
	t.Run("the host's own", func(t *testing.T) { testOwnIsSilent(t, s) })
}

// testOwnIsSilent runs the excluded program itself, also after it was upgraded.
func testOwnIsSilent(t *testing.T, s *runningSensor) {
	before := s.count()
	holdCommand(t, exec.Command(ownProgram, "connect-setsid"))
	upgraded := holdCommand(t, exec.Command(ownProgram, "late-hold"))
	copyFile(t, built.behave, ownProgram)
	if err := upgraded.command.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	time.Sleep(quiet)
	if s.count() != before {
		t.Errorf("%d alerts, the last of %s", s.count()-before, s.alerts[len(s.alerts)-1].raw)
	}
}
