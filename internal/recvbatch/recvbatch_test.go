package recvbatch

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is a socket to receive from and the one to write to.
func pair(t *testing.T) (from, to int) {
	t.Helper()
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, end := range ends {
			_ = unix.Close(end) // nothing is in it
		}
	})
	return ends[0], ends[1]
}

// TestBatch receives more messages than there are slots, one of them longer than a
// slot, with and without recvmmsg(2).
func TestBatch(t *testing.T) {
	for name, one := range map[string]bool{"many with a call": false, "one with a call": true} {
		t.Run(name, func(t *testing.T) {
			from, to := pair(t)
			b := New(4, 8)
			b.one = one
			sent := []string{"a", "bc", strings.Repeat("x", 20), "", "d", "12345678"}
			for _, message := range sent {
				if _, err := unix.Write(to, []byte(message)); err != nil {
					t.Fatal(err)
				}
			}
			var got []Message
			for {
				n, err := b.Receive(from)
				if errors.Is(err, unix.EAGAIN) {
					break
				}
				if err != nil || n == 0 || one && n != 1 {
					t.Fatal(n, err)
				}
				for slot := range n {
					message := b.Message(slot)
					message.Data = append([]byte(nil), message.Data...)
					got = append(got, message)
				}
			}
			if len(got) != len(sent) {
				t.Fatalf("%d messages of %d", len(got), len(sent))
			}
			for i, message := range got {
				want := sent[i][:min(len(sent[i]), 8)]
				if string(message.Data) != want || message.Truncated != (len(sent[i]) > 8) || message.Sender != 0 {
					t.Errorf("message %d is %+v, want %q", i, message, want)
				}
			}
		})
	}
}

// TestNetlinkSender has the port of who wrote.
func TestNetlinkSender(t *testing.T) {
	for name, one := range map[string]bool{"many with a call": false, "one with a call": true} {
		t.Run(name, func(t *testing.T) {
			var fds [2]int
			var ports [2]uint32
			for i := range fds {
				fds[i], ports[i] = netlink(t, unix.NETLINK_USERSOCK)
			}
			if err := unix.Sendto(fds[1], []byte(strconv.Itoa(1)), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: ports[0]}); err != nil {
				t.Fatal(err)
			}
			b := New(4, 64)
			b.one = one
			if n, err := b.Receive(fds[0]); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if got := b.Message(0).Sender; got != ports[1] {
				t.Errorf("it is from port %d, not %d", got, ports[1])
			}
		})
	}
}

// netlink opens a bound netlink socket and says its port.
func netlink(t *testing.T, protocol int) (fd int, port uint32) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) }) // nothing is in it
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	own, ok := name.(*unix.SockaddrNetlink)
	if !ok {
		t.Fatalf("the socket's name is %T", name)
	}
	return fd, own.Pid
}

// TestFromKernel has the kernel's messages and refuses those of others.
func TestFromKernel(t *testing.T) {
	for name, one := range map[string]bool{"many with a call": false, "one with a call": true} {
		t.Run(name, func(t *testing.T) {
			b := New(4, 4096)
			b.one = one
			fd, port := netlink(t, unix.NETLINK_ROUTE)
			if err := b.FromKernel(fd); err != nil {
				t.Fatal(err)
			}
			other, _ := netlink(t, unix.NETLINK_ROUTE)
			to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: port}
			if err := unix.Sendto(other, make([]byte, 32), 0, to); !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EPERM) {
				t.Errorf("what another sends: %v", err)
			}
			if _, err := b.Receive(fd); !errors.Is(err, unix.EAGAIN) {
				t.Errorf("received from another: %v", err)
			}
			request := make([]byte, unix.NLMSG_HDRLEN) // of a type that there is not, which is answered with an error
			binary.NativeEndian.PutUint32(request, unix.NLMSG_HDRLEN)
			binary.NativeEndian.PutUint16(request[4:], 0xfff0)
			binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK)
			if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
				t.Fatal(err)
			}
			n, err := b.Receive(fd)
			if n != 1 || err != nil {
				t.Fatal(n, err)
			}
			if got := b.Message(0); got.Sender != 0 || len(got.Data) < unix.NLMSG_HDRLEN || got.Truncated {
				t.Errorf("the kernel's answer is %+v", got)
			}
		})
	}
}

func TestReceiveDoesNotAllocate(t *testing.T) {
	from, to := pair(t)
	b := New(4, 64)
	message := []byte("message")
	if got := testing.AllocsPerRun(100, func() {
		_, _ = unix.Write(to, message) // seen by what is received
		if n, _ := b.Receive(from); n != 1 || len(b.Message(0).Data) != len(message) {
			t.Error("not received")
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
