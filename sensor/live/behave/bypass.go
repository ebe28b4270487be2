package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lateConnectSetsid waits for the end of standard input before it acts, so that
// it is a process that existed before whatever the caller does meanwhile.
func lateConnectSetsid(address string) error {
	say("waiting")
	buffer := make([]byte, 1)
	_, _ = os.Stdin.Read(buffer) // the end is what is awaited
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	return setsid()
}

// lateHoldSetsid waits for SIGUSR1 before it acts, and lingers after it.
func lateHoldSetsid(address string) error {
	awaited := make(chan os.Signal, 1)
	signal.Notify(awaited, unix.SIGUSR1)
	say("waiting")
	<-awaited
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	linger()
	return nil
}

// discard is where the ways around connect(2) go: the port 9 of loopback, where
// nothing listens.
func discard() unix.RawSockaddrInet4 {
	return unix.RawSockaddrInet4{Family: unix.AF_INET, Port: 9 << 8, Addr: [4]byte{127, 0, 0, 1}}
}

// fastOpenSetsid connects by sending with MSG_FASTOPEN, through the named system
// call, and then calls setsid.
func fastOpenSetsid(call string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	to, data := discard(), []byte("x")
	part := unix.Iovec{Base: &data[0]}
	part.SetLen(len(data))
	message := struct {
		header unix.Msghdr
		sent   uint32
		_      [4]byte
	}{header: unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to)), Namelen: unix.SizeofSockaddrInet4, Iov: &part}}
	message.header.SetIovlen(1)
	var errno unix.Errno
	switch call {
	case "sendto":
		_, _, errno = unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), 1,
			unix.MSG_FASTOPEN, uintptr(unsafe.Pointer(&to)), unix.SizeofSockaddrInet4)
	case "sendmsg":
		_, _, errno = unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message.header)), unix.MSG_FASTOPEN)
	case "sendmmsg":
		_, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), 1, unix.MSG_FASTOPEN, 0, 0)
	default:
		return fmt.Errorf("fast open is by sendto, sendmsg or sendmmsg, not %q", call)
	}
	// A kernel without fast open sees a send on a socket that is not connected.
	if errno != unix.ECONNREFUSED && errno != 0 {
		return fmt.Errorf("%w: %s with MSG_FASTOPEN: %w", errNoSuchWay, call, error(errno))
	}
	if err := setsid(); err != nil {
		return err
	}
	say(call, "with MSG_FASTOPEN, setsid")
	return nil
}

// ignoreRefused passes over the one failure that is expected of a connect.
func ignoreRefused(errno unix.Errno) error {
	if errno == 0 || errors.Is(errno, unix.ECONNREFUSED) {
		return nil
	}
	return errno
}
