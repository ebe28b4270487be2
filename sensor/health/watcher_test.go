package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/normalize"
)

// fakeHost is a sensor and its kernel.
type fakeHost struct {
	status    kernel.Status
	statusErr error
	missing   []auditrules.Rule
	hidden    []auditrules.Finding
	counters  Counters
	open      []OpenWindow
	mended    int
	refuse    error
	gone      map[uint32]bool
}

func (f *fakeHost) Status() (kernel.Status, error) { return f.status, f.statusErr }
func (f *fakeHost) Look() ([]auditrules.Rule, []auditrules.Finding, error) {
	return f.missing, f.hidden, nil
}

func (f *fakeHost) Reinstall([]auditrules.Rule) error        { f.mended++; return f.refuse }
func (f *fakeHost) Enable() error                            { f.mended++; return f.refuse }
func (f *fakeHost) Reclaim(context.Context) error            { f.mended++; return f.refuse }
func (f *fakeHost) Counters(context.Context) Counters        { return f.counters }
func (f *fakeHost) OpenWindows(context.Context) []OpenWindow { return f.open }
func (f *fakeHost) Alive(pid uint32) bool                    { return !f.gone[pid] }

// bench is a Watcher with clocks that the test moves.
type bench struct {
	host    *fakeHost
	watcher *Watcher
	now     time.Time
	elapsed time.Duration
	told    []Message
}

const ownPID = 42

func newBench(options Options) *bench {
	b := &bench{now: time.Unix(1e9, 0), host: &fakeHost{status: kernel.Status{Enabled: 1, PID: ownPID, BacklogLimit: 8192}}}
	options.Host, options.PID, options.Owner, options.Key = b.host, ownPID, true, "tripline"
	options.Now, options.Elapsed = func() time.Time { return b.now }, func() time.Duration { return b.elapsed }
	options.Board = NewBoard(func(m Message) { b.told = append(b.told, m) }, options.Now)
	b.watcher = NewWatcher(options)
	b.look()
	return b
}

// look lets five seconds pass and looks.
func (b *bench) look() {
	b.pass(interval)
	b.watcher.Check(context.Background())
}

func (b *bench) pass(d time.Duration) { b.now, b.elapsed = b.now.Add(d), b.elapsed+d }

// said lists what was told, as "+id" and "-id", and forgets it.
func (b *bench) said() string {
	var all []string
	for _, m := range b.told {
		sign := "+"
		if m.Cleared {
			sign = "-"
		}
		all = append(all, sign+m.ID)
	}
	b.told = nil
	return strings.Join(all, " ")
}

