package live

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// trainGroups is how many groups of processes show the behaviour, trainEach how many
	// processes are in one, and trainGap how long after each other they begin: an alert
	// is on the disk by then, and what made it is near still.
	trainGroups = 30
	trainEach   = 3
	trainGap    = 6 * time.Millisecond
)

// growth is how a file has grown, watched without looking into it.
type growth struct {
	path    string
	notes   int
	watch   int
	stopped atomic.Bool
	ended   chan struct{}
	seen    []grown
}

// grown is a size that a file had.
type grown struct {
	at   time.Time
	size int64
}

// watchGrowth watches a file that is there until stop.
func watchGrowth(b *testing.B, path string) *growth {
	b.Helper()
	g := &growth{path: path, ended: make(chan struct{})}
	var err error
	if g.notes, err = unix.InotifyInit1(unix.IN_CLOEXEC); err != nil {
		b.Fatal(err)
	}
	if g.watch, err = unix.InotifyAddWatch(g.notes, path, unix.IN_MODIFY); err != nil {
		b.Fatal(err)
	}
	go func() {
		defer close(g.ended)
		runtime.LockOSThread() // which the kernel then wakes itself
		defer runtime.UnlockOSThread()
		for buffer := make([]byte, 4096); ; {
			_, err := unix.Read(g.notes, buffer)
			at := time.Now()
			var stat unix.Stat_t
			if g.stopped.Load() || err != nil && !errors.Is(err, unix.EINTR) || unix.Stat(path, &stat) != nil {
				return
			}
			g.seen = append(g.seen, grown{at, stat.Size})
		}
	}()
	return g
}

// stop ends the watching and returns when the lines were there that are wanted.
func (g *growth) stop(b *testing.B, wanted func(line []byte) bool) (at []time.Time) {
	b.Helper()
	g.stopped.Store(true)
	_, _ = unix.InotifyRmWatch(g.notes, uint32(g.watch)) // which is told too
	<-g.ended
	_ = unix.Close(g.notes) // it was only read
	content, err := os.ReadFile(g.path)
	if err != nil {
		b.Fatal(err)
	}
	end := int64(0)
	for line := range bytes.Lines(content) {
		end += int64(len(line))
		if !wanted(line) {
			continue
		}
		i := slices.IndexFunc(g.seen, func(one grown) bool { return one.size >= end })
		if i < 0 {
			b.Fatal("nobody was told of a line")
		}
		at = append(at, g.seen[i].at)
	}
	return at
}

// trains has groups of processes connect and call setsid, one after another, and returns
// when each did. Between two groups is a pause.
func trains(b *testing.B) (called []time.Time) {
	b.Helper()
	for range trainGroups {
		group := make([]*held, trainEach)
		for i := range group {
			group[i] = hold(b, "await")
		}
		time.Sleep(latencyPause)
		for _, one := range group {
			if _, err := one.stdin.Write([]byte{'\n'}); err != nil {
				b.Fatal(err)
			}
			time.Sleep(trainGap)
		}
		time.Sleep(latencyPause)
		for _, one := range group {
			_ = one.stdin.Close() // the helper sees the end
			line, err := one.lines.ReadString('\n')
			if err != nil {
				b.Fatal(err)
			}
			called = append(called, saidTime(b, line))
			one.release(b)
		}
	}
	return called
}

// trainOfSensor is a train beside a sensor that gathers no evidence, which would be at
// work when the next alert comes.
func trainOfSensor(b *testing.B) (called, written []time.Time) {
	b.Helper()
	s := startSensor(b, "--config", configured(b, "[evidence]\nenabled = false\n"))
	watch := watchGrowth(b, s.file)
	called = trains(b)
	written = watch.stop(b, func(line []byte) bool { return alertedProcess(line) != 0 })
	s.stop(syscall.SIGTERM)
	return called, written
}

// trainOfReceiver is a train beside a receiver that does the least.
func trainOfReceiver(b *testing.B, action string) (called, written []time.Time) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "alerts")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	const size = 33_000 // as the sensor's alerts
	receiver := startReceiver(b, floodWaitTime, func() *exec.Cmd {
		command := exec.Command(built.behave, action, strconv.Itoa(size)+":"+path)
		if err := command.Start(); err != nil {
			b.Fatal(err)
		}
		return command
	})
	defer receiver.stop()
	watch := watchGrowth(b, path)
	called = trains(b)
	return called, watch.stop(b, func([]byte) bool { return true })
}

// compareNearness measures how much of the time until an alert is in the file is memory
// that is far away after a pause: the first of a few alerts has the pause before it, the
// others have another alert.
func compareNearness(b *testing.B, figures map[string]float64) {
	b.Helper()
	rows := []struct {
		name, means string
		train       func() (called, written []time.Time)
	}{
		{"sensor", "alert in the file", func() (_, _ []time.Time) { return trainOfSensor(b) }},
		{byLeast, "asked and written as much, nothing else", func() (_, _ []time.Time) { return trainOfReceiver(b, "least-alerts") }},
		{byMade, "... text of the answers, by a second goroutine", func() (_, _ []time.Time) { return trainOfReceiver(b, "least-documents") }},
	}
	fmt.Printf("\nfrom setsid(2), %d processes %s after each other; ms, p50\n%-46s %8s %8s %8s\n", trainEach, trainGap, "", "first", "others", "alerts")
	for _, row := range rows {
		called, written := row.train()
		if len(called) != len(written) {
			b.Fatalf("%s: %d processes and %d lines", row.name, len(called), len(written))
		}
		var first, others []time.Duration
		for i, at := range written {
			if took := at.Sub(called[i]); i%trainEach == 0 {
				first = append(first, took)
			} else {
				others = append(others, took)
			}
		}
		slices.Sort(first)
		slices.Sort(others)
		far, near := milliseconds(first[len(first)/2]), milliseconds(others[len(others)/2])
		fmt.Printf("%-46s %8.2f %8.2f %8d\n", row.means, far, near, len(written))
		figures["far_p50_"+row.name+"_ms"], figures["near_p50_"+row.name+"_ms"] = far, near
	}
}
