package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// connect attempts one connection, does not mind how it ends, and closes the
// socket.
func connect(kind int, address string) error {
	fd, err := attempt(kind, address)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}

// attempt is connect that leaves the socket open.
func attempt(kind int, address string) (int, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return -1, err
	}
	family, socketAddress := syscall.AF_INET6, syscall.Sockaddr(&syscall.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()})
	if to.Addr().Is4() {
		family, socketAddress = syscall.AF_INET, &syscall.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	fd, err := syscall.Socket(family, kind, 0)
	if err != nil {
		return -1, err
	}
	_ = syscall.Connect(fd, socketAddress) // refused is as good as accepted
	return fd, nil
}

func setsid() error {
	_, err := syscall.Setsid()
	return err
}

func connectSetsid(address string) error {
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	before := time.Now()
	if err := setsid(); err != nil {
		return err
	}
	say("connect", address, "setsid", strconv.FormatInt(before.UnixNano(), 10))
	linger()
	return nil
}

// awaitConnectSetsid says that it is ready, and once it reads a byte it connects and calls
// setsid, and does nothing more that would need the processor until its standard input
// ends. Then it says when it called setsid.
func awaitConnectSetsid(address string) error {
	say("ready")
	buffer := make([]byte, 1)
	if _, err := os.Stdin.Read(buffer); err != nil {
		return fmt.Errorf("awaiting a byte: %w", err)
	}
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	before := time.Now()
	if err := setsid(); err != nil {
		return err
	}
	_, _ = os.Stdin.Read(buffer) // the end is what is awaited
	say("connect", address, "setsid", strconv.FormatInt(before.UnixNano(), 10))
	return nil
}

// connectHoldSetsid connects, says so, and calls setsid when its standard input
// ends.
func connectHoldSetsid(address string) error {
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	say("connect", address)
	linger()
	return setsid()
}

// connectOpenSetsid keeps its connection open, and gives others the time to look at
// it before it calls setsid.
func connectOpenSetsid(address string) error {
	if _, err := attempt(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	if err := setsid(); err != nil {
		return err
	}
	say("connect", address, "setsid with the connection open")
	linger()
	return nil
}

func nonblockingSetsid(address string) error {
	if err := connect(syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, address); err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	say("connect without blocking", address, "setsid")
	linger()
	return nil
}

// threadSetsid connects in a thread and calls setsid in the leader.
func threadSetsid(address string) error {
	done := make(chan error)
	go func() { done <- connect(syscall.SOCK_STREAM, address) }()
	if err := <-done; err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	say("connect in a thread", address, "setsid in the leader")
	linger()
	return nil
}

func setsidConnect(address string) error {
	if err := setsid(); err != nil {
		return err
	}
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	say("setsid, then connect", address)
	linger()
	return nil
}

func connectWaitSetsid(wait string) error {
	duration, err := time.ParseDuration(wait)
	if err != nil {
		return err
	}
	if err := connect(syscall.SOCK_STREAM, "127.0.0.1:9"); err != nil {
		return err
	}
	time.Sleep(duration)
	if err := setsid(); err != nil {
		return err
	}
	say("connect, wait", wait, "setsid")
	return nil
}

// connectForkSetsid connects and leaves setsid to a child.
func connectForkSetsid(address string) error {
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	child := exec.Command("/proc/self/exe", "setsid")
	if out, err := child.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	say("connect", address, "child: setsid")
	return nil
}

func setsidAlone(string) error {
	if err := setsid(); err != nil {
		return err
	}
	say("setsid")
	return nil
}

// connectFailedSetsid becomes a process group leader first, so that setsid is
// refused.
func connectFailedSetsid(address string) error {
	if err := syscall.Setpgid(0, 0); err != nil {
		return err
	}
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	if err := setsid(); !errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("setsid was not refused with EPERM: %w", err)
	}
	say("connect", address, "setsid refused")
	return nil
}

func unixSetsid(path string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	_ = syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) // nothing listens there
	if err := setsid(); err != nil {
		return err
	}
	say("connect", path, "setsid")
	return nil
}

// udpSetsid keeps the socket open: once it is closed, nobody can tell what it
// was.
func udpSetsid(address string) error {
	if _, err := attempt(syscall.SOCK_DGRAM, address); err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	say("connect a datagram socket", address, "setsid")
	linger()
	return nil
}

// udpProbeSetsid does what getaddrinfo(3) does to order addresses: it connects a
// datagram socket and closes it at once.
func udpProbeSetsid(address string) error {
	if err := connect(syscall.SOCK_DGRAM, address); err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	say("connect and close a datagram socket", address, "setsid")
	linger()
	return nil
}

// udpThenTCPSetsid connects a stream socket on the descriptor that a datagram
// socket had before it, and closes it at once.
func udpThenTCPSetsid(address string) error {
	if err := connect(syscall.SOCK_DGRAM, address); err != nil {
		return err
	}
	return connectSetsid(address)
}

// many runs that many children at once: two of three show the behaviour, the
// third does it in the wrong order.
func many(count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	failures := make([]error, n)
	for i := range n {
		name := "connect-setsid"
		if i%3 == 2 {
			name = "setsid-connect"
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			failures[i] = exec.Command("/proc/self/exe", name).Run()
		}()
	}
	wait.Wait()
	say("ran", count, "at once")
	return errors.Join(failures...)
}

// load connects from a few processes' worth of threads for a while.
func load(duration string) error {
	length, err := time.ParseDuration(duration)
	if err != nil {
		return err
	}
	fmt.Println(os.Getpid(), "loading")
	for end := time.Now().Add(length); time.Now().Before(end); {
		if err := connect(syscall.SOCK_STREAM, "127.0.0.1:9"); err != nil {
			return err
		}
	}
	return nil
}
