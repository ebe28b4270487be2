package notify_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tripline/sensor/notify"
)

// listen is a service manager's socket.
func listen(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("NOTIFY_SOCKET", path)
	return socket
}

func receive(t *testing.T, from *net.UnixConn) []string {
	t.Helper()
	if err := from.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 1024)
	n, err := from.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(buffer[:n]), "\n")
}

func TestStatesReachTheManager(t *testing.T) {
	socket := listen(t)
	manager, err := notify.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []struct {
		send func() error
		want []string
	}{
		{func() error { return manager.Ready("watching") }, []string{"READY=1", "STATUS=watching"}},
		{manager.Reloading, []string{"RELOADING=1"}},
		{manager.Alive, []string{"WATCHDOG=1"}},
		{manager.Stopping, []string{"STOPPING=1"}},
	} {
		if err := one.send(); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, socket); strings.Join(got, " ") != strings.Join(one.want, " ") {
			t.Errorf("the manager received %q, not %q", got, one.want)
		}
	}
}

func TestWithoutManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	manager, err := notify.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if manager.Watchdog() != 0 {
		t.Errorf("nobody watches, yet the watchdog's time is %v", manager.Watchdog())
	}
	if err := manager.Ready("watching"); err != nil {
		t.Error(err)
	}
}

func TestManagerThatIsGone(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	manager, err := notify.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.Alive(); err == nil {
		t.Error("a state for a socket that is not there was sent")
	}
}

func TestWatchdogTime(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "30000000")
	for pid, want := range map[string]time.Duration{
		strconv.Itoa(os.Getpid()): 30 * time.Second,
		"1":                       0, // meant for another process
		"":                        30 * time.Second,
	} {
		t.Setenv("WATCHDOG_PID", pid)
		manager, err := notify.FromEnvironment()
		if err != nil {
			t.Fatal(err)
		}
		if got := manager.Watchdog(); got != want {
			t.Errorf("for process %q the watchdog's time is %v, not %v", pid, got, want)
		}
	}
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := notify.FromEnvironment(); err == nil {
		t.Error("a time that is no number was taken")
	}
}
