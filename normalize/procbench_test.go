package normalize

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// benchDocument is where benchmarks write documents.
var benchDocument []byte

// readIdentity reads by what the default rule joins events.
func readIdentity(b *testing.B) func(*Event) {
	b.Helper()
	field, ok := Schema().Field("process.entity_id")
	if !ok {
		b.Fatal("no such field")
	}
	return func(e *Event) { e.Value(field.ID) }
}

// benchEvents is what the events of a number of processes cost by way of their
// records, with the action that rules read first, and what else is to be read.
func benchEvents(b *testing.B, resolver Resolver, read func(*Event), pids []uint32) {
	b.Helper()
	action, _ := Schema().Field("event.action")
	c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
		e.Value(action.ID)
		if read != nil {
			read(e)
		}
	}})
	bodies := make([][]byte, len(pids))
	for i, pid := range pids {
		bodies[i] = fmt.Appendf(nil, "arch=c000003e syscall=112 success=yes exit=%d a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=%d auid=0 uid=0"+
			" gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"x\" exe=\"/bin/x\" key=\"tripline\"", pid, pid)
	}
	sequence := uint64(0)
	add := func() {
		sequence++
		now := time.Now().UnixMilli()
		body := bodies[sequence%uint64(len(bodies))]
		c.Add(Record{Type: TypeSyscall, Time: now, Sequence: sequence, Body: body})
		c.Add(Record{Type: TypeEOE, Time: now, Sequence: sequence})
	}
	for range bodies { // every process is known
		add()
	}
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		add()
	}
	b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// processorTime is what this process has used, in all threads.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// benchPIDs makes live processes, which end with the benchmark.
func benchPIDs(b *testing.B, count int) []uint32 {
	b.Helper()
	const script = `exec 3<&0; i=0; while [ $i -lt %d ]; do (read line <&3) & echo $!; i=$((i+1)); done; exec >&-; wait`
	command := exec.Command("/bin/sh", "-c", fmt.Sprintf(script, count))
	in, err := command.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = command.Wait() // for all of them
	})
	pids := make([]uint32, 0, count)
	for range count {
		var pid uint32
		if _, err := fmt.Fscan(out, &pid); err != nil {
			b.Skipf("%d of %d processes could be made: %v", len(pids), count, err)
		}
		pids = append(pids, pid)
	}
	time.Sleep(15 * time.Millisecond) // events are later than their start
	return pids
}

// BenchmarkEvent is the cost of an event of one after another of so many live
// processes: without enrichment (plain), with that by which events are joined
// (identified through /proc, followed with what the kernel tells of forks), and the
// whole document without (bare) and with everything that /proc says (enriched).
func BenchmarkEvent(b *testing.B) {
	for _, count := range []int{1, 100, 10_000} {
		pids := benchPIDs(b, count)
		identity, document := readIdentity(b), func(e *Event) { benchDocument = e.AppendJSON(benchDocument[:0], nil) }
		for _, one := range []struct {
			name     string
			resolver func(testing.TB) *ProcResolver
			read     func(*Event)
		}{
			{"plain", nil, nil},
			{"identified", newTestResolver, identity},
			{"followed", newFollower, identity},
			{"bare", nil, document},
			{"enriched", newFollower, document},
		} {
			b.Run(fmt.Sprintf("%s/%d", one.name, count), func(b *testing.B) {
				resolver := Resolver(nobody{})
				if one.resolver != nil {
					resolver = one.resolver(b)
				}
				benchEvents(b, resolver, one.read, pids)
			})
		}
	}
}
