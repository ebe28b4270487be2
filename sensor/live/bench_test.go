package live

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules/kernel"
)

const (
	// floodEvents is how many connects one flood makes.
	floodEvents = 150_000
	// rounds is how often each side of a comparison runs, in turn.
	rounds = 5
	// latencySamples is how many times the latency is measured, and
	// latencyEach how many times with one sensor: it raises a hundred alerts of a
	// rule in five minutes.
	latencySamples = 180
	latencyEach    = 90
)

// floodResult is one flood against one receiver.
type floodResult struct {
	perSecond float64       // events a second that the flooding process made
	cpu       time.Duration // of the receiver, for one event
	lost      uint32
	resident  int // KiB, of the receiver, at its highest
}

// floodWaitTime is the backlog wait time of the floods, in jiffies: the kernel's
// default. With it the flooding process waits for the receiver, so that nothing
// is lost and the rate is the one that the receiver can hold. (The sensor itself
// sets 0, so that no process ever waits, and would rather lose records.)
const floodWaitTime = 15000

// BenchmarkLive compares the sensor with a loop that only receives, in turn in
// one run, under a flood from one process, and measures the latency of alerts.
// It prints a table; with BENCH_JSON=FILE the figures are written there too.
func BenchmarkLive(b *testing.B) {
	needLive(b)
	unchanged(b)
	for range b.N {
		var naive, sensor []floodResult
		for range rounds {
			naive = append(naive, floodNaive(b, "flood"))
			sensor = append(sensor, floodSensor(b, "flood"))
		}
		latencies := measureLatency(b)
		printTable(b, naive, sensor, latencies)
	}
}

// floodNaive floods the naive loop, under the same kernel rules and settings as
// the sensor's.
func floodNaive(b *testing.B, action string) floodResult {
	b.Helper()
	naive := startNaive(b, floodWaitTime)
	defer naive.stop()
	return floodOnce(b, naive.client, action, naive.daemon.pid())
}

func floodSensor(b *testing.B, action string) floodResult {
	b.Helper()
	client, err := kernel.Open()
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Close() }() // only asked
	before, err := snapshot()
	if err != nil {
		b.Fatal(err)
	}
	s := startSensor(b)
	if err := client.Set(kernel.SettingBacklogWaitTime, floodWaitTime); err != nil {
		b.Fatal(err)
	}
	result := floodOnce(b, client, action, s.command.Process.Pid)
	s.stop(syscall.SIGTERM)
	if err := client.Set(kernel.SettingBacklogWaitTime, before.status.BacklogWaitTime); err != nil {
		b.Error(err)
	}
	return result
}

// floodOnce floods and charges the receiver's CPU time to the events. The
// receiver is given time to take what still waits.
func floodOnce(b *testing.B, client *kernel.Client, action string, receiver int) floodResult {
	b.Helper()
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	cpuBefore := cpuTime(b, receiver)
	out, err := exec.Command(built.behave, action, strconv.Itoa(floodEvents)).Output()
	if err != nil {
		b.Fatal(err)
	}
	waitForEmptyBacklog(b, client)
	after, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	return floodResult{
		perSecond: floodEvents / floodTook(b, out).Seconds(),
		cpu:       (cpuTime(b, receiver) - cpuBefore) / floodEvents,
		lost:      after.Lost - before.Lost,
		resident:  peakResident(b, receiver),
	}
}

// floodTook reads from what behave said how long its flood took.
func floodTook(t testing.TB, said []byte) time.Duration {
	t.Helper()
	words := strings.Fields(string(said))
	took, err := strconv.ParseInt(words[len(words)-1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(took)
}

// cpuTime is what all threads of a process have used, from /proc/PID/schedstat
// of each, in nanoseconds.
func cpuTime(b testing.TB, pid int) time.Duration {
	b.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		b.Fatal(err)
	}
	total := time.Duration(0)
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/schedstat", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		on, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		total += time.Duration(on)
	}
	return total
}

