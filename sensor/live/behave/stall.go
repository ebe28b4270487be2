package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"tripline/auditrules/kernel"
	"tripline/sensor/source"
)

// pace connects a datagram socket over and over for a while, and says how often
// and how long the slowest call took in nanoseconds.
func pace(duration string) error {
	length, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	address := &syscall.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	count, slowest := 0, time.Duration(0)
	for last, end := time.Now(), time.Now().Add(length); last.Before(end); count++ {
		if err := syscall.Connect(fd, address); err != nil {
			return err
		}
		now := time.Now()
		slowest, last = max(slowest, now.Sub(last)), now
	}
	say("calls", strconv.Itoa(count), strconv.FormatInt(int64(slowest), 10))
	return nil
}

// guarded is a receiver on a kernel that is taken for one whose wait time cannot
// be set, with the program's guard over it, until its standard input ends.
func guarded(program string) error {
	client, err := kernel.Open()
	if err != nil {
		return err
	}
	receiver, err := source.OpenKernel(source.KernelOptions{
		Mode: source.Unicast, ReceiveBuffer: 16 << 20, BacklogLimit: 8192, Control: client, Waits: true,
		Guard:  []string{program, source.GuardCommand},
		Notify: func(what string) { fmt.Fprintln(os.Stderr, what) },
	})
	if err != nil {
		return errors.Join(err, client.Close())
	}
	say("receiver")
	go func() {
		linger()
		receiver.Interrupt()
	}()
	for err == nil {
		_, err = receiver.Receive(-1)
	}
	if errors.Is(err, source.ErrInterrupted) {
		err = nil
	}
	return errors.Join(err, receiver.Close(), client.Close())
}
