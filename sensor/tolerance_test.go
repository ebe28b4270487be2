package sensor

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/source"
)

// quietSource hands out a recorded log as if it came live, and then nothing
// more.
type quietSource struct {
	source.Source
	t    *testing.T
	stop bool
	done bool
	// quiet counts the waits after the log's end.
	quiet int
}

func (q *quietSource) Receive(wait time.Duration) ([]source.Message, error) {
	if q.stop {
		return nil, source.ErrInterrupted
	}
	if q.done {
		if q.quiet++; wait < 0 || q.quiet > 100 {
			q.t.Error("the pipeline waits for ever although an event is held back")
			return nil, source.ErrInterrupted
		}
		time.Sleep(wait)
		return nil, nil
	}
	messages, err := q.Source.Receive(wait)
	q.done = err != nil
	if q.done {
		return nil, nil
	}
	return messages, nil
}

// TestToleranceNeedsNoFurtherEvent holds events back on a stream that then goes
// quiet: time alone must let them through.
func TestToleranceNeedsNoFurtherEvent(t *testing.T) {
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("../testdata/positive.log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := source.NewLog(file)
	if err != nil {
		t.Fatal(err)
	}
	quiet := &quietSource{Source: log, t: t}
	p := newPipeline(rules, detect.Limits{Tolerance: int64(time.Second)}, normalize.NewLogResolver())
	alerts := 0
	p.onAlert = func(alert.Alert) { alerts++; quiet.stop = true }
	err = p.pumpKernel(quiet)
	if err = errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	if alerts != 1 {
		t.Errorf("%d alerts, want 1", alerts)
	}
}

// slowSource hands out parts of a log that were queued for long, one in 60 ms, and
// then nothing.
type slowSource struct {
	source.Source
	parts [][]source.Message
	quiet int
}

func (s *slowSource) Receive(wait time.Duration) ([]source.Message, error) {
	if len(s.parts) > 0 {
		time.Sleep(incompleteWait + 10*time.Millisecond)
		next := s.parts[0]
		s.parts = s.parts[1:]
		return next, nil
	}
	if s.quiet++; s.quiet > 3 {
		return nil, source.ErrInterrupted
	}
	time.Sleep(min(max(wait, incompleteWait), matchWait))
	return nil, nil
}

// setsidOf is a setsid of a process so many milliseconds after a time.
func setsidOf(pid, sequence int, from time.Time, after int) []source.Message {
	line := fmt.Sprintf("type=SYSCALL msg=audit(%.3f:%d): arch=c000003e syscall=112 success=yes exit=%d a0=0 a1=0 a2=0 a3=0 items=0 "+
		"ppid=1 pid=%d auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"a\" exe=\"/a\" key=(null)",
		float64(from.UnixMilli()+int64(after))/1000, sequence, pid, pid)
	end := line[:strings.Index(line, ": ")+2]
	return []source.Message{{Data: []byte(line)}, {Data: []byte(strings.Replace(end, "SYSCALL", "EOE", 1))}}
}

// TestAbsenceIsNotDecidedWhileEventsWait has a rule about what does not follow. What
// waits in the queue may be what it is about, however late it is by the time of day.
func TestAbsenceIsNotDecidedWhileEventsWait(t *testing.T) {
	rule := new(detect.Rule)
	rule.RuleID, rule.Name, rule.Version = "absence", "absence", 1
	rule.Query = `sequence by process.pid with maxspan=1s [process where user.id == "0"] ![process where event.action == "session_id_change"]`
	compiled, err := detect.Compile(rule, normalize.Schema())
	if err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Minute)
	for _, test := range []struct {
		name   string
		parts  [][]source.Message
		alerts int
	}{
		{"it follows", [][]source.Message{setsidOf(7, 1, long, 0), setsidOf(8, 2, long, 10), setsidOf(7, 3, long, 500)}, 2},
		{"it does not", [][]source.Message{setsidOf(7, 1, long, 0), setsidOf(8, 2, long, 10)}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPipeline([]*detect.Compiled{compiled}, detect.Limits{}, normalize.NewLogResolver())
			alerts := 0
			p.onAlert = func(alert.Alert) { alerts++ }
			if err := p.pumpKernel(&slowSource{parts: test.parts}); err != nil {
				t.Fatal(err)
			}
			if alerts != test.alerts {
				t.Errorf("%d alerts, want %d", alerts, test.alerts)
			}
			if late := p.engine.Stats().Late; late != 0 {
				t.Errorf("%d of the events are late, all in order", late)
			}
		})
	}
}

// turn is one receiving: how long it takes, what comes of it, and for how long other
// work keeps the pipeline from the next.
type turn struct {
	wait     time.Duration
	messages []source.Message
	busy     time.Duration
}

// turnSource hands out what its turns say, and then nothing.
type turnSource struct {
	source.Source
	p     *pipeline
	turns []turn
	quiet int
}

func (s *turnSource) Receive(time.Duration) ([]source.Message, error) {
	if len(s.turns) == 0 {
		if s.quiet++; s.quiet > 10 {
			return nil, source.ErrInterrupted
		}
		time.Sleep(incompleteWait)
		return nil, nil
	}
	next := s.turns[0]
	s.turns = s.turns[1:]
	if next.busy > 0 {
		s.p.tasks <- func() { time.Sleep(next.busy) }
	}
	time.Sleep(next.wait)
	return next.messages, nil
}

// TestBusyIsNoWaiting keeps the pipeline from receiving for longer than the records of
// an event are awaited, between two records of one.
func TestBusyIsNoWaiting(t *testing.T) {
	const stall = 400 * time.Millisecond
	head := fmt.Sprintf("msg=audit(%.3f:7): ", float64(time.Now().UnixMilli())/1000)
	connect := []source.Message{
		{Data: []byte("type=SYSCALL " + head + "arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=1 a2=10 a3=0 items=0 ppid=1 pid=9 euid=0 exe=\"/a\"")},
		{Data: []byte("type=SOCKADDR " + head + "saddr=020001BBC00002010000000000000000")},
		{Data: []byte("type=EOE " + head)},
	}
	first, rest := turn{messages: connect[:1]}, turn{messages: connect[1:]}
	for name, test := range map[string]struct {
		turns                    []turn
		events, incomplete, late uint64
	}{
		"busy after nothing came": {[]turn{first, {wait: incompleteWait}, {wait: incompleteWait, busy: stall}, rest}, 1, 0, 0},
		"busy with other events":  {[]turn{first, {wait: incompleteWait}, {messages: setsidOf(8, 8, time.Now(), 0), busy: stall}, rest}, 2, 0, 0},
		"not run":                 {[]turn{first, {wait: incompleteWait}, {wait: stall}, rest}, 1, 0, 0},
		"it never comes":          {[]turn{first}, 1, 1, 0},
		"it comes too late": {[]turn{
			first, {wait: incompleteWait}, {wait: incompleteWait}, {wait: incompleteWait}, {wait: incompleteWait}, {wait: incompleteWait}, rest,
		}, 1, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPipeline(nil, detect.Limits{}, normalize.NewLogResolver())
			if err := p.pumpKernel(&turnSource{p: p, turns: test.turns}); err != nil {
				t.Fatal(err)
			}
			if got := p.correlator.Stats(); got.Events != test.events || got.Incomplete != test.incomplete || got.Late != test.late {
				t.Errorf("%d events, %d incomplete, %d records late", got.Events, got.Incomplete, got.Late)
			}
		})
	}
}
