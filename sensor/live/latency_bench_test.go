package live

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// latencySamples is how many times the latency is measured, and
	// latencyEach how many times with one sensor: it raises a hundred alerts of a
	// rule in five minutes.
	latencySamples = 180
	latencyEach    = 90
	// latencyRest is for how long what was seen is left alone once the time was taken:
	// to read it takes processor time that the file system's threads would wait for.
	latencyRest = 5 * time.Millisecond
	// latencyPause is for how long the disk and the memory are left alone before they are
	// measured: between two alerts is more.
	latencyPause = 30 * time.Millisecond
	// syncedDaemon is how long auditd may take for the other records of a process once
	// it wrote one.
	syncedDaemon = 100 * time.Millisecond
)

// moments are when something was seen of processes, by their pids.
type moments struct {
	mu   sync.Mutex
	seen map[int]time.Time
}

func newMoments() *moments { return &moments{seen: make(map[int]time.Time)} }

func (m *moments) saw(pid int, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.seen[pid]; !known {
		m.seen[pid] = at
	}
}

// of waits for the moment of a process.
func (m *moments) of(t testing.TB, pid int, what string) (at time.Time) {
	t.Helper()
	wait(t, what, func() (known bool) {
		m.mu.Lock()
		defer m.mu.Unlock()
		at, known = m.seen[pid]
		return known
	})
	return at
}

// latencies are times since just before setsid(2), by what was there then.
type latencies map[string][]time.Duration

const (
	atNaive  = "naive"
	byLeast  = "least"
	byMade   = "least_made"
	byDaemon = "auditd_sync"
	atReader = "reader"
	inFile   = "file"
	onDisk   = "on_disk"
	syncing  = "fsync"
)

// latencyRows are the rows of the table.
var latencyRows = []struct{ what, means string }{
	{atNaive, "record received by the naive loop"},
	{atReader, "alert read from standard output"},
	{inFile, "alert in the file"},
	{onDisk, "alert on disk: the sensor's fsync returned"},
	{byLeast, "asked and synced as much, nothing else"},
	{byMade, "... text of the answers, by a second goroutine"},
	{byDaemon, "auditd's raw lines on disk, flush = SYNC"},
	{syncing, "as much written and synced alone"},
}

// compareLatency measures how long an alert takes, idle or in a flood, beside what the
// kernel and the disk take alone, and prints a table.
func compareLatency(b *testing.B, flood, name string, trace *callTrace, figures map[string]float64) {
	b.Helper()
	all := make(latencies)
	size := 0
	for len(all[atReader]) < latencySamples {
		all.receiver(b, flood, atNaive, "naive-times")
		size = all.sensor(b, flood, trace)
		sizeAndFile := strconv.Itoa(size) + ":" + filepath.Join(b.TempDir(), "alerts")
		all.receiver(b, flood, byLeast, "least-alerts", sizeAndFile)
		all.receiver(b, flood, byMade, "least-documents", sizeAndFile)
	}
	if flood == "" {
		all.daemon(b, trace)
	}
	all.disk(b, size, name, figures)
	fmt.Printf("\nfrom setsid(2), %s; ms\n%-46s %8s %8s %8s\n", name, "", "p50", "p99", "alerts")
	for _, row := range latencyRows {
		found := all[row.what]
		if len(found) == 0 {
			continue
		}
		slices.Sort(found)
		p50, p99 := milliseconds(found[len(found)/2]), milliseconds(found[len(found)*99/100])
		fmt.Printf("%-46s %8.2f %8.2f %8d\n", row.means, p50, p99, len(found))
		key := row.what + "_ms_" + name
		figures["latency_p50_"+key], figures["latency_p99_"+key] = p50, p99
	}
	if writes, known := figures["disk_writes_a_sync_"+name]; known {
		fmt.Printf("the last, as the kernel counts: %.1f writes, with the empty ones that ask for a flush, and %.1f flushes\n", writes, figures["disk_flushes_a_sync_"+name])
	}
}

// receiver measures with a receiver that says when it was done with a process: the
// naive loop, or one of those that do the least that makes an alert. They are the floor.
func (l latencies) receiver(b *testing.B, flood, row string, action ...string) {
	b.Helper()
	received := newMoments()
	receiver := startReceiver(b, floodWaitTime, func() *exec.Cmd {
		command := exec.Command(built.behave, action...)
		stdout, err := command.StdoutPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := command.Start(); err != nil {
			b.Fatal(err)
		}
		go func() {
			for lines := bufio.NewScanner(stdout); lines.Scan(); {
				words := strings.Fields(lines.Text())
				pid, _ := strconv.Atoi(words[0]) // another line has none of interest
				if at, err := strconv.ParseInt(words[len(words)-1], 10, 64); err == nil {
					received.saw(pid, time.Unix(0, at))
				}
			}
		}()
		return command
	})
	defer receiver.stop()
	if flood != "" {
		stop := startFlood(b, flood)
		defer func() { stop() }()
	}
	for range latencyEach {
		subject, called := connectSetsid(b)
		l[row] = append(l[row], received.of(b, subject.pid(), "the record").Sub(called))
		subject.release(b)
	}
}

