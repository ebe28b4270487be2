package live

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// starts is how often the time of a start is measured.
const starts = 10

// lookInterval is how often the sensor looks at the kernel's status, sensor/health.
const lookInterval = 5 * time.Second

// BenchmarkLiveIdle measures what the sensor costs a host on which nothing happens
// that it watches: processor time, wake-ups and memory over a minute, or the time
// that BENCH_IDLE says ("10m"), beside a program that only asks the kernel as often how
// many records it lost; and how long it takes to start.
func BenchmarkLiveIdle(b *testing.B) {
	needLive(b)
	unchanged(b)
	idle := time.Minute
	if text := os.Getenv("BENCH_IDLE"); text != "" {
		var err error
		if idle, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	for range b.N {
		var took []time.Duration
		for range starts {
			began := time.Now()
			s := startSensor(b)
			took = append(took, time.Since(began))
			s.stop(syscall.SIGTERM)
		}
		slices.Sort(took)
		s := startSensor(b)
		asking := hold(b, "status", lookInterval.String())
		time.Sleep(lookInterval) // what a start leaves behind
		pid := s.command.Process.Pid
		cpu, wakeups, floor := cpuTime(b, pid), switches(b, pid), cpuTime(b, asking.pid())
		time.Sleep(idle)
		cpu, wakeups, floor = cpuTime(b, pid)-cpu, switches(b, pid)-wakeups, cpuTime(b, asking.pid())-floor
		asking.release(b) // which says if it has failed
		resident := statusNumber(b, fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
		s.stop(syscall.SIGTERM)
		fmt.Printf("\nstart: %.0f ms (median of %d, to the line that says it watches)\nidle for %v: %.2f ms of processor time a minute (a program that only asks the kernel as often what it lost: %.2f), %.2f wake-ups a second, %.1f MiB resident\n",
			milliseconds(took[starts/2]), starts, idle, milliseconds(cpu)/idle.Minutes(), milliseconds(floor)/idle.Minutes(), float64(wakeups)/idle.Seconds(), float64(resident)/1024)
		b.ReportMetric(milliseconds(took[starts/2]), "start_ms")
		b.ReportMetric(milliseconds(cpu)/idle.Minutes(), "idle_cpu_ms/min")
		b.ReportMetric(milliseconds(floor)/idle.Minutes(), "idle_floor_cpu_ms/min")
		b.ReportMetric(float64(wakeups)/idle.Seconds(), "wakeups/s")
		b.ReportMetric(float64(resident)/1024, "resident_mib")
	}
}

// switches is how often the threads of a process have given up a processor of their
// own accord: each time one of them was woken before.
func switches(b *testing.B, pid int) (count int) {
	b.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, task := range tasks {
		count += statusNumber(b, fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()), "voluntary_ctxt_switches:")
	}
	return count
}

// statusNumber reads a number from a status file of proc(5).
func statusNumber(b *testing.B, file, key string) int {
	b.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, key); found {
			number, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return number
		}
	}
	b.Fatalf("%s has no %s", file, key)
	return 0
}
