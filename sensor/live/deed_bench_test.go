package live

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// deedRounds is how often each deed is measured under each sensor, in turn.
	deedRounds = 5
	// deedForks is how many processes a round makes, deedSockets how many sockets.
	deedForks   = 4000
	deedSockets = 20000
)

// deedWatch is who watches while deeds are done.
type deedWatch struct {
	name  string
	start func(b *testing.B) *runningSensor // nil for nobody
	// doer and sensor have the CPU time of a deed, by its name and round.
	doer, sensor map[string][]float64
}

// BenchmarkLiveDeeds measures what knowing costs: the process connector for each
// fork and exit of a process, and the rules about socket(2) for each socket; the
// process that does it, and the sensor. Without the connector there is the sensor in
// a network namespace of its own, where the kernel tells nothing of processes.
func BenchmarkLiveDeeds(b *testing.B) {
	needLive(b)
	unchanged(b)
	for range b.N {
		watches := []deedWatch{
			{name: "no sensor"},
			{name: "sensor, not told of forks", start: func(b *testing.B) *runningSensor { b.Helper(); return startApart(b) }},
			{name: "sensor", start: func(b *testing.B) *runningSensor { b.Helper(); return startSensor(b) }},
		}
		for i := range watches {
			watches[i].doer, watches[i].sensor = make(map[string][]float64), make(map[string][]float64)
		}
		for range deedRounds {
			for i := range watches {
				watches[i].measure(b)
			}
		}
		printDeeds(b, watches)
	}
}

// measure does each deed once.
func (w *deedWatch) measure(b *testing.B) {
	b.Helper()
	pid := 0
	if w.start != nil {
		s := w.start(b)
		defer s.stop(syscall.SIGTERM)
		pid = s.command.Process.Pid
		time.Sleep(time.Second) // it has begun by then
	}
	for _, deed := range []struct {
		name  string
		count int
		do    func() float64
	}{
		{"fork and exit", deedForks, func() float64 { return forkCost(b) }},
		{"IPv4 socket", deedSockets, func() float64 { return costOf(b, "sockets") }},
		{"Unix socket", deedSockets, func() float64 { return costOf(b, "unix-sockets") }},
	} {
		before, forks := usedBy(b, pid), forksOfHost(b)
		w.doer[deed.name] = append(w.doer[deed.name], deed.do())
		// What it was told last it reads within half a second.
		time.Sleep(700 * time.Millisecond)
		used := float64((usedBy(b, pid) - before).Nanoseconds())
		if deed.count == deedForks { // it is told of those of others, too
			deed.count = forksOfHost(b) - forks
		}
		w.sensor[deed.name] = append(w.sensor[deed.name], used/float64(deed.count))
	}
}

// forkCost is the CPU time of one process that a shell makes and that ends at once,
// the shell's share included, in nanoseconds.
func forkCost(b *testing.B) float64 {
	b.Helper()
	command := exec.Command("/bin/sh", "-c", fmt.Sprintf("i=0; while [ $i -lt %d ]; do (:); i=$((i+1)); done", deedForks))
	if err := command.Run(); err != nil {
		b.Fatal(err)
	}
	return float64((command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Nanoseconds()) / deedForks
}

// forksOfHost counts the processes and threads that were made since the host was
// booted.
func forksOfHost(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\nprocesses ")
	number, _, _ := strings.Cut(rest, "\n")
	count, err := strconv.Atoi(number)
	if err != nil || !found {
		b.Fatalf("/proc/stat does not say how many processes there were: %v", err)
	}
	return count
}

// usedBy is the CPU time that all threads of a process have used; 0 for pid 0.
func usedBy(b *testing.B, pid int) (used time.Duration) {
	b.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), " ")
		nanoseconds, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatalf("%s: %v", path, err)
		}
		used += time.Duration(nanoseconds)
	}
	return used
}

// printDeeds prints the least of all rounds.
func printDeeds(b *testing.B, watches []deedWatch) {
	b.Helper()
	for _, deed := range []string{"fork and exit", "IPv4 socket", "Unix socket"} {
		fmt.Printf("\n%s by root, µs of CPU, least of %d rounds in turn\n", deed, deedRounds)
		bare := slices.Min(watches[0].doer[deed])
		for _, watch := range watches {
			doer, sensor := slices.Min(watch.doer[deed]), slices.Min(watch.sensor[deed])
			fmt.Printf("%-28s process %8.2f (%.2f of that without a sensor)   sensor %6.2f\n", watch.name, doer/1e3, doer/bare, sensor/1e3)
			name := strings.NewReplacer(" ", "_", ",", "").Replace(deed + " " + watch.name)
			b.ReportMetric(doer/bare, name+"_ratio")
			b.ReportMetric(sensor, name+"_sensor_ns")
		}
	}
}
