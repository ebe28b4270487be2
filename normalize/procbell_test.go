package normalize

import (
	"testing"

	"golang.org/x/sys/unix"
)

// bellOf makes a bell for one end of a pair of sockets and returns what writes to
// the other.
func bellOf(t *testing.T) (bell *procBell, socket int, send func()) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range pair {
			if err := unix.Close(fd); err != nil {
				t.Error(err)
			}
		}
	})
	if bell, err = newProcBell(pair[0]); err != nil {
		t.Fatal(err)
	}
	return bell, pair[0], func() {
		if _, err := unix.Write(pair[1], []byte("fork")); err != nil {
			t.Fatal(err)
		}
	}
}

// rings says whether the bell would wake who watches it.
func (b *procBell) rings(t *testing.T) bool {
	t.Helper()
	count := 0
	var failure error
	err := b.raw.Control(func(fd uintptr) {
		ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		count, failure = unix.Poll(ready, 0)
	})
	if err != nil || failure != nil {
		t.Fatal(err, failure)
	}
	return count > 0
}

func TestBellRingsOnceUntilItIsWaitedForAgain(t *testing.T) {
	bell, socket, send := bellOf(t)
	defer func() { _ = bell.close() }() // only waited for
	send()
	if bell.rings(t) {
		t.Error("it rings before anybody waits")
	}
	if err := bell.wait(); err != nil {
		t.Fatal(err)
	}
	send()
	if bell.rings(t) {
		t.Error("it rings for a second message, which nobody waits for")
	}
	if err := bell.wait(); err != nil { // returns: both messages are still there
		t.Fatal(err)
	}
	for range 2 {
		if _, err := unix.Read(socket, make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
	}
	waited := make(chan error)
	go func() { waited <- bell.wait() }()
	send()
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

func TestBellThatIsClosedEndsWaiting(t *testing.T) {
	bell, _, _ := bellOf(t)
	waited := make(chan error)
	go func() { waited <- bell.wait() }()
	if err := bell.close(); err != nil {
		t.Error(err)
	}
	if err := <-waited; err == nil {
		t.Error("waiting did not end with an error")
	}
}
