package live

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

const (
	// fullProcesses are more than the sensor keeps of anything within a minute: the
	// sequences that processes began, and the lives of processes.
	fullProcesses = "70000@1300"
	fullFlood     = "200000@10000"
)

// BenchmarkLiveFull lets 70,000 processes of root connect within a minute or, on a
// slow machine, somewhat more, each of which begins a sequence, and then floods: the
// most memory that the sensor has had when every table is full. It is told the limit
// to collect by that the service's unit tells it.
func BenchmarkLiveFull(b *testing.B) {
	needLive(b)
	unchanged(b)
	for range b.N {
		s := launchWith(b, func(command *exec.Cmd) { command.Env = append(os.Environ(), "GOMEMLIMIT=48MiB") })
		s.awaitReady()
		for _, action := range [][]string{{"process-flood", fullProcesses}, {"flood", fullFlood}} {
			if out, err := exec.Command(built.behave, action...).CombinedOutput(); err != nil {
				b.Fatalf("%v: %v: %s", action, err, out)
			}
		}
		peak := float64(peakResident(b, s.command.Process.Pid)) / 1024
		s.stop(syscall.SIGTERM)
		fmt.Printf("\n70,000 processes that connect, then 200,000 connects of one: %.1f MiB resident at most\n", peak)
		b.ReportMetric(peak, "full_peak_mib")
	}
}
