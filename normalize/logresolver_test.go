package normalize

import (
	"testing"
)

// step is an event and the number of the earlier event that it must have the
// identity of; its own number means a new one.
type step struct {
	query ProcessQuery
	same  int
}

func TestLogResolverJoins(t *testing.T) {
	base := ProcessQuery{PID: 10, PPID: 7, AUID: 1000, Session: 3, Executable: "/bin/a", Time: 1000, Sequence: 1}
	with := func(change func(*ProcessQuery)) ProcessQuery {
		q := base
		q.Time, q.Sequence = 2000, 2
		change(&q)
		return q
	}
	for name, steps := range map[string][]step{
		"all the same": {{base, 0}, {with(func(*ProcessQuery) {}), 0}},
		"an exec":      {{base, 0}, {with(func(q *ProcessQuery) { q.Executable = "/bin/b" }), 0}},
		"an orphan":    {{base, 0}, {with(func(q *ProcessQuery) { q.PPID = 1 }), 0}},
		"a parent":     {{base, 0}, {with(func(q *ProcessQuery) { q.PPID = 8 }), 1}},
		"no program":   {{base, 0}, {with(func(q *ProcessQuery) { q.Executable = "" }), 0}},
		"an exec that the log would show": {
			{with(func(q *ProcessQuery) { q.Executes = true }), 0},
			{with(func(q *ProcessQuery) { q.Executable, q.Executes = "/bin/b", true }), 0},
			{with(func(q *ProcessQuery) { q.Executable, q.Sequence = "/bin/c", 3 }), 2},
		},
		"both": {{base, 0}, {with(func(q *ProcessQuery) { q.PPID, q.Executable = 1, "/bin/b" }), 1}},
		"one after the other": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.Executable = "/bin/b" }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Executable = 1, "/bin/b" }), 0},
		},
		"another login":   {{base, 0}, {with(func(q *ProcessQuery) { q.AUID = 1001 }), 1}},
		"another session": {{base, 0}, {with(func(q *ProcessQuery) { q.Session = 4 }), 1}},
		"another pid":     {{base, 0}, {with(func(q *ProcessQuery) { q.PID = 11 }), 1}},
		"another node":    {{base, 0}, {with(func(q *ProcessQuery) { q.Node = "b" }), 1}, {base, 0}},
		"nothing to go by": {
			{with(func(q *ProcessQuery) { q.PPID, q.Executable = 0, "" }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Executable, q.Sequence = 0, "", 3 }), 1},
		},
		"a record without a parent": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 0, 3000 }), 0},
			{with(func(q *ProcessQuery) { q.Time = 4000 }), 0},
		},
		"... after another program": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Executable, q.Time = 0, "/bin/b", 3000 }), 0},
			{with(func(q *ProcessQuery) { q.Executable, q.Time = "/bin/b", 4000 }), 0},
		},
		"... and another parent after it": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 0, 3000 }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 8, 4000 }), 2},
		},
		"... of another login": {{base, 0}, {with(func(q *ProcessQuery) { q.PPID, q.AUID = 0, 0 }), 1}},
		"... after a long time": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 0, base.Time+logSilence }), 1},
		},
		"... that comes first": {
			{with(func(q *ProcessQuery) { q.PPID = 0 }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 0, 3000 }), 0},
			{with(func(q *ProcessQuery) { q.Time = 4000 }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Time = 8, 5000 }), 3},
		},
		"... that comes first, of another program": {
			{with(func(q *ProcessQuery) { q.PPID = 0 }), 0},
			{with(func(q *ProcessQuery) { q.PPID, q.Executable, q.Time = 0, "/bin/b", 3000 }), 1},
			{with(func(q *ProcessQuery) { q.Executable, q.Time = "/bin/c", 4000 }), 2},
		},
		"neither parent nor login nor program": {
			{base, 0},
			{ProcessQuery{PID: 10, AUID: unset, Session: unset, NoLogin: true, Time: 2000, Sequence: 2}, 0},
			{with(func(q *ProcessQuery) { q.Time = 3000 }), 0},
		},
		"a login": {
			{base, 0},
			{ProcessQuery{PID: 10, AUID: 1001, Session: 4, LogsIn: true, OldAUID: 1000, OldSession: 3, Time: 2000, Sequence: 2}, 0},
			{with(func(q *ProcessQuery) { q.AUID, q.Session, q.Time = 1001, 4, 3000 }), 0},
			{with(func(q *ProcessQuery) { q.Time = 4000 }), 3},
		},
		"a login of another": {
			{base, 0},
			{ProcessQuery{PID: 10, AUID: 1001, Session: 4, LogsIn: true, OldAUID: 1002, OldSession: 3, Time: 2000, Sequence: 2}, 1},
		},
		"a new one stays": {
			{base, 0},
			{with(func(q *ProcessQuery) { q.AUID = 1001 }), 1},
			{with(func(q *ProcessQuery) { q.AUID, q.Time = 1001, 3000 }), 1},
		},
	} {
		resolver := NewLogResolver()
		var ids []string
		for i, step := range steps {
			got := resolver.Identify(step.query)
			ids = append(ids, got.EntityID)
			if !got.Inferred || got.PID != step.query.PID || got.Start != 0 || len(got.EntityID) != 22 {
				t.Errorf("%s: got %+v", name, got)
			}
			for earlier := range i {
				if same, want := ids[earlier] == ids[i], ids[earlier] == ids[step.same]; same != want {
					t.Errorf("%s: events %d and %d are of one process: %v, want %v", name, earlier, i, same, want)
				}
			}
			if ids[i] != ids[step.same] {
				t.Errorf("%s: events %d and %d are of two processes", name, step.same, i)
			}
		}
	}
}

