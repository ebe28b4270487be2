package normalize

import (
	"fmt"
	"testing"
	"time"
)

// benchEvents is what the events of a number of processes cost by way of their
// records, with the fields that the default rule reads and with or without their
// identity.
func benchEvents(b *testing.B, resolver Resolver, pids []uint32) {
	b.Helper()
	enrich := resolver != nil
	if !enrich {
		resolver = nobody{}
	}
	field, _ := Schema().Field("process.entity_id")
	action, _ := Schema().Field("event.action")
	c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
		e.Value(action.ID)
		if enrich {
			e.Value(field.ID)
		}
	}})
	bodies := make([][]byte, len(pids))
	for i, pid := range pids {
		bodies[i] = fmt.Appendf(nil, "arch=c000003e syscall=112 success=yes exit=%d a0=0 a1=0 a2=0 a3=0 items=0 ppid=1 pid=%d auid=0 uid=0"+
			" gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"x\" exe=\"/bin/x\" key=\"tripline\"", pid, pid)
	}
	now, sequence := time.Now().UnixMilli(), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		sequence++
		body := bodies[sequence%uint64(len(bodies))]
		c.Add(Record{Type: TypeSyscall, Time: now, Sequence: sequence, Body: body})
		c.Add(Record{Type: TypeEOE, Time: now, Sequence: sequence})
	}
}

// benchPIDs makes live processes.
func benchPIDs(b *testing.B, count int) []uint32 {
	b.Helper()
	var pids []uint32
	for range count {
		command, _ := startShell(b, "read line")
		pids = append(pids, uint32(command.Process.Pid))
	}
	time.Sleep(15 * time.Millisecond) // events are later than their start
	return pids
}

// BenchmarkEvent is the cost of an event without enrichment, and with that by which
// events are joined, at several numbers of live processes.
func BenchmarkEvent(b *testing.B) {
	for _, count := range []int{1, 100, 1000} {
		pids := benchPIDs(b, count)
		b.Run(fmt.Sprintf("plain/%d", count), func(b *testing.B) { benchEvents(b, nil, pids) })
		b.Run(fmt.Sprintf("identified/%d", count), func(b *testing.B) { benchEvents(b, newTestResolver(b), pids) })
		b.Run(fmt.Sprintf("followed/%d", count), func(b *testing.B) { benchEvents(b, newFollower(b), pids) })
	}
}
