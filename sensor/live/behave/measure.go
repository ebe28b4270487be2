package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	libaudit "github.com/elastic/go-libaudit/v2"

	"tripline/auditrules/kernel"
)

// flood connects a datagram socket that many times, as fast as it can, and says
// how long it took in nanoseconds.
func flood(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	address := &syscall.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	began := time.Now()
	for range n {
		if err := syscall.Connect(fd, address); err != nil {
			return err
		}
	}
	say("flood", strconv.FormatInt(int64(time.Since(began)), 10))
	return nil
}

// naiveLoop is the floor that benchmarks compare with: an audit daemon that
// receives one record with each recvfrom(2) and throws it away.
func naiveLoop(string) error {
	fd, err := becomeDaemon()
	if err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0) // the kernel notices; the caller restores what it set
	}()
	buffer := make([]byte, 9216)
	for {
		if _, _, err := syscall.Recvfrom(fd, buffer, 0); err != nil && !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ENOBUFS) {
			return err
		}
	}
}

// holdSocket is an audit daemon that keeps the socket until its standard input
// ends and then gives it up.
func holdSocket(string) error {
	fd, err := becomeDaemon()
	if err != nil {
		return err
	}
	go func() {
		buffer := make([]byte, 9216)
		for {
			if _, _, err := syscall.Recvfrom(fd, buffer, 0); err != nil && !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ENOBUFS) {
				return
			}
		}
	}()
	buffer := make([]byte, 1)
	_, _ = os.Stdin.Read(buffer) // the end is what is awaited
	return register(fd, 0)
}

// becomeDaemon opens an audit socket with a large buffer and registers it.
func becomeDaemon() (int, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_AUDIT)
	if err != nil {
		return -1, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 16<<20); err != nil {
		return -1, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return -1, err
	}
	if err := register(fd, uint32(os.Getpid())); err != nil {
		return -1, fmt.Errorf("registering as the audit daemon: %w", err)
	}
	say("daemon")
	return fd, nil
}

func register(fd int, pid uint32) error {
	status := kernel.EncodeStatus(libaudit.AuditStatus{Mask: libaudit.AuditStatusPID, PID: pid})
	request := kernel.Encode(syscall.NlMsghdr{Type: libaudit.AuditSet, Flags: syscall.NLM_F_REQUEST, Seq: 1}, status)
	return syscall.Sendto(fd, request, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
}