func TestLogResolverIsDeterministic(t *testing.T) {
	// The value is written down because the ids of recorded alerts depend on it.
	const want = "VoZsTNbQUGLQbegL0JMXQQ"
	for range 2 {
		q := ProcessQuery{Node: "web-1", PID: 10, PPID: 1, AUID: 1000, Session: 3, Time: 1700000000123, Sequence: 77}
		if got := NewLogResolver().Identify(q).EntityID; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLogResolverReset(t *testing.T) {
	resolver := NewLogResolver()
	a := ProcessQuery{Node: "a", PID: 10, PPID: 1, Time: 1000, Sequence: 1}
	b := ProcessQuery{Node: "b", PID: 10, PPID: 1, Time: 1000, Sequence: 1}
	firstA, firstB := resolver.Identify(a), resolver.Identify(b)
	resolver.Reset("a")
	a.Time, b.Time = 2000, 2000
	if got := resolver.Identify(a); got == firstA {
		t.Error("a process outlived the restart of its host")
	}
	if got := resolver.Identify(b); got != firstB {
		t.Error("a process ended with the restart of another host")
	}
	if firstA == firstB {
		t.Error("processes of two hosts are one")
	}
}

func TestLogResolverIsBounded(t *testing.T) {
	resolver := NewLogResolver()
	const more = 100
	first := resolver.Identify(ProcessQuery{PID: 1, PPID: 1, Time: 1})
	for pid := uint32(2); pid <= logProcessLimit+more; pid++ {
		resolver.Identify(ProcessQuery{PID: pid, PPID: 1, Time: 2})
	}
	if got := len(resolver.processes.index); got != logProcessLimit {
		t.Errorf("%d processes, want %d", got, logProcessLimit)
	}
	if got := resolver.Evicted(); got != more {
		t.Errorf("%d were evicted, want %d", got, more)
	}
	if resolver.Identify(ProcessQuery{PID: 1, PPID: 1, Time: 3}) == first {
		t.Error("the oldest was not evicted")
	}
}

func TestLogResolverKnowsNothingOfThisHost(t *testing.T) {
	resolver := NewLogResolver()
	if got := resolver.UserName(0) + resolver.Executable(1) + resolver.Transport(1, 0); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestLogResolverDoesNotAllocateForTheKnown(t *testing.T) {
	resolver := NewLogResolver()
	q := ProcessQuery{Node: "web-1", PID: 10, PPID: 1, Executable: "/usr/bin/curl", Time: 1000}
	resolver.Identify(q)
	if got := testing.AllocsPerRun(1000, func() { resolver.Identify(q) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkLogResolverHit(b *testing.B) {
	resolver := NewLogResolver()
	q := ProcessQuery{PID: 10, PPID: 1, Executable: "/usr/bin/curl", Time: 1000}
	b.ReportAllocs()
	for b.Loop() {
		resolver.Identify(q)
	}
}

func BenchmarkLogResolverMiss(b *testing.B) {
	resolver := NewLogResolver()
	q := ProcessQuery{PPID: 1, Executable: "/usr/bin/curl", Time: 1000}
	b.ReportAllocs()
	for b.Loop() {
		q.PID++
		resolver.Identify(q)
	}
}
