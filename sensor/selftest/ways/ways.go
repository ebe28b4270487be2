// Package ways has the ways in which a process can connect, detach and hide what
// it is, down to the system call. The self-test and the live tests perform them;
// nothing of it leaves loopback.
//
// What a way changes of its process or thread stays changed: callers are
// processes of their own that end afterwards.
package ways

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ErrImpossible says that this machine or its kernel does not offer a way, so
// that nobody can use it here either.
var ErrImpossible = errors.New("not possible here")

// Discard4 is the discard service of loopback, where as a rule nothing listens:
// an attempt counts whatever comes of it.
func Discard4() netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:9") }

// Discard6 is Discard4 by IPv6.
func Discard6() netip.AddrPort { return netip.MustParseAddrPort("[::1]:9") }

// DiscardMapped is Discard4 as an IPv6 socket can name it.
func DiscardMapped() netip.AddrPort { return netip.MustParseAddrPort("[::ffff:127.0.0.1]:9") }

// Socket makes a socket for an address; kind is SOCK_STREAM or SOCK_DGRAM with
// flags. It is closed on exec.
func Socket(kind int, to netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if !to.Addr().Is4() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return -1, fmt.Errorf("%w: the kernel has no IPv6", ErrImpossible)
	}
	if err != nil {
		return -1, fmt.Errorf("making a socket: %w", err)
	}
	return fd, nil
}

// Attempt connects a socket and returns what the kernel said to it, 0 for yes.
func Attempt(fd int, to netip.AddrPort) unix.Errno {
	address := unix.Sockaddr(&unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		address = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	var errno unix.Errno
	if err := unix.Connect(fd, address); err != nil && !errors.As(err, &errno) {
		return unix.EINVAL
	}
	return errno
}

// Connect attempts one connection with a new socket, which it leaves open so
// that it can be asked what it is.
func Connect(kind int, to netip.AddrPort) (fd int, result unix.Errno, err error) {
	fd, err = Socket(kind, to)
	if err != nil {
		return -1, 0, err
	}
	return fd, Attempt(fd, to), nil
}

// Listen opens a listener on a free port of 127.0.0.1.
func Listen() (netip.AddrPort, error) {
	loopback := netip.AddrPortFrom(Discard4().Addr(), 0)
	fd, err := Socket(unix.SOCK_STREAM, loopback)
	if err != nil {
		return loopback, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback.Addr().As4()}); err != nil {
		return loopback, fmt.Errorf("binding a listener to loopback: %w", err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		return loopback, fmt.Errorf("listening on loopback: %w", err)
	}
	name, err := unix.Getsockname(fd)
	bound, ok := name.(*unix.SockaddrInet4)
	if err != nil || !ok {
		return loopback, fmt.Errorf("asking for a listener's port: %w", err)
	}
	return netip.AddrPortFrom(loopback.Addr(), uint16(bound.Port)), nil
}

// Unix connects to a path of the file system at which no socket is.
func Unix() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a Unix socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: "/nonexistent/tripline.sock"}); err == nil {
		return errors.New("there is a listener at /nonexistent/tripline.sock")
	}
	return nil
}

// Setsid makes the process the leader of a session by the system call itself.
func Setsid() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0); errno != 0 {
		return fmt.Errorf("setsid: %w", errno)
	}
	return nil
}

// SetsidRefused makes the process the leader of a process group, to which setsid
// is refused, and sees that it is.
func SetsidRefused() error {
	if err := unix.Setpgid(0, 0); err != nil {
		return fmt.Errorf("becoming a process group leader: %w", err)
	}
	if err := Setsid(); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("setsid was not refused with EPERM: %w", err)
	}
	return nil
}

// rawDiscard is Discard4 as the kernel reads it.
func rawDiscard() unix.RawSockaddrInet4 {
	return unix.RawSockaddrInet4{Family: unix.AF_INET, Port: 9 << 8, Addr: [4]byte{127, 0, 0, 1}}
}

// ignoreRefused passes over the one failure that is expected of a connect.
func ignoreRefused(errno unix.Errno) error {
	if errno == 0 || errors.Is(errno, unix.ECONNREFUSED) {
		return nil
	}
	return errno
}
