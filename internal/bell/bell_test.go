package bell

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// bellOf makes a bell for one end of a pair of sockets and returns what writes to
// the other.
func bellOf(t *testing.T) (bell *Bell, socket int, send func()) {
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
	if bell, err = New(-1); err != nil {
		t.Fatal(err)
	}
	return bell, pair[0], func() {
		if _, err := unix.Write(pair[1], []byte("fork")); err != nil {
			t.Fatal(err)
		}
	}
}

// rings says whether the bell would wake who watches it.
func (b *Bell) rings(t *testing.T) bool {
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
	wait := func() error {
		_, _, err := bell.Wait(socket, time.Time{})
		return err
	}
	defer func() { _ = bell.Close() }() // only waited for
	send()
	if bell.rings(t) {
		t.Error("it rings before anybody waits")
	}
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	send()
	if bell.rings(t) {
		t.Error("it rings for a second message, which nobody waits for")
	}
	if err := wait(); err != nil { // returns: both messages are still there
		t.Fatal(err)
	}
	for range 2 {
		if _, err := unix.Read(socket, make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
	}
	waited := make(chan error)
	go func() { waited <- wait() }()
	send()
	if err := <-waited; err != nil {
		t.Error(err)
	}
}

func TestBellThatIsClosedEndsWaiting(t *testing.T) {
	bell, socket, _ := bellOf(t)
	waited := make(chan error)
	go func() {
		_, _, err := bell.Wait(socket, time.Time{})
		waited <- err
	}()
	if err := bell.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waited; err == nil {
		t.Error("waiting did not end with an error")
	}
}

func TestBellTellsWhoRang(t *testing.T) {
	_, socket, send := bellOf(t)
	standby, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(standby) }() // only read
	bell, err := New(standby)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bell.Close() }() // only waited for
	expect := func(what string, fd int, deadline time.Time, ready, called bool) {
		t.Helper()
		gotReady, gotCalled, err := bell.Wait(fd, deadline)
		if err != nil || gotReady != ready || gotCalled != called {
			t.Errorf("%s: ready %v, called %v, %v", what, gotReady, gotCalled, err)
		}
	}
	soon := func() time.Time { return time.Now().Add(20 * time.Millisecond) }
	expect("nothing there", socket, soon(), false, false)
	send()
	expect("a message", socket, time.Time{}, true, false)
	expect("the message that is still there", socket, soon(), true, false)
	expect("a message that is not waited for", -1, soon(), false, false)
	if _, err := unix.Write(standby, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	expect("called", -1, time.Time{}, false, true)
	expect("called while a message is there", socket, time.Time{}, true, true)
	expect("still called", -1, soon(), false, true)
}

func TestBellKnowsDescriptorsThatAreOpenedAgain(t *testing.T) {
	bell, err := New(-1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bell.Close() }() // only waited for
	for range 3 {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := write.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		if ready, _, err := bell.Wait(int(read.Fd()), time.Time{}); err != nil || !ready {
			t.Errorf("ready %v, %v", ready, err)
		}
		for _, one := range []*os.File{read, write} {
			if err := one.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestBellRefusesPlainFiles(t *testing.T) {
	bell, err := New(-1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bell.Close() }() // only waited for
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }() // empty
	if _, _, err := bell.Wait(int(file.Fd()), time.Time{}); err == nil {
		t.Error("a plain file is waited for")
	}
}
