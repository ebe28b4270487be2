package live

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/config"
	"tripline/sensor"
)

// recording is one log under testdata/: what is performed while it is recorded.
type recording struct {
	name, note string
	alerts     int
	perform    func(t *testing.T)
}

func recordings() []recording {
	run := func(args ...string) func(*testing.T) {
		return func(t *testing.T) { behave(t, args...) }
	}
	return []recording{
		{"positive", "connect to a closed port on loopback, then setsid, one process", 1, run("connect-setsid")},
		{"positive-python", "a Python one-liner: connect_ex, then os.setsid", 1, func(t *testing.T) {
			perform(t, exec.Command("python3", "-c", `import os, socket
s = socket.socket(); s.connect_ex(("127.0.0.1", 9)); os.setsid()`))
		}},
		{"positive-bash", "bash opens /dev/tcp to a listener, then exec of setsid(1): the same process", 1, func(t *testing.T) {
			command := exec.Command("bash", "-c", `exec 3<>/dev/tcp/127.0.0.1/9; exec setsid true`)
			listen(t, command)
			perform(t, command)
		}},
		{"ipv6", "connect to ::1, then setsid", 1, run("connect-setsid", "[::1]:9")},
		{"nonblocking", "a connect that does not block, then setsid", 1, run("nonblocking-setsid")},
		{"thread", "a thread connects, the thread group's leader calls setsid", 1, run("thread-setsid")},
		{"many", "40 processes at once: of three, two show the behaviour, one does it in the wrong order", 27, run("many", "40")},
		{"reversed", "setsid, then connect", 0, run("setsid-connect")},
		{"over-a-minute", "connect, 61 seconds, setsid", 0, run("connect-wait", "61s")},
		{"other-process", "the parent connects, its child calls setsid", 0, run("connect-fork")},
		{"not-root", "the behaviour, by user 65534", 0, func(t *testing.T) {
			command := exec.Command(built.behave, "connect-setsid")
			command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			perform(t, command)
		}},
		{"sshd", "the behaviour, by a program whose path is /usr/sbin/sshd", 0, func(t *testing.T) {
			perform(t, chrooted(t, "/usr/sbin/sshd", "connect-setsid"))
		}},
		{"failed-setsid", "connect, then setsid by a process group leader: refused", 0, run("connect-failed")},
		{"unix", "connect to a path (AF_UNIX), then setsid", 0, run("unix-setsid")},
	}
}

// TestRecord records the logs of testdata/ anew, with -record. It also runs, on
// a few of them, without it: what is recorded now must replay as the checked-in
// log does.
func TestRecord(t *testing.T) {
	needLive(t)
	unchanged(t)
	folder := "../../testdata"
	for _, r := range recordings() {
		t.Run(r.name, func(t *testing.T) {
			if !*record {
				if r.name == "over-a-minute" && os.Getenv("CI") != "true" {
					t.Skip("takes a minute; runs with -record and with CI=true")
				}
				folder = t.TempDir()
			}
			path := filepath.Join(folder, r.name+".log")
			text := recordWhile(t, func() { r.perform(t) })
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(built.tripline, "replay", path).Output()
			if err != nil {
				t.Fatal(err)
			}
			if alerts := strings.Count(string(out), "\n"); alerts != r.alerts {
				t.Errorf("%d alerts, want %d, of this log:\n%s", alerts, r.alerts, text)
			}
			if *record {
				writeNote(t, strings.TrimSuffix(path, ".log")+".md", r)
			}
		})
	}
}

// writeNote says beside a recorded log how it was recorded.
func writeNote(t *testing.T, path string, r recording) {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	machine, err := exec.Command("uname", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	note := fmt.Sprintf("# %s\n\n- What was done: %s.\n- Kernel: Linux %s, %s.\n- Recorded with: `go test ./sensor/live -run TestRecord/%s -record` (as root).\n- Alerts by the shipped rule: %d.\n",
		r.name, r.note, strings.TrimSpace(string(release)), strings.TrimSpace(string(machine)), r.name, r.alerts)
	if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
}

// recordWhile captures the records of every user's connects and session changes
// while something is performed, and returns them as a log.
func recordWhile(t *testing.T, during func()) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended, ready := make(chan error, 1), make(chan struct{})
	plan := foreignPlan(t, "tripline")
	go func() {
		_, err := sensor.Capture(ctx, sensor.Options{Config: config.Default()}, plan, writer, func() { close(ready) })
		_ = writer.Close() // the reader sees the end
		ended <- err
	}()
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(reader) // a pipe of our own
		text <- string(all)
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the recording ended: %v", err)
	}
	during()
	time.Sleep(300 * time.Millisecond)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return <-text
}
