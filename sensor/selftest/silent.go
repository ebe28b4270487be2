package selftest

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"tripline/sensor/selftest/ways"
)

// silent are what is not the behaviour, however much it looks like it.
func silent() []Technique {
	all := []Technique{
		{Name: "other-process", What: "one process connects, another calls setsid", run: func(s *stage) error {
			return inTurn(s.playing(partConnect), s.playing(partSetsid))
		}},
		{Name: "child", What: "a process connects, its child calls setsid", run: func(s *stage) error {
			return inTurn(connect4, s.playing(partSetsid))
		}},
		{Name: "child-vfork", What: "a process connects, its child calls setsid before it executes a program", run: func(s *stage) error {
			return inTurn(connect4, func() error { return s.alone(partConnect, &syscall.SysProcAttr{Setsid: true}) })
		}},
		{Name: "parent", What: "a child connects, its parent calls setsid", run: func(s *stage) error {
			return inTurn(s.playing(partConnect), ways.Setsid)
		}},
		{Name: "reversed", What: "setsid, then connect", run: func(*stage) error {
			return inTurn(ways.Setsid, connect4)
		}},
		{Name: "udp", What: "connect a UDP socket, then setsid", run: func(*stage) error {
			return connectAs(syscall.SOCK_DGRAM, ways.Discard4(), 0)
		}},
		{Name: "unix", What: "connect a Unix socket, then setsid", run: func(*stage) error {
			return inTurn(ways.Unix, ways.Setsid)
		}},
		{Name: "setsid-refused", What: "connect, then setsid that is refused", run: func(*stage) error {
			return inTurn(connect4, ways.SetsidRefused)
		}},
		{Name: "other-user", What: "another user connects and calls setsid", folder: true, run: func(s *stage) error {
			return s.asUser(partConnectSetsid, 0o755, asNobody())
		}},
		{Name: "userns-root", What: "root of a user namespace, another user to the host, connects and calls setsid", folder: true, run: func(s *stage) error {
			return s.asUser(partConnectSetsid, 0o755, asRootOfNobody())
		}},
		{Name: "pid-reused", What: "a process connects and ends, another with its pid calls setsid", run: pidReused},
		{Name: "late", What: "connect, a minute and 50 ms, then setsid", Slow: true, run: func(*stage) error {
			return inTurn(connect4, func() error {
				time.Sleep(time.Minute + 50*time.Millisecond)
				return nil
			}, ways.Setsid)
		}},
	}
	for i := range all {
		all[i].Silent = true
	}
	return all
}

// lastPID is the file that says which pid was given last, and that can be told.
const lastPID = "/proc/sys/kernel/ns_last_pid"

const (
	// reuseTries is how often a pid is tried to be had again: other processes
	// start meanwhile.
	reuseTries = 200
	// reusePause makes the two processes start in different clock ticks.
	reusePause = 20 * time.Millisecond
)

// pidReused has a process connect and end, and another with its pid call setsid.
func pidReused(s *stage) error {
	file, err := os.OpenFile(lastPID, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("%w: pids cannot be chosen: %w", ways.ErrImpossible, err)
	}
	defer file.Close() //nolint:errcheck // each write is checked
	first, err := s.actor(partConnect, nil)
	if err != nil {
		return err
	}
	if err := first.play(); err != nil {
		return err
	}
	time.Sleep(reusePause)
	if err := first.Stop(); err != nil {
		return err
	}
	for range reuseTries {
		if _, err := file.WriteAt([]byte(strconv.Itoa(first.PID-1)), 0); err != nil {
			return fmt.Errorf("%w: choosing a pid: %w", ways.ErrImpossible, err)
		}
		second, err := launch(ways.Self, arguments(s.technique, s.folder, partSetsid), nil, nil)
		if err != nil {
			return err
		}
		if second.PID == first.PID {
			return second.play()
		}
		if err := second.Stop(); err != nil {
			return err
		}
	}
	return fmt.Errorf("pid %d could not be had again in %d tries", first.PID, reuseTries)
}
