package source

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tripline/internal/bell"
)

// waker lets a goroutine wait for file descriptors and others end the wait.
type waker struct {
	fd          int
	bell        *bell.Bell
	brief       int // how many waits in a row were brief
	interrupted atomic.Bool
}

const (
	// briefWait is how long a wait lasts at most that costs less as a plain
	// system call than in the runtime's poller.
	briefWait = 10 * time.Millisecond
	// manyBrief is how many of them in a row make a busy host.
	manyBrief = 32
)

func newWaker() (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	w := &waker{fd: fd}
	if w.bell, err = bell.New(fd); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return w, nil
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
	begin := time.Now()
	long := w.brief < manyBrief && (deadline.IsZero() || deadline.Sub(begin) > briefWait)
	if long {
		ready, woken, err = w.bell.Wait(fd, deadline)
	}
	if !long || err != nil {
		ready, woken, err = w.poll(fd, deadline)
	}
	w.brief++
	if time.Since(begin) > briefWait {
		w.brief = 0
	}
	if woken {
		var count [8]byte
		_, _ = unix.Read(w.fd, count[:]) // emptied, whatever it held
	}
	return ready, woken, err
}

// poll is wait in a system call, for what is over soon and for what only poll(2)
// can wait for, such as a plain file at standard input.
func (w *waker) poll(fd int, deadline time.Time) (ready, woken bool, err error) {
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
	return poll[0].Revents != 0, poll[1].Revents != 0, nil
}

func (w *waker) close() error {
	err := w.bell.Close()
	if failure := unix.Close(w.fd); failure != nil {
		err = errors.Join(err, fmt.Errorf("closing an eventfd: %w", failure))
	}
	return err
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