func TestConditions(t *testing.T) {
	rule := []auditrules.Rule{{Line: "-a always,exit -S connect"}}
	for _, test := range []struct {
		name    string
		options Options
		change  func(b *bench)
		back    func(b *bench)
		raised  string
		cleared string
	}{
		{"locked", Options{}, func(b *bench) { b.host.status.Enabled = 2 }, nil, "+audit_locked", ""},
		{"off", Options{}, func(b *bench) { b.host.status.Enabled = 0 }, func(b *bench) { b.host.status.Enabled = 1 }, "+auditing_off", "-auditing_off"},
		{"off, and on again by itself", Options{Reenable: true}, func(b *bench) { b.host.status.Enabled = 0 }, nil, "+auditing_off -auditing_off", "+auditing_off -auditing_off"},
		{"socket taken", Options{}, func(b *bench) { b.host.status.PID = 99 }, func(b *bench) { b.host.status.PID = ownPID }, "+socket_taken", "-socket_taken"},
		{"socket lost for good", Options{}, func(b *bench) { b.host.status.PID, b.host.refuse = 0, errors.New("no") }, func(b *bench) { b.host.status.PID = ownPID }, "+socket_lost", "-socket_lost"},
		{"the kernel may panic", Options{}, func(b *bench) { b.host.status.Failure = 2 }, func(b *bench) { b.host.status.Failure = 1 }, "+setting_changed:failure", "-setting_changed:failure"},
		{"programs may wait", Options{}, func(b *bench) { b.host.status.BacklogWaitTime = 6000 }, func(b *bench) { b.host.status.BacklogWaitTime = 0 }, "+setting_changed:backlog_wait_time", "-setting_changed:backlog_wait_time"},
		{"a backlog without limit gets one", Options{}, func(b *bench) { b.watcher.expected.BacklogLimit, b.host.status.BacklogLimit = 0, 64 }, func(b *bench) { b.host.status.BacklogLimit = 0 }, "+setting_changed:backlog_limit", "-setting_changed:backlog_limit"},
		{"a counter begins anew", Options{}, func(b *bench) {
			b.host.counters.SequencesEvicted = 9
			b.look()
			b.said()
			b.host.counters.SequencesEvicted = 2 // a rule was reloaded
		}, func(b *bench) { b.pass(quiet) }, "", "-sequences_evicted"},
		{"a better setting", Options{}, func(b *bench) { b.host.status.BacklogLimit = 1 << 16 }, nil, "", ""},
		{"rules stay deleted", Options{}, func(b *bench) { b.host.missing = rule; b.pass(lookInterval) }, func(b *bench) { b.host.missing = nil; b.pass(lookInterval) }, "+rules_deleted", "-rules_deleted"},
		{"rules are added again", Options{Reinstall: true}, func(b *bench) { b.host.missing = rule; b.pass(lookInterval) }, nil, "+rules_deleted -rules_deleted", ""},
		{"unreadable", Options{}, func(b *bench) { b.host.counters.Unreadable = 3 }, func(b *bench) { b.pass(quiet) }, "+records_unreadable", "-records_unreadable"},
		{"evicted events with open windows", Options{}, func(b *bench) { b.host.counters.EventsEvicted, b.host.open = 3, []OpenWindow{{"id", "name", 2}} }, func(b *bench) { b.pass(quiet) }, "+events_evicted +window_incomplete:id", "-events_evicted -window_incomplete:id"},
		{"alerts dropped", Options{}, func(b *bench) { b.host.counters.Outputs = []OutputCounters{{"file", 0, 1, 0}} }, func(b *bench) { b.pass(quiet) }, "+alerts_dropped:file", "-alerts_dropped:file"},
		{"an output hangs", Options{}, func(b *bench) {
			b.host.counters.Outputs = []OutputCounters{{"file", 5, 0, 2}}
			b.look()
			b.pass(stallLimit)
		}, func(b *bench) { b.host.counters.Outputs[0].Written = 6 }, "+output_failing:file", "-output_failing:file"},
		{"the clock is set", Options{}, func(b *bench) { b.now = b.now.Add(-time.Hour) }, nil, "+clock_jump -clock_jump", ""},
		{"the lost counter is reset", Options{}, func(b *bench) { b.host.status.Lost = 0 }, nil, "", ""},
		{"a ring of a program", Options{}, func(b *bench) {
			b.watcher.RingSetUp(Ring{Who: Who{PID: 7, Executable: "/usr/bin/ring"}})
			b.watcher.RingSetUp(Ring{Who: Who{PID: 8, Executable: "/usr/bin/ring"}})
			b.look()
			b.host.gone = map[uint32]bool{7: true}
		}, func(b *bench) { b.host.gone[8] = true }, "+ring_unseen:/usr/bin/ring", "-ring_unseen:/usr/bin/ring"},
		{"status unreadable", Options{}, func(b *bench) { b.host.statusErr = errors.New("no") }, func(b *bench) { b.host.statusErr = nil }, "+status_unreadable", "-status_unreadable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(test.options)
			test.change(b)
			b.look()
			if got := b.said(); got != test.raised {
				t.Errorf("told %q, want %q", got, test.raised)
			}
			if test.back != nil {
				test.back(b)
				b.look()
				if got := b.said(); got != test.cleared {
					t.Errorf("told %q afterwards, want %q", got, test.cleared)
				}
			}
		})
	}
}

// worse lets a condition of the given kind begin and grow, and fails unless both is
// told, and the growth in the words and at the level given.
func (b *bench) worse(t *testing.T, kind Kind, begin, grow func(), says string) {
	t.Helper()
	for _, change := range []func(){begin, func() {}, grow, func() {}} {
		change()
		b.pass(lookInterval)
		b.look()
	}
	if len(b.told) != 2 || b.told[0].Kind != kind || b.told[1].Kind != kind || b.told[1].Cleared || !strings.Contains(b.told[1].What, says) {
		t.Errorf("told %+v", b.told)
	}
}

