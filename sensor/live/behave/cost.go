package main

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// slices is how many equal parts a measurement is made in. The fastest counts:
// what else runs on the machine can only slow a part down.
const slices = 40

// fastest runs work count times in slices and says what one costs in the fastest,
// in picoseconds of the thread's own CPU time.
func fastest(name, count string, work func() error) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	best := time.Duration(1<<63 - 1)
	for range slices {
		began, err := threadTime()
		if err != nil {
			return err
		}
		for range n / slices {
			if err := work(); err != nil {
				return err
			}
		}
		ended, err := threadTime()
		if err != nil {
			return err
		}
		best = min(best, ended-began)
	}
	say(name, strconv.FormatInt(int64(best)*1000/int64(n/slices), 10))
	return nil
}

// threadTime is the CPU time of the calling thread.
func threadTime() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now); err != nil {
		return 0, fmt.Errorf("reading the thread's CPU time: %w", err)
	}
	return time.Duration(now.Nano()), nil
}

// calls makes system calls that no rule is about.
func calls(count string) error {
	return fastest("calls", count, func() error {
		syscall.Getppid()
		return nil
	})
}

// unixConnects connects to a Unix socket that is not there.
func unixConnects(count string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	address := &syscall.SockaddrUnix{Name: "/nonexistent.sock"}
	return fastest("unix connects", count, func() error {
		if err := syscall.Connect(fd, address); !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("connecting to nobody: %w", err)
		}
		return nil
	})
}

// internetSockets makes and closes datagram sockets of IPv4.
func internetSockets(count string) error { return sockets("sockets", syscall.AF_INET, count) }

// unixSockets makes and closes sockets that stay on the host.
func unixSockets(count string) error { return sockets("Unix sockets", syscall.AF_UNIX, count) }

func sockets(name string, family int, count string) error {
	return fastest(name, count, func() error {
		fd, err := syscall.Socket(family, syscall.SOCK_DGRAM, 0)
		if err != nil {
			return fmt.Errorf("making a socket: %w", err)
		}
		return syscall.Close(fd)
	})
}

// tcpConnects opens and closes TCP connections to a listener of its own on
// loopback.
func tcpConnects(count string) error {
	listener, address, err := listenLocally()
	if err != nil {
		return err
	}
	return fastest("tcp", count, func() error { return openAndClose(listener, address) })
}

// tcpByTheClock opens and closes TCP connections as tcpConnects does and says what one
// takes of the time that passes, in the mean of all: what a sensor does with the machine
// beside the process counts too, whenever it does it.
func tcpByTheClock(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	listener, address, err := listenLocally()
	if err != nil {
		return err
	}
	began := time.Now()
	for range n {
		if err := openAndClose(listener, address); err != nil {
			return err
		}
	}
	say("tcp", strconv.FormatInt(int64(time.Since(began))*1000/int64(n), 10))
	return nil
}

// listenLocally listens for TCP connections on loopback.
func listenLocally() (listener int, address syscall.Sockaddr, err error) {
	listener, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, nil, err
	}
	if err := syscall.Bind(listener, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, nil, err
	}
	if err := syscall.Listen(listener, 16); err != nil {
		return 0, nil, err
	}
	address, err = syscall.Getsockname(listener)
	return listener, address, err
}

// openAndClose makes one connection. The client resets it when it closes, so that
// no port stays taken.
func openAndClose(listener int, address syscall.Sockaddr) error {
	client, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	if err := syscall.SetsockoptLinger(client, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := syscall.Connect(client, address); err != nil {
		return err
	}
	server, _, err := syscall.Accept(listener)
	if err != nil {
		return err
	}
	return errors.Join(syscall.Close(client), syscall.Close(server))
}
