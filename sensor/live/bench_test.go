package live

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules/kernel"
)

const (
	// floodEvents is how many connects one flood makes.
	floodEvents = 120_000
	// rounds is how often each side of a comparison runs, in turn.
	rounds = 4
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

// BenchmarkLiveFlood compares the sensor with a loop that only receives and with auditd
// that writes what it receives, in turn in one run, under floods from one process of
// root: one connects a datagram socket, the other makes, connects (refused) and
// closes stream sockets. It prints tables.
func BenchmarkLiveFlood(b *testing.B) {
	benchmarkFigures(b, func(figures map[string]float64) {
		compareFlood(b, "flood", figures)
		compareFlood(b, "tcp-flood", figures)
	})
}

// BenchmarkLiveHeld measures which flood the sensor and the naive loop hold while nobody
// waits for them.
func BenchmarkLiveHeld(b *testing.B) {
	benchmarkFigures(b, func(figures map[string]float64) { compareHeld(b, figures) })
}

// benchmarkFigures reports the figures that something measures.
func benchmarkFigures(b *testing.B, measure func(figures map[string]float64)) {
	b.Helper()
	needLive(b)
	unchanged(b)
	for range b.N {
		figures := make(map[string]float64)
		measure(figures)
		for name, figure := range figures {
			b.ReportMetric(figure, name)
		}
	}
}

// contender is a receiver in a comparison.
type contender struct {
	name   string
	flood  func(b *testing.B, action string, events int) floodResult
	events int
	runs   []floodResult
}

// compareFlood prints what a flood costs the receivers. Of several rounds in turn the
// least CPU time and the highest rate count, which are the least disturbed ones.
func compareFlood(b *testing.B, action string, figures map[string]float64) {
	b.Helper()
	all := []*contender{{name: "naive", flood: floodNaive, events: floodEvents}, {name: "sensor", flood: floodSensor, events: floodEvents}}
	if _, err := exec.LookPath("auditd"); err == nil {
		all = append(all, &contender{name: "auditd RAW", flood: floodAuditd, events: floodEvents / 6})
	}
	for range rounds {
		for _, one := range all {
			one.runs = append(one.runs, one.flood(b, action, one.events))
		}
	}
	fmt.Printf("\n%s: %d connects by one process, which waits for the receiver; best of %d rounds in turn\n", action, floodEvents, rounds)
	fmt.Printf("%-12s %12s %6s %14s %6s %6s %10s\n", "", "connects/s", "", "CPU us/connect", "", "lost", "peak MiB")
	for _, one := range all {
		name := strings.ReplaceAll(action+"_"+one.name, " ", "_")
		perSecond, cpu, lost, resident := one.best()
		figures[name+"_per_second"], figures[name+"_cpu_us"], figures[name+"_lost"], figures[name+"_peak_mib"] = perSecond, cpu, lost, resident
		fmt.Printf("%-12s %12.0f %6.2f %14.2f %6.2f %6.0f %10.1f\n", one.name, perSecond, perSecond/figures[action+"_naive_per_second"],
			cpu, cpu/figures[action+"_naive_cpu_us"], lost, resident)
	}
	figures[action+"_cpu_ratio"] = figures[action+"_sensor_cpu_us"] / figures[action+"_naive_cpu_us"]
	figures[action+"_rate_ratio"] = figures[action+"_sensor_per_second"] / figures[action+"_naive_per_second"]
}

// best is the highest rate, the least CPU time in microseconds, all that was lost and
// the most memory in MiB.
func (c *contender) best() (perSecond, cpu, lost, resident float64) {
	cpu = float64(c.runs[0].cpu.Nanoseconds()) / 1e3
	for _, one := range c.runs {
		perSecond = max(perSecond, one.perSecond)
		cpu = min(cpu, float64(one.cpu.Nanoseconds())/1e3)
		lost += float64(one.lost)
		resident = max(resident, float64(one.resident)/1024)
	}
	return perSecond, cpu, lost, resident
}

// busyRate is the flood, in connects a second, in which latency is measured.
const busyRate = 10_000

// compareHeld prints, for floods of which no process waits for its records, what the
// kernel loses.
func compareHeld(b *testing.B, figures map[string]float64) {
	b.Helper()
	fmt.Printf("\nfloods of two seconds, nobody waits for the receiver; records lost\n%12s %12s %12s\n", "connects/s", "naive", "sensor")
	held := map[string]int{}
	naiveHolds, sensorHolds := true, true
	for _, rate := range heldRates() {
		naive := startNaive(b, 0)
		naiveLost, made := floodAt(b, naive.client, rate)
		naive.stop()
		s := startSensor(b)
		client, err := kernel.Open()
		if err != nil {
			b.Fatal(err)
		}
		sensorLost, _ := floodAt(b, client, rate)
		if err := client.Close(); err != nil {
			b.Fatal(err)
		}
		s.stop(syscall.SIGTERM)
		fmt.Printf("%12d %12d %12d   (%d were made)\n", rate, naiveLost, sensorLost, made)
		if naiveHolds = naiveHolds && naiveLost == 0; naiveHolds {
			held["naive"] = rate
		}
		if sensorHolds = sensorHolds && sensorLost == 0; sensorHolds {
			held["sensor"] = rate
		}
		if !naiveHolds && !sensorHolds {
			break
		}
	}
	figures["held_naive"], figures["held_sensor"] = float64(held["naive"]), float64(held["sensor"])
}

// floodNaive floods the naive loop, floodAuditd an auditd with log_format RAW.
func floodNaive(b *testing.B, action string, events int) floodResult {
	b.Helper()
	naive := startNaive(b, floodWaitTime)
	defer naive.stop()
	return floodOnce(b, naive.client, action, naive.command.Process.Pid, events)
}

func floodAuditd(b *testing.B, action string, events int) floodResult {
	b.Helper()
	daemon := startRawAuditd(b, floodWaitTime, flushDefault)
	defer daemon.stop()
	return floodOnce(b, daemon.client, action, daemon.command.Process.Pid, events)
}

func floodSensor(b *testing.B, action string, events int) floodResult {
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
	result := floodOnce(b, client, action, s.command.Process.Pid, events)
	s.stop(syscall.SIGTERM)
	if err := client.Set(kernel.SettingBacklogWaitTime, before.status.BacklogWaitTime); err != nil {
		b.Error(err)
	}
	return result
}

// floodOnce floods and charges the receiver's CPU time to the events. The
// receiver is given time to take what still waits.
func floodOnce(b *testing.B, client *kernel.Client, action string, receiver, events int) floodResult {
	b.Helper()
	before, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	cpuBefore := cpuTime(b, receiver)
	out, err := exec.Command(built.behave, action, strconv.Itoa(events)).Output()
	if err != nil {
		b.Fatal(err)
	}
	waitForEmptyBacklog(b, client)
	after, err := client.Status()
	if err != nil {
		b.Fatal(err)
	}
	return floodResult{
		perSecond: float64(events) / floodTook(b, out).Seconds(),
		cpu:       (cpuTime(b, receiver) - cpuBefore) / time.Duration(events),
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

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
