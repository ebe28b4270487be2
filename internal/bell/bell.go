// Package bell waits for file descriptors in Go's poller, which a goroutine that
// blocks in poll(2) does not use: each end of such a call keeps a thread of the
// runtime awake for tens of milliseconds, which a quiet host pays for.
package bell

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bell rings once when a file descriptor has something to read and is then silent
// until it is waited for again. The runtime's poller, which would be woken by each
// message, watches the Bell instead. One goroutine waits at a time; any may close.
type Bell struct {
	epoll   *os.File
	raw     syscall.RawConn
	standby int // a descriptor that rings for every Wait, -1 for none
}

// New makes a Bell. It also rings while standby has something to read, if that is
// not negative. It does not own the descriptors.
func New(standby int) (*Bell, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(fd))
	}
	b := &Bell{epoll: os.NewFile(uintptr(fd), "bell"), standby: standby}
	if b.raw, err = b.epoll.SyscallConn(); err == nil && standby >= 0 {
		err = b.control(unix.EPOLL_CTL_ADD, standby, unix.EPOLLIN)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("epoll: %w", err), b.epoll.Close())
	}
	return b, nil
}

func (b *Bell) control(operation, fd int, events uint32) error {
	var failure error
	err := b.raw.Control(func(epoll uintptr) {
		event := unix.EpollEvent{Events: events, Fd: int32(fd)}
		failure = unix.EpollCtl(int(epoll), operation, fd, &event)
	})
	return errors.Join(err, failure)
}

// Wait waits until fd has something to read or has ended (ready), standby has
// something to read (called), or the deadline, of which the zero time is none, is
// past: then neither. A negative fd is not waited for. It may return early, and
// fails for what epoll(7) cannot wait for, such as a plain file, and when the Bell
// is closed.
func (b *Bell) Wait(fd int, deadline time.Time) (ready, called bool, err error) {
	if fd >= 0 {
		if err := b.arm(fd); err != nil {
			return false, false, err
		}
	}
	if err := b.epoll.SetReadDeadline(deadline); err != nil {
		return false, false, fmt.Errorf("epoll: %w", err)
	}
	var failure error
	err = b.raw.Read(func(epoll uintptr) bool {
		var rung [2]unix.EpollEvent
		count, err := unix.EpollWait(int(epoll), rung[:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			failure = err
			return true
		}
		for _, one := range rung[:max(0, count)] {
			ready = ready || int(one.Fd) == fd
			called = called || int(one.Fd) == b.standby
		}
		return count > 0
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, false, nil
	}
	if err := errors.Join(err, failure); err != nil {
		return false, false, fmt.Errorf("epoll: %w", err)
	}
	return ready, called, nil
}

// arm lets fd ring once. A descriptor that is new, or was closed since, is not
// known yet.
func (b *Bell) arm(fd int) error {
	err := b.control(unix.EPOLL_CTL_MOD, fd, unix.EPOLLIN|unix.EPOLLONESHOT)
	if errors.Is(err, unix.ENOENT) {
		err = b.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN|unix.EPOLLONESHOT)
	}
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// Close ends waiting.
func (b *Bell) Close() error {
	if err := b.epoll.Close(); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}
