package source

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// waker lets a goroutine wait for file descriptors and others end the wait.
type waker struct {
	fd          int
	interrupted atomic.Bool
}

func newWaker() (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	return &waker{fd: fd}, nil
}

// interrupt implements Source.Interrupt.
func (w *waker) interrupt() {
	w.interrupted.Store(true)
	w.wake()
}

// wake makes the current or the next wait end at once.
func (w *waker) wake() {
	one := uint64(1)
	// The eventfd can only be full if it was written before, which is as good.
	_, _ = unix.Write(w.fd, (*[8]byte)(unsafe.Pointer(&one))[:])
}

// wait waits until fd has something to read or has ended (ready), the waker is
// woken or the deadline, of which the zero time is none, is past. A negative fd
// is not waited for. It may also return early: callers look again.
func (w *waker) wait(fd int, deadline time.Time) (ready, woken bool, err error) {
	timeout := -1
	if !deadline.IsZero() {
		left := time.Until(deadline)
		timeout = int(max(0, (left+time.Millisecond-1)/time.Millisecond))
	}
	poll := [2]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(w.fd), Events: unix.POLLIN}}
	if _, err := unix.Poll(poll[:], timeout); err != nil {
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOMEM) {
			return false, false, nil
		}
		return false, false, fmt.Errorf("waiting for audit records: %w", err)
	}
	if poll[1].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(w.fd, count[:]) // emptied, whatever it held
		woken = true
	}
	return poll[0].Revents != 0, woken, nil
}

func (w *waker) close() error {
	if err := unix.Close(w.fd); err != nil {
		return fmt.Errorf("closing an eventfd: %w", err)
	}
	return nil
}

// deadlineAfter is the moment at which a wait ends, the zero time for a wait
// below zero, which has no bound.
func deadlineAfter(wait time.Duration) time.Time {
	if wait < 0 {
		return time.Time{}
	}
	return time.Now().Add(wait)
}

// past says whether a deadline is over; the zero time never is.
func past(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

// sooner is the earlier of two deadlines, of which the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