// TestHarmlessCoversForNothing lets conditions that hold grow.
func TestHarmlessCoversForNothing(t *testing.T) {
	harmless := auditrules.Finding{Line: "-a never,exit -F exe=/usr/sbin/crond", Effect: auditrules.HidesSome, Text: "hides crond"}
	evil := auditrules.Finding{Line: "-a never,exit -S all", Effect: auditrules.HidesAll, Text: "hides all"}
	t.Run("rules that hide", func(t *testing.T) {
		b := newBench(Options{})
		b.worse(t, RulesShadowed,
			func() { b.host.hidden = []auditrules.Finding{harmless} },
			func() { b.host.hidden = []auditrules.Finding{harmless, evil} }, "2 rules of others hide from the sensor what it looks for; the worst hides all")
	})
	t.Run("one of them is deleted and comes back", func(t *testing.T) {
		b := newBench(Options{})
		b.worse(t, RulesShadowed,
			func() { b.host.hidden = []auditrules.Finding{harmless} },
			func() {
				b.host.hidden = nil
				b.pass(lookInterval)
				b.look()
				b.told = b.told[:1]
				b.host.hidden = []auditrules.Finding{harmless}
			}, "hides crond")
	})
	t.Run("deleted rules", func(t *testing.T) {
		b := newBench(Options{})
		b.worse(t, RulesDeleted,
			func() { b.host.missing = []auditrules.Rule{{Line: "one"}} },
			func() { b.host.missing = []auditrules.Rule{{Line: "one"}, {Line: "two"}} }, "2 of the sensor's")
	})
	t.Run("a setting", func(t *testing.T) {
		b := newBench(Options{})
		b.worse(t, SettingChanged,
			func() { b.host.status.BacklogLimit = 4096 }, func() { b.host.status.BacklogLimit = 1 }, "from 8192 to 1:")
	})
	t.Run("the socket", func(t *testing.T) {
		b := newBench(Options{})
		b.worse(t, SocketTaken, func() { b.host.status.PID = 98 }, func() { b.host.status.PID = 99 }, "process 99 took")
	})
}

// TestRelayed watches the audit daemon through which records reach the sensor: without
// it nothing is seen.
func TestRelayed(t *testing.T) {
	for name, daemon := range map[string]uint32{"from the start": 0, "later": 7} {
		t.Run(name, func(t *testing.T) {
			b := newBench(Options{})
			b.watcher.Owner, b.watcher.Relayed = false, true
			b.watcher.started, b.watcher.Daemon = false, daemon
			b.host.status.PID = daemon
			b.look()
			b.host.status.PID = 0
			b.look()
			b.look()
			if len(b.told) != 1 || b.told[0].Kind != DaemonStopped || b.told[0].Level() != "error" || !strings.Contains(b.told[0].What, "nothing is seen") {
				t.Fatalf("told %+v", b.told)
			}
			b.look()
			b.host.status.PID = 8
			b.look()
			if got := b.said(); got != "+daemon_stopped -daemon_stopped +daemon_started -daemon_started" {
				t.Errorf("told %q", got)
			}
		})
	}
}

// TestRingsOfManyPrograms lets a process change its name for every ring: few are told
// of, and it ends.
func TestRingsOfManyPrograms(t *testing.T) {
	b := newBench(Options{})
	b.host.gone = map[uint32]bool{7: true}
	for range 20 {
		for i := range 50 {
			b.watcher.RingSetUp(Ring{Who: Who{PID: 7, Executable: fmt.Sprintf("/tmp/%d-%v", i, b.elapsed)}})
		}
		b.look()
	}
	if len(b.told) > 2*maxPrograms+burst || len(b.watcher.ringed) > maxPrograms {
		t.Errorf("%d messages, %d programs remembered", len(b.told), len(b.watcher.ringed))
	}
	b.pass(ringMemory)
	b.look()
	b.pass(refill)
	b.look()
	if active := b.watcher.Board.Active(); len(active) != 0 || len(b.watcher.ringed) != 0 {
		t.Errorf("in the end %+v hold, %d programs are remembered", active, len(b.watcher.ringed))
	}
}

// TestWindowsOfManyRules loses records while more rules have windows than are told one
// by one.
func TestWindowsOfManyRules(t *testing.T) {
	b := newBench(Options{})
	for i := range 3 * maxWindows {
		b.host.open = append(b.host.open, OpenWindow{ID: fmt.Sprint(i), Pending: 1})
	}
	for range 2 {
		b.host.counters.Overruns++
		b.look()
	}
	if told := b.said(); strings.Count(told, "window_incomplete:") != maxWindows+1 || !strings.Contains(told, "+window_incomplete:more") {
		t.Errorf("told %q", told)
	}
	b.host.open = nil
	b.pass(quiet)
	b.look()
	if active := b.watcher.Board.Active(); len(active) != 0 {
		t.Errorf("in the end %+v hold", active)
	}
}

