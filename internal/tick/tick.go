// Package tick is time.Ticker for what happens every few seconds on a host where nothing
// else does. The runtime's own timers are late by up to a thousandth of what is waited
// for, which is how exactly epoll_wait(2) waits (fs/select.c: select_estimate_accuracy),
// and its watching thread, which wakes in time, looks for the poller ten times a
// millisecond until then. A timer of the kernel's wakes the poller in time.
package tick

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Ticker ticks on C, which holds one tick at most. It needs timerfd_create(2),
// Linux 2.6.25, and is a time.Ticker where that fails.
type Ticker struct {
	C <-chan time.Time

	timer    *os.File     // nil where there is none of the kernel's
	fallback *time.Ticker // then
	reads    sync.WaitGroup
}

// New makes a Ticker of an interval above zero. Stop ends it.
func New(interval time.Duration) *Ticker {
	timer, err := kernelTimer(interval)
	if err != nil {
		fallback := time.NewTicker(interval)
		return &Ticker{C: fallback.C, fallback: fallback}
	}
	ticks := make(chan time.Time, 1)
	t := &Ticker{C: ticks, timer: timer}
	t.reads.Go(func() {
		for count := make([]byte, 8); ; {
			if _, err := timer.Read(count); err != nil {
				return // it was closed
			}
			select {
			case ticks <- time.Now():
			default:
			}
		}
	})
	return t
}

// kernelTimer is a file that has something to read when a tick is due.
func kernelTimer(interval time.Duration) (*os.File, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	every := unix.NsecToTimespec(int64(interval))
	if err := unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{Interval: every, Value: every}, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("timerfd_settime: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "timer"), nil
}

// Stop ends the ticks. It does not close C.
func (t *Ticker) Stop() {
	if t.fallback != nil {
		t.fallback.Stop()
		return
	}
	_ = t.timer.Close() // it was only read; closed twice it is an error that says nothing
	t.reads.Wait()
}
