package source

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// omitPair is a socket as a source has it and the other end, at which tests write
// messages as the kernel does.
func omitPair(t *testing.T) (receiver *socket, kernel int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	receiver = newSocket(ends[0])
	if receiver.waker, err = newWaker(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := receiver.close(); err != nil {
			t.Error(err)
		}
		_ = unix.Close(ends[1]) // nothing is in it
	})
	return receiver, ends[1]
}

// arrive sends one message of each type and returns the types that arrive.
func arrive(t *testing.T, receiver *socket, kernel int, types ...uint16) (arrived []uint16) {
	t.Helper()
	for _, one := range types {
		sendAs(t, kernel, one, "audit(1.000:1): ")
	}
	for {
		messages, err := receiver.receive(time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) == 0 {
			return arrived
		}
		for _, one := range messages {
			arrived = append(arrived, one.Type)
		}
	}
}

func TestOmitLeavesTypesOut(t *testing.T) {
	receiver, kernel := omitPair(t)
	all := []uint16{1300, 1306, 1327, 1320, 1305, 5127, 10240}
	for _, omit := range [][]uint16{nil, {1320}, {1320, 1327}, {1300}, nil, nil} {
		if err := receiver.omit(omit); err != nil {
			t.Fatal(err)
		}
		want := slices.DeleteFunc(slices.Clone(all), func(one uint16) bool { return slices.Contains(omit, one) })
		if got := arrive(t, receiver, kernel, all...); !slices.Equal(got, want) {
			t.Errorf("without %v there arrives %v, not %v", omit, got, want)
		}
	}
}

// TestOmitsUntilTheQueueIsEmpty shows that records count as left out as long as those
// wait that came before all were wanted again.
func TestOmitsUntilTheQueueIsEmpty(t *testing.T) {
	receiver, kernel := omitPair(t)
	source := &Kernel{socket: receiver}
	if source.Omits() {
		t.Error("records are left out from the beginning")
	}
	if err := source.Omit(1320); err != nil {
		t.Fatal(err)
	}
	message := make([]byte, 64)
	binary.NativeEndian.PutUint16(message[4:], 1300)
	if _, err := unix.Write(kernel, message); err != nil {
		t.Fatal(err)
	}
	if err := source.Omit(); err != nil {
		t.Fatal(err)
	}
	if messages, err := source.Receive(time.Second); err != nil || len(messages) != 1 || !source.Omits() {
		t.Errorf("%d messages, %v, omits %v: what came before is forgotten", len(messages), err, source.Omits())
	}
	if _, err := source.Receive(0); err != nil || source.Omits() {
		t.Errorf("%v: records count as left out although the queue was empty since", err)
	}
}

func TestOmitTellsOfAKernelThatRefuses(t *testing.T) {
	if err := (&socket{fd: -1}).omit([]uint16{1320}); err == nil {
		t.Error("no error")
	}
}
