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

// TestNotRoot says one clear sentence and what works without.
func TestNotRoot(t *testing.T) {
	needLive(t)
	unchanged(t)
	for _, name := range []string{"run", "selftest"} {
		command := exec.Command(built.tripline, name)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := command.CombinedOutput()
		if err == nil || strings.Count(string(out), "\n") != 1 ||
			!strings.Contains(string(out), "needs root") || !strings.Contains(string(out), "tripline replay") {
			t.Errorf("%s ended with %v and said:\n%s", name, err, out)
		}
	}
}

// TestFullDisk fills the file system under the alert file: alerts still reach
// standard output, the failure is said, the file keeps whole lines only, and
// what waited is written once there is room.
func TestFullDisk(t *testing.T) {
	needLive(t)
	unchanged(t)
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	filler := filepath.Join(folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 248<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "alerts.ndjson")
	s := startSensor(t, "--alert-file", path, "--config", configured(t, "[evidence]\nenabled = false\n"))
	pids := []int{behave(t, "connect-setsid"), behave(t, "connect-setsid"), behave(t, "connect-setsid")}
	for _, pid := range pids {
		if _, ok := s.alertOf(pid, soon); !ok {
			t.Fatal("no alert on standard output while the disk is full")
		}
	}
	wait(t, "the failure is said", func() bool {
		return strings.Contains(s.log(), "no space left on device") && strings.Contains(s.log(), path)
	})
	if text := readFile(t, path); text != "" && !strings.HasSuffix(text, "\n") {
		t.Errorf("the file ends inside a line: %q", text)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	wait(t, "what waited is written", func() bool { return strings.Count(readFile(t, path), `"kind":"alert"`) == len(pids) })
	s.stop(syscall.SIGTERM)
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wait polls until something is so.
func wait(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", soon, what)
		}
	}
}

// TestClosedPipe ends well, and restores the kernel, when nobody reads standard
// output any more.
func TestClosedPipe(t *testing.T) {
	needLive(t)
	unchanged(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(built.tripline, "run", "--alert-file=", "--selftest")
	command.Stdout = writer
	log := &strings.Builder{}
	command.Stderr = log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close() // ours; the sensor has its own
	_ = reader.Close() // this is the point
	time.Sleep(time.Second)
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if !strings.Contains(log.String(), "broken pipe") {
		t.Errorf("it did not say that standard output is closed:\n%s", log)
	}
}
