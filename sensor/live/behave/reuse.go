package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/sensor/selftest/ways"
)

// reuseKinds is how many kinds of processes reuse makes in turn:
// 0 connects and then calls setsid, 1 connects, 2 calls setsid, 3 calls setsid and
// then connects.
const reuseKinds = 4

// reuseInterval is the least time from one process to the next. A fast machine would
// else make so many alerts that whoever reads them falls behind, and use each of 4096
// pids again within the second in which events of processes that cannot be asked are
// joined.
const reuseInterval = 600 * time.Microsecond

// errReuse says that a child could not do what it was to do.
var errReuse = errors.New("a child could not connect or call setsid")

// reuse forks "COUNT,FIRST,RANGE": COUNT short processes one after the other, whose
// pids go from FIRST to FIRST+RANGE-1 again and again, but for those that others
// have. Process i connects to 127.1.0.0 plus i, or calls setsid, or both in one or
// the other order, and ends. It prints "NUMBER KIND PID" for each.
func reuse(argument string) error {
	var count, first, size int
	if _, err := fmt.Sscanf(strings.ReplaceAll(argument, ",", " "), "%d %d %d", &count, &first, &size); err != nil {
		return fmt.Errorf("COUNT,FIRST,RANGE: %w", err)
	}
	last, err := os.OpenFile("/proc/sys/kernel/ns_last_pid", os.O_WRONLY, 0)
	if err != nil {
		return errors.Join(ways.ErrImpossible, err)
	}
	defer last.Close() //nolint:errcheck // the kernel takes what is written at once
	out := bufio.NewWriter(os.Stdout)
	began := time.Now()
	for i, pid := 0, 0; i < count; i++ {
		time.Sleep(time.Until(began.Add(time.Duration(i) * reuseInterval)))
		if pid < first || pid >= first+size-1 {
			if _, err := last.WriteAt([]byte(strconv.Itoa(first-1)), 0); err != nil {
				return err
			}
		}
		address := syscall.RawSockaddrInet4{
			Family: syscall.AF_INET, Port: 9 << 8, // big endian
			Addr: [4]byte{127, byte(i>>16) + 1, byte(i >> 8), byte(i)},
		}
		pid = shortProcess(uintptr(i%reuseKinds), &address)
		switch {
		case pid == -int(syscall.ENOSYS):
			return ways.ErrImpossible
		case pid < 0:
			return fmt.Errorf("clone: %w", syscall.Errno(-pid))
		}
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return err
		}
		if status.ExitStatus() != 0 {
			return fmt.Errorf("process %d of kind %d: status %d: %w", i, i%reuseKinds, status, errReuse)
		}
		fmt.Fprintln(out, i, i%reuseKinds, pid)
	}
	return out.Flush()
}

// processFlood makes COUNT or COUNT@RATE short processes, each of which makes one
// socket, connects it and ends.
func processFlood(argument string) error {
	n, perSecond, err := countAndRate(argument)
	if err != nil {
		return err
	}
	address := &syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: 9 << 8, Addr: [4]byte{127, 0, 0, 1}}
	return inTime(n, perSecond, func() error {
		const connects = 1
		pid := shortProcess(connects, address)
		if pid < 0 {
			return fmt.Errorf("clone: %w", syscall.Errno(-pid))
		}
		var status syscall.WaitStatus
		_, err := syscall.Wait4(pid, &status, 0, nil)
		return err
	})
}
