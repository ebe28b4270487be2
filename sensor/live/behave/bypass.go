package main

import (
	"os"
	"os/signal"
	"syscall"

	"tripline/sensor/selftest/ways"
)

// lateConnectSetsid waits for the end of standard input before it acts, so that
// it is a process that existed before whatever the caller does meanwhile.
func lateConnectSetsid(address string) error {
	say("waiting")
	buffer := make([]byte, 1)
	_, _ = os.Stdin.Read(buffer) // the end is what is awaited
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	return setsid()
}

// lateHoldSetsid waits for SIGUSR1 before it acts, and lingers after it.
func lateHoldSetsid(address string) error {
	awaited := make(chan os.Signal, 1)
	signal.Notify(awaited, syscall.SIGUSR1)
	say("waiting")
	<-awaited
	if err := connect(syscall.SOCK_STREAM, address); err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	linger()
	return nil
}

// fastOpenSetsid connects by sending with MSG_FASTOPEN, through the named system
// call, and then calls setsid.
func fastOpenSetsid(call string) error {
	return thenSetsid(ways.FastOpen(call), call, "with MSG_FASTOPEN")
}

// ioUringSetsid connects through io_uring and then calls setsid.
func ioUringSetsid(way string) error {
	return thenSetsid(ways.IOUring(way), "io_uring connect", way)
}

func thenSetsid(err error, did ...string) error {
	if err != nil {
		return err
	}
	if err := setsid(); err != nil {
		return err
	}
	say(append(did, "setsid")...)
	return nil
}

// int80Setsid connects and calls setsid by 32-bit calls of a 64-bit program.
func int80Setsid(way string) error {
	if err := ways.Int80(way); err != nil {
		return err
	}
	say("int 0x80", way, "setsid")
	return nil
}

// x32Setsid connects and calls setsid by x32 calls.
func x32Setsid(string) error {
	if err := ways.X32(); err != nil {
		return err
	}
	say("x32 connect setsid")
	return nil
}
