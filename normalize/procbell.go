package normalize

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// procBell rings once when a socket has something to read and is then silent until
// it is waited for again. The runtime's poller would be woken by each message, and
// this one is what it watches instead.
type procBell struct {
	socket int
	epoll  *os.File
	raw    syscall.RawConn
}

func newProcBell(socket int) (*procBell, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	b := &procBell{socket: socket, epoll: os.NewFile(uintptr(fd), "bell")}
	if b.raw, err = b.epoll.SyscallConn(); err == nil {
		err = b.arm(unix.EPOLL_CTL_ADD, 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), b.epoll.Close())
	}
	return b, nil
}

// arm says for what the bell rings.
func (b *procBell) arm(operation int, events uint32) error {
	var failure error
	err := b.raw.Control(func(fd uintptr) {
		event := unix.EpollEvent{Events: events | unix.EPOLLONESHOT, Fd: int32(b.socket)}
		failure = unix.EpollCtl(int(fd), operation, b.socket, &event)
	})
	return errors.Join(err, failure)
}

// wait waits until the socket has something to read; it fails when the bell is
// closed.
func (b *procBell) wait() error {
	if err := b.arm(unix.EPOLL_CTL_MOD, unix.EPOLLIN); err != nil {
		return err
	}
	return b.raw.Read(func(fd uintptr) bool { //nolint:wrapcheck // it is told to nobody
		var rung [1]unix.EpollEvent
		count, err := unix.EpollWait(int(fd), rung[:], 0)
		return count > 0 || err != nil && !errors.Is(err, unix.EINTR)
	})
}

// close ends waiting.
func (b *procBell) close() error {
	if err := b.epoll.Close(); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}
