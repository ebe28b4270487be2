package normalize

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestThreadsInALog(t *testing.T) {
	shell := ProcessQuery{PID: 10, PPID: 9, AUID: 1000, Session: 3, Executable: "/bin/bash", Time: 1000, Sequence: 1}
	started := ProcessQuery{PID: 20, PPID: 10, AUID: 1000, Session: 3, Executable: "/bin/curl", Executes: true, Time: 2000, Sequence: 2}
	thread := ProcessQuery{PID: 21, PPID: 10, AUID: 1000, Session: 3, Executable: "/bin/curl", Time: 3000, Sequence: 3}
	with := func(q ProcessQuery, change func(*ProcessQuery)) ProcessQuery {
		change(&q)
		return q
	}
	second := with(started, func(q *ProcessQuery) { q.PID, q.Sequence = 30, 9 })
	for name, test := range map[string]struct {
		before []ProcessQuery
		query  ProcessQuery
		same   bool
	}{
		"a thread":           {[]ProcessQuery{shell, started}, thread, true},
		"an unknown parent":  {[]ProcessQuery{started}, thread, false},
		"the parent's child": {[]ProcessQuery{with(shell, func(q *ProcessQuery) { q.Executable = "/bin/curl" }), started}, thread, false},
		"a second process":   {[]ProcessQuery{shell, started, second}, thread, false},
		"another login":      {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.AUID = 0 }), false},
		"another session":    {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.Session = 4 }), false},
		"another parent":     {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.PPID = 9 }), false},
		"another program":    {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.Executable = "/bin/wget" }), false},
		"another host":       {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.Node = "b" }), false},
		"executed itself":    {[]ProcessQuery{shell, started}, with(thread, func(q *ProcessQuery) { q.Executes = true }), false},
		"no exec was seen":   {[]ProcessQuery{shell, with(started, func(q *ProcessQuery) { q.Executes = false })}, thread, false},
		"the process went on to another program": {
			[]ProcessQuery{shell, started, with(started, func(q *ProcessQuery) { q.Executable, q.Sequence = "/bin/sh", 8 })}, thread, false,
		},
	} {
		resolver := NewLogResolver()
		for _, query := range test.before {
			resolver.Identify(query)
		}
		got := resolver.Identify(test.query)
		leader := resolver.Identify(with(started, func(q *ProcessQuery) { q.Executes = false }))
		same := got.EntityID == leader.EntityID && got.PID == started.PID
		if same != test.same || !got.Inferred {
			t.Errorf("%s: got %+v beside %+v, same is to be %v", name, got, leader, test.same)
		}
		if again := resolver.Identify(test.query); again != got {
			t.Errorf("%s: got %+v, then %+v", name, got, again)
		}
	}
}

// TestThreadsOfRHEL7 reads a log of a kernel whose pid= is the thread: curl
// resolves names in a thread of its own, 1551, of process 1550.
func TestThreadsOfRHEL7(t *testing.T) {
	needCorpora(t)
	// Records that auditd could not read are left out.
	lines := slices.DeleteFunc(splitLines(readFile(t, filepath.Join(corpora, "beats/audit-rhel7.log"))), func(line string) bool {
		return !strings.Contains(line, "audit(")
	})
	events, _ := run(t, Options{Ordered: true}, lines...)
	var entity string
	threads := 0
	for _, event := range events {
		if event.text("process.executable") != "/usr/bin/curl" {
			continue
		}
		if entity == "" {
			entity = event.text("process.entity_id")
		}
		if got := event.text("process.entity_id"); got != entity || event.fields["process.pid"].Int() != 1550 {
			t.Errorf("not of the process: %s", event.json)
		}
		if event.text("tripline.identity") != "inferred" {
			t.Errorf("what was inferred is not said: %s", event.json)
		}
		if thread, ok := event.fields["process.thread.id"]; ok && thread.Int() == 1551 {
			threads++
		}
	}
	if threads != 22 {
		t.Errorf("%d events of the thread, want 22", threads)
	}
}