// peakResident reads VmHWM of proc(5).
func peakResident(b *testing.B, pid int) int {
	b.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }() // only read
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), "VmHWM:"); found {
			size, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return size
		}
	}
	b.Fatal("no VmHWM in /proc/PID/status")
	return 0
}

// measureLatency measures the time from just before setsid(2) to the alert's
// line at the reader of the sensor's standard output.
func measureLatency(b *testing.B) []time.Duration {
	b.Helper()
	latencies := make([]time.Duration, 0, latencySamples)
	for len(latencies) < latencySamples {
		latencies = append(latencies, latenciesOfOne(b)...)
	}
	slices.Sort(latencies)
	return latencies
}

// latenciesOfOne is measureLatency for one sensor.
func latenciesOfOne(b *testing.B) []time.Duration {
	b.Helper()
	s := startSensor(b)
	latencies := make([]time.Duration, 0, latencyEach)
	for range latencyEach {
		command := exec.Command(built.behave, "connect-setsid")
		out, err := command.Output()
		if err != nil {
			b.Fatal(err)
		}
		words := strings.Fields(string(out))
		called, err := strconv.ParseInt(words[len(words)-1], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		alert, ok := s.alertOf(command.Process.Pid, soon)
		if !ok {
			b.Fatal("an alert is missing")
		}
		latencies = append(latencies, alert.arrived.Sub(time.Unix(0, called)))
	}
	s.stop(syscall.SIGTERM)
	return latencies
}

// printTable prints medians and ratios.
func printTable(b *testing.B, naive, sensor []floodResult, latencies []time.Duration) {
	b.Helper()
	figures := map[string]float64{
		"naive_events_per_second":  median(naive, func(r floodResult) float64 { return r.perSecond }),
		"sensor_events_per_second": median(sensor, func(r floodResult) float64 { return r.perSecond }),
		"naive_cpu_us_per_event":   median(naive, func(r floodResult) float64 { return float64(r.cpu.Nanoseconds()) / 1e3 }),
		"sensor_cpu_us_per_event":  median(sensor, func(r floodResult) float64 { return float64(r.cpu.Nanoseconds()) / 1e3 }),
		"naive_lost":               sum(naive), "sensor_lost": sum(sensor),
		"sensor_peak_resident_mib": median(sensor, func(r floodResult) float64 { return float64(r.resident) / 1024 }),
		"latency_p50_ms":           milliseconds(latencies[len(latencies)/2]),
		"latency_p99_ms":           milliseconds(latencies[len(latencies)*99/100]),
	}
	figures["cpu_ratio"] = figures["sensor_cpu_us_per_event"] / figures["naive_cpu_us_per_event"]
	figures["events_ratio"] = figures["sensor_events_per_second"] / figures["naive_events_per_second"]
	fmt.Printf(`
flood of %d connects of a datagram socket by one process, median of %d rounds in turn
                          naive loop      sensor   sensor / naive
events a second           %10.0f  %10.0f   %.2f
receiver's CPU, µs/event  %10.2f  %10.2f   %.2f
kernel lost               %10.0f  %10.0f
sensor's peak memory      %.1f MiB
system call to alert line p50 %.2f ms, p99 %.2f ms (%d alerts)
`, floodEvents, rounds, figures["naive_events_per_second"], figures["sensor_events_per_second"], figures["events_ratio"],
		figures["naive_cpu_us_per_event"], figures["sensor_cpu_us_per_event"], figures["cpu_ratio"],
		figures["naive_lost"], figures["sensor_lost"], figures["sensor_peak_resident_mib"],
		figures["latency_p50_ms"], figures["latency_p99_ms"], len(latencies))
	for name, figure := range figures {
		b.ReportMetric(figure, name)
	}
	if path := os.Getenv("BENCH_JSON"); path != "" {
		text, err := json.MarshalIndent(figures, "", "  ")
		if err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			b.Fatal(err)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func median(results []floodResult, of func(floodResult) float64) float64 {
	values := make([]float64, 0, len(results))
	for _, result := range results {
		values = append(values, of(result))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func sum(results []floodResult) float64 {
	total := 0.0
	for _, result := range results {
		total += float64(result.lost)
	}
	return total
}