// TestNeverFights lets somebody delete the rules again after every repair.
func TestNeverFights(t *testing.T) {
	b := newBench(Options{Reinstall: true})
	b.host.missing = []auditrules.Rule{{Line: "x"}}
	b.pass(lookInterval)
	for b.elapsed < 25*time.Minute {
		b.watcher.Changed(Change{Operation: "remove_rule", Key: "tripline", Done: true, Who: Who{PID: 7}})
		b.look()
	}
	if b.host.mended != mendBurst {
		t.Errorf("the rules were added %d times in 20 minutes, want %d", b.host.mended, mendBurst)
	}
	if told := b.said(); !strings.Contains(told, "+rules_deleted:again") || strings.Count(told, "rules_deleted ") > 2*burst {
		t.Errorf("it told %q", told)
	}
}

// TestWhoAndSince attributes a change to the record about it, and not to the
// sensor's own.
func TestWhoAndSince(t *testing.T) {
	b := newBench(Options{})
	at := b.now.Add(time.Second)
	b.watcher.Changed(Change{Time: at, Setting: "audit_enabled", Old: 1, New: 0, Done: true, Who: Who{PID: 7, Executable: "/usr/sbin/auditctl", AuditID: "1000"}})
	b.watcher.Changed(Change{Time: at, Setting: "audit_enabled", Old: 1, New: 0, Done: true, Who: Who{PID: ownPID}})
	b.host.status.Enabled = 0
	b.look()
	if len(b.told) != 1 || b.told[0].Who == nil || b.told[0].Who.PID != 7 || !b.told[0].Since.Equal(at) {
		t.Fatalf("told %+v", b.told)
	}
	text, err := b.told[0].Document(&normalize.HostFacts{ID: "host"})
	if err != nil || !json.Valid(text) {
		t.Fatalf("%s, %v", text, err)
	}
	for _, part := range []string{`"auid":"1000"`, `"since":"2001-09-09T01:46:46.000Z"`, `"category":["configuration"]`, `"level":"error"`, `"host":{`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the document lacks %s: %s", part, text)
		}
	}
	if text := string(b.told[0].Text()); !strings.Contains(text, "HEALTH RAISED  auditing_off") || !strings.Contains(text, "/usr/sbin/auditctl, pid 7, logged in as 1000") {
		t.Errorf("the text is:\n%s", text)
	}
}

// TestFlappingIsBounded lets a condition come and go every second for an hour;
// the last state is told in the end.
func TestFlappingIsBounded(t *testing.T) {
	now := time.Unix(0, 0)
	var told []Message
	board := NewBoard(func(m Message) { told = append(told, m) }, func() time.Time { return now })
	for range 3600 {
		board.Raise(Condition{Kind: ReceiveOverrun})
		board.Clear(ReceiveOverrun, "", "over", nil)
		now = now.Add(time.Second)
		board.Tick()
	}
	board.Raise(Condition{Kind: ReceiveOverrun})
	now = now.Add(refill)
	board.Tick()
	if len(told) > burst+2*int(time.Hour/refill) {
		t.Errorf("%d messages in an hour", len(told))
	}
	if last := told[len(told)-1]; last.Cleared || last.Suppressed == 0 {
		t.Errorf("the last is %+v", last)
	}
}

func TestLossesBetween(t *testing.T) {
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0) }
	var l Losses
	for i := range int64(3 * maxLosses) {
		l.Add(Loss{Kind: ReceiveOverrun, From: at(10 * i), To: at(10*i + 5), Count: 1})
	}
	if sum, kinds := l.Between(at(1911), at(1914)); sum.Count != 1 || len(kinds) != 1 {
		t.Errorf("%+v, %q", sum, kinds)
	}
	if _, kinds := l.Between(at(1906), at(1909)); kinds != nil {
		t.Errorf("between two losses there is %q", kinds)
	}
	if sum, _ := l.Between(at(0), at(5000)); sum.Count != 3*maxLosses {
		t.Errorf("all are %d", sum.Count)
	}
}
