package live

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// callTrace has the kernel tell when fsync(2) returns, and write(2) of auditd, by an
// instance of its own of ftrace (Documentation/trace/ftrace.rst), so that nobody has to
// sync a file again to know that it is on disk.
type callTrace struct {
	folder string
	pipe   *os.File
	read   sync.WaitGroup

	mu   sync.Mutex
	seen []callReturn
}

// callReturn is a call of a thread that succeeded, "fsync" or "write".
type callReturn struct {
	call   string
	thread int
	at     time.Time
}

// tracing is where the kernel's tracing is, see the same document.
const tracing = "/sys/kernel/tracing"

// startCallTrace begins to trace; nil where this kernel has no such tracing.
func startCallTrace(b *testing.B) *callTrace {
	b.Helper()
	mountTracing(b)
	folder := filepath.Join(tracing, "instances", "tripline"+strconv.Itoa(os.Getpid()))
	if err := os.Mkdir(folder, 0o700); err != nil {
		b.Logf("the sensor's fsync cannot be traced, so another one is timed after it: %v", err)
		return nil
	}
	trace := &callTrace{folder: folder}
	b.Cleanup(func() { trace.stop(b) })
	trace.set(b, "trace_clock", "mono")
	trace.set(b, "events/syscalls/sys_exit_fsync/enable", "1")
	trace.set(b, "events/syscalls/sys_exit_write/filter", `comm == "auditd"`)
	trace.set(b, "events/syscalls/sys_exit_write/enable", "1")
	var err error
	if trace.pipe, err = os.OpenFile(filepath.Join(folder, "trace_pipe"), os.O_RDONLY|unix.O_NONBLOCK, 0); err != nil {
		b.Fatal(err)
	}
	trace.read.Go(trace.follow)
	return trace
}

// mountTracing mounts the tracing where nobody has, until the benchmark ends.
func mountTracing(b *testing.B) {
	b.Helper()
	if _, err := os.Stat(filepath.Join(tracing, "instances")); err == nil {
		return
	}
	if err := unix.Mount("nodev", tracing, "tracefs", 0, ""); err != nil {
		b.Logf("mounting %s: %v", tracing, err) // what it is for says what is missing then
		return
	}
	b.Cleanup(func() {
		if err := unix.Unmount(tracing, 0); err != nil {
			b.Error(err)
		}
	})
}

// set writes a setting of the tracing.
func (s *callTrace) set(b *testing.B, name, value string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(value), 0o600); err != nil {
		b.Fatal(err)
	}
}

// stop ends the tracing and removes it.
func (s *callTrace) stop(b *testing.B) {
	b.Helper()
	if s.pipe != nil {
		if err := s.pipe.Close(); err != nil {
			b.Error(err)
		}
		s.read.Wait()
	}
	if err := os.Remove(s.folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Error(err)
	}
}

// failed begins the result of a call that failed.
const failed = "0xffffffff"

// follow reads lines such as "tripline-123 [001] ..... 36084.570123: sys_fsync -> 0x0",
// whose times are those of CLOCK_MONOTONIC in seconds.
func (s *callTrace) follow() {
	for lines := bufio.NewScanner(s.pipe); lines.Scan(); {
		before, call, found := strings.Cut(lines.Text(), ": sys_")
		name, result, returned := strings.Cut(call, " -> ")
		words := strings.Fields(before)
		if !found || !returned || strings.HasPrefix(result, failed) || len(words) < 3 {
			continue
		}
		task := words[0] // the name may have spaces and hyphens
		for _, word := range words[1:] {
			if strings.HasPrefix(word, "[") {
				break
			}
			task = word
		}
		thread, errThread := strconv.Atoi(task[strings.LastIndexByte(task, '-')+1:])
		seconds, errTime := strconv.ParseFloat(words[len(words)-1], 64)
		if errThread != nil || errTime != nil {
			continue
		}
		s.mu.Lock()
		s.seen = append(s.seen, callReturn{name, thread, monotonic(seconds)})
		s.mu.Unlock()
	}
}

// monotonic is the time of day of a moment of CLOCK_MONOTONIC.
func monotonic(seconds float64) time.Time {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // which every kernel has
	return time.Now().Add(time.Duration(seconds*1e9) - time.Duration(now.Nano()))
}

// synced waits for the first fsync(2) of a process that returned after a moment.
func (s *callTrace) synced(b *testing.B, pid int, moment time.Time) (at time.Time) {
	b.Helper()
	wait(b, "an fsync of the sensor", func() bool {
		returns := s.after("fsync", pid, moment)
		if len(returns) > 0 {
			at = returns[0]
		}
		return len(returns) > 0
	})
	return at
}

// after are the times of the returns of a process's calls after a moment, in order.
func (s *callTrace) after(call string, pid int, moment time.Time) (times []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.seen {
		if one.call == call && one.at.After(moment) && isThreadOf(one.thread, pid) {
			times = append(times, one.at)
		}
	}
	return times
}

// isThreadOf says whether a thread is one of a process.
func isThreadOf(thread, pid int) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d/task/%d", pid, thread))
	return err == nil
}
