package live

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"
)

const (
	// memoryLines are lines of a processor's cache, 256 KiB: half of what the sensor
	// touches on the way to an alert.
	memoryLines = 4096
	// memorySamples is how often each is measured.
	memorySamples = 60
)

// cacheLine is one line of 64 bytes; it names the next.
type cacheLine struct {
	next int
	_    [56]byte
}

// compareMemory measures what a line of memory costs that was just used, that was left
// alone as between two alerts, and then, in order, which the processor foresees. On a
// machine that others share little is near after a pause, and what a program does once
// in a while costs what it touches, not what it computes.
func compareMemory(figures map[string]float64) {
	lines := make([]cacheLine, memoryLines)
	order := rand.Perm(memoryLines)
	for i, line := range order {
		lines[line].next = order[(i+1)%memoryLines]
	}
	rows := []struct {
		name, means string
		before      func()
		visit       func() int
	}{
		{"used", "just used", func() { follow(lines) }, func() int { return follow(lines) }},
		{"left", "left alone for " + latencyPause.String(), func() { time.Sleep(latencyPause) }, func() int { return follow(lines) }},
		{"left_in_order", "the same, read in order", func() { time.Sleep(latencyPause) }, func() int { return sum(lines) }},
	}
	fmt.Printf("\n%-40s %8s\n", "a line of 64 bytes, of 256 KiB; ns", "p50")
	for _, row := range rows {
		took := make([]time.Duration, memorySamples)
		for i := range took {
			row.before()
			began := time.Now()
			runtime.KeepAlive(row.visit())
			took[i] = time.Since(began)
		}
		slices.Sort(took)
		nanoseconds := float64(took[memorySamples/2].Nanoseconds()) / memoryLines
		fmt.Printf("%-40s %8.1f\n", row.means, nanoseconds)
		figures["memory_ns_a_line_"+row.name] = nanoseconds
	}
}

// follow visits all lines as they name each other.
func follow(lines []cacheLine) (last int) {
	for range lines {
		last = lines[last].next
	}
	return last
}

// sum visits all lines in the order in which they lie.
func sum(lines []cacheLine) (total int) {
	for i := range lines {
		total += lines[i].next
	}
	return total
}
