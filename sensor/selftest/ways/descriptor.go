package ways

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Duplicate makes another descriptor of a socket and closes the first.
func Duplicate(fd int) (int, error) {
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 100)
	if err != nil {
		return -1, fmt.Errorf("duplicating a descriptor: %w", err)
	}
	return other, unix.Close(fd)
}

// Pair makes two Unix sockets that are connected with each other.
func Pair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("making a pair of sockets: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "pair"), os.NewFile(uintptr(fds[1]), "pair"), nil
}

// Send hands a descriptor to whoever receives from the other socket of a pair.
func Send(through *os.File, fd int) error {
	if err := unix.Sendmsg(int(through.Fd()), []byte("s"), unix.UnixRights(fd), nil, 0); err != nil {
		return fmt.Errorf("handing over a descriptor: %w", err)
	}
	return nil
}

// Receive takes the descriptor that was handed over.
func Receive(through int) (int, error) {
	data, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(through, data, control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("taking a descriptor over: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("taking a descriptor over: %d messages, %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.New("taking a descriptor over: none came")
	}
	return fds[0], nil
}
