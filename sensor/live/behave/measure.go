package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	libaudit "github.com/elastic/go-libaudit/v2"

	"tripline/auditrules/kernel"
)

// flood connects a datagram socket COUNT times, as fast as it can or, with
// COUNT@RATE, that often a second, and says how long it took in nanoseconds.
func flood(argument string) error {
	n, perSecond, err := countAndRate(argument)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	address := &syscall.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	return inTime(n, perSecond, func() error { return syscall.Connect(fd, address) })
}

// tcpFlood is flood for stream sockets, each of which is made, refused by loopback
// and closed.
func tcpFlood(argument string) error {
	n, perSecond, err := countAndRate(argument)
	if err != nil {
		return err
	}
	address := &syscall.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
	return inTime(n, perSecond, func() error {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := syscall.Connect(fd, address); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		return syscall.Close(fd)
	})
}

// countAndRate reads COUNT or COUNT@RATE; without a rate it is 0.
func countAndRate(argument string) (count, perSecond int, err error) {
	text, rate, paced := strings.Cut(argument, "@")
	if count, err = strconv.Atoi(text); err != nil || !paced {
		return count, 0, err
	}
	perSecond, err = strconv.Atoi(rate)
	return count, perSecond, err
}

// inTime does something that often, in every millisecond its share of what a second
// shall have, and says how long it took, in nanoseconds, or at SIGTERM how often it
// was done. What it comes to be late by because the
// machine is busy it does not make up for, which would be a flood at full speed.
func inTime(n, perSecond int, do func() error) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	began := time.Now()
	next := began
	for done := range n {
		if len(ended) > 0 {
			say("made", strconv.Itoa(done))
			return nil
		}
		if perSecond > 0 && done%max(1, perSecond/1000) == 0 {
			if left := time.Until(next); left > 0 {
				time.Sleep(left)
			} else {
				next = next.Add(-left)
			}
			next = next.Add(max(time.Millisecond, time.Second/time.Duration(perSecond)))
		}
		if err := do(); err != nil {
			return err
		}
	}
	say("flood", strconv.FormatInt(int64(time.Since(began)), 10))
	return nil
}

// naiveLoop is the floor that benchmarks compare with: an audit daemon that
// receives one record with each recvfrom(2) and throws it away.
func naiveLoop(string) error { return receiveOneByOne(func([]byte) {}) }

// naiveTimes is naiveLoop that says when it received the record of a setsid, and of
// which process.
func naiveTimes(string) error {
	return receiveOneByOne(func(record []byte) {
		_, after, found := bytes.Cut(record, []byte(" syscall="+strconv.Itoa(syscall.SYS_SETSID)+" "))
		if !found {
			return
		}
		received := time.Now().UnixNano()
		if _, after, found = bytes.Cut(after, []byte(" pid=")); found {
			pid, _, _ := bytes.Cut(after, []byte(" "))
			fmt.Println(string(pid), received)
		}
	})
}

// receiveOneByOne is an audit daemon.
func receiveOneByOne(take func(record []byte)) error {
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
		n, _, err := syscall.Recvfrom(fd, buffer, 0)
		if err != nil && !errors.Is(err, syscall.EINTR) && !errors.Is(err, syscall.ENOBUFS) {
			return err
		}
		take(buffer[:max(n, 0)])
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