// sensor measures with a sensor and returns how long an alert's line is at most. Without a trace of its fsync an alert is taken to be on
// disk when another one returns, which is later.
func (l latencies) sensor(b *testing.B, flood string, trace *callTrace) (size int) {
	b.Helper()
	s := startSensor(b)
	s.rest.Store(int64(latencyRest))
	written, synced := newMoments(), newMoments()
	defer watchAlerts(b, s.file, written, synced, trace == nil)()
	if flood != "" {
		stop := startFlood(b, flood)
		defer func() { stop() }()
	}
	for range latencyEach {
		subject, called := connectSetsid(b)
		alert, ok := s.alertOf(subject.pid(), soon)
		if !ok {
			b.Fatal("an alert is missing")
		}
		l[atReader] = append(l[atReader], alert.arrived.Sub(called))
		l[inFile] = append(l[inFile], written.of(b, subject.pid(), "the alert in the file").Sub(called))
		s.evidenceOf(alert.Tripline.Alert.ID) // so that the next fsync is the next alert's
		if trace != nil {
			l[onDisk] = append(l[onDisk], trace.synced(b, s.command.Process.Pid, called).Sub(called))
		} else {
			l[onDisk] = append(l[onDisk], synced.of(b, subject.pid(), "the alert on disk").Sub(called))
		}
		subject.release(b)
	}
	s.stop(syscall.SIGTERM)
	content, err := os.ReadFile(s.file)
	if err != nil {
		b.Fatal(err)
	}
	for line := range bytes.Lines(content) {
		if alertedProcess(line) != 0 {
			size = max(size, len(line))
		}
	}
	return size
}

// daemon measures auditd that only writes the kernel's lines, each of them to the disk
// before the next: until the write(2) of the last line about the process returns. In a
// flood it would be days behind.
func (l latencies) daemon(b *testing.B, trace *callTrace) {
	b.Helper()
	if _, err := exec.LookPath("auditd"); err != nil || trace == nil {
		b.Logf("auditd's lines on disk are not measured: %v", cmp.Or(err, errUntraced))
		return
	}
	daemon := startRawAuditd(b, floodWaitTime, "flush = SYNC")
	defer daemon.stop()
	for range latencyEach {
		subject, called := connectSetsid(b)
		written := func() []time.Time { return trace.after("write", daemon.command.Process.Pid, called) }
		wait(b, "auditd writes", func() bool { return len(written()) > 0 })
		time.Sleep(syncedDaemon)
		returns := written()
		l[byDaemon] = append(l[byDaemon], returns[len(returns)-1].Sub(called))
		subject.release(b)
	}
}

// errUntraced says why the end of another program's write(2) is not known.
var errUntraced = errors.New("the kernel's tracing is not there")

// connectSetsid lets a process connect and call setsid, and says when it did. It goes on
// until it is released, as what has detached to be of use does.
func connectSetsid(b *testing.B) (subject *held, called time.Time) {
	b.Helper()
	subject = hold(b, "connect-setsid")
	return subject, saidTime(b, subject.said)
}

// saidTime is the time of day that a line of a helper ends with, in nanoseconds.
func saidTime(b *testing.B, line string) time.Time {
	b.Helper()
	words := strings.Fields(line)
	at, err := strconv.ParseInt(words[len(words)-1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Unix(0, at)
}

// watchAlerts watches a file of alerts until stop is called. With sync an alert is taken
// to be on disk when an fsync(2) returns that is called once it is in the file.
func watchAlerts(b *testing.B, path string, written, synced *moments, sync bool) (stop func()) {
	b.Helper()
	notes, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		b.Fatal(err)
	}
	watch, err := unix.InotifyAddWatch(notes, path, unix.IN_MODIFY)
	if err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	var stopped atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread() // which the kernel then wakes itself
		defer runtime.UnlockOSThread()
		tail := bufio.NewReaderSize(file, 1<<20)
		var line []byte
		for buffer := make([]byte, 4096); ; {
			_, err := unix.Read(notes, buffer)
			seen := time.Now()
			if stopped.Load() || err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if sync {
				_ = unix.Fsync(int(file.Fd())) // where it fails the sensor's fails, too, and is tested elsewhere
			}
			after := time.Now()
			time.Sleep(latencyRest)
			for {
				part, err := tail.ReadBytes('\n')
				line = append(line, part...)
				if err != nil {
					break // the end so far
				}
				if pid := alertedProcess(line); pid != 0 {
					written.saw(pid, seen)
					synced.saw(pid, after)
				}
				line = line[:0]
			}
		}
	}()
	return func() {
		stopped.Store(true)
		_, _ = unix.InotifyRmWatch(notes, uint32(watch)) // which is told too
		<-ended
		_ = unix.Close(notes) // it was only read
		_ = file.Close()      // it was only read
	}
}

// alertedProcess is the process of an alert, 0 for another document.
func alertedProcess(line []byte) int {
	var document alertDocument
	if !bytes.Contains(line, []byte(`"kind":"alert"`)) || json.Unmarshal(line, &document) != nil || len(document.Tripline.Alert.Sequence) == 0 {
		return 0
	}
	return document.Process.PID
}

// BenchmarkLiveLatency measures how long an alert takes.
func BenchmarkLiveLatency(b *testing.B) {
	benchmarkFigures(b, func(figures map[string]float64) {
		trace := startCallTrace(b)
		compareLatency(b, "", "idle", trace, figures)
		compareLatency(b, endless+"@"+strconv.Itoa(busyRate), "flood", trace, figures)
		compareNearness(b, figures)
		compareMemory(figures)
	})
}
