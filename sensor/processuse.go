package sensor

import (
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/sensor/status"
)

// processUse is what this process uses. What cannot be read is 0.
func processUse() status.Process {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	use := status.Process{Resident: residentMemory(), Goroutines: runtime.NumGoroutine()}
	if heap[0].Value.Kind() == metrics.KindUint64 {
		use.Heap = int64(heap[0].Value.Uint64()) //nolint:gosec // no heap has 8 EiB
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err == nil {
		use.CPU = (time.Duration(used.Utime.Nano()) + time.Duration(used.Stime.Nano())).Seconds()
	}
	return use
}

// residentMemory is the second figure of /proc/self/statm (proc(5)), in bytes.
func residentMemory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
