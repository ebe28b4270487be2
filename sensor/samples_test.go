package sensor

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/sensor/alert"
	"tripline/sensor/selftest"
	"tripline/sensor/source"
)

// runLines puts lines of a log through the shipped rule and calls the samples as
// the sensor does. It counts the alerts, and those that were marked as tests.
func runLines(t *testing.T, log string, s *samples) (alerts, tests int) {
	t.Helper()
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newPipeline(rules, Limits(config.Default().Detect), nil)
	p.report = func(err error) { t.Error(err) }
	p.isTest = s.match
	p.onAlert = func(made alert.Alert) {
		alerts++
		if made.Test {
			tests++
		}
		s.raised()
	}
	for line := range strings.Lines(log) {
		p.add([]source.Message{{Data: bytes.TrimSpace([]byte(line))}})
	}
	p.finish(true)
	return alerts, tests
}

// TestSamples gives alerts to the techniques whose processes they are about.
func TestSamples(t *testing.T) {
	log, err := os.ReadFile("../testdata/positive.log")
	if err != nil {
		t.Fatal(err)
	}
	const pid = 31790 // what the log is about
	for _, test := range []struct {
		name           string
		pid            int
		judged         string
		tests, counted int
	}{
		{"its process", pid, shippedRule, 1, 1},
		{"any rule", pid, "", 1, 1},
		{"another rule is judged", pid, "another", 1, 0},
		{"another process", pid + 1, shippedRule, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &samples{judged: test.judged}
			one := &sample{technique: selftest.Basic()[0], began: time.Now(), alerted: make(chan struct{})}
			s.register(test.pid, one)
			alerts, tests := runLines(t, string(log), s)
			counted, record, _ := s.seen(one)
			if alerts != 1 || tests != test.tests || counted != test.counted {
				t.Errorf("%d alerts, %d tests, %d counted", alerts, tests, counted)
			}
			if test.counted > 0 && record != "SYSCALL connect (x86_64)" {
				t.Errorf("the record is %q", record)
			}
			select {
			case <-one.alerted:
				if test.counted == 0 {
					t.Error("the sample is said to be detected")
				}
			default:
				if test.counted > 0 {
					t.Error("the sample is not said to be detected")
				}
			}
			s.forget(one)
			if _, tests := runLines(t, string(log), s); tests != 0 {
				t.Error("a process that was given back still counts as a test")
			}
		})
	}
}

// TestMinute holds the rule's minute to the millisecond.
func TestMinute(t *testing.T) {
	for _, test := range []struct {
		after  time.Duration
		alerts int
	}{
		{59999 * time.Millisecond, 1},
		{60000 * time.Millisecond, 1},
		{60001 * time.Millisecond, 0},
		{61 * time.Second, 0},
		{-time.Millisecond, 0},
	} {
		t.Run(test.after.String(), func(t *testing.T) {
			began := time.Unix(1700000000, 0)
			record := func(at time.Time, sequence int, rest string) string {
				return fmt.Sprintf("msg=audit(%d.%03d:%d): %s\n", at.Unix(), at.Nanosecond()/1e6, sequence, rest)
			}
			const who = ` items=0 ppid=1 pid=4321 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="x" exe="/tmp/x" key="tripline"`
			log := "type=SYSCALL " + record(began, 10, "arch=c000003e syscall=42 success=no exit=-111 a0=3 a1=0 a2=10 a3=0"+who) +
				"type=SOCKADDR " + record(began, 10, "saddr=020000097F0000010000000000000000")
			setsid := "type=SYSCALL " + record(began.Add(test.after), 11, "arch=c000003e syscall=112 success=yes exit=4321 a0=0 a1=0 a2=0 a3=0"+who)
			if test.after < 0 {
				log = setsid + log
			} else {
				log += setsid
			}
			if alerts, _ := runLines(t, log, &samples{}); alerts != test.alerts {
				t.Errorf("%d alerts, want %d", alerts, test.alerts)
			}
		})
	}
}

// TestNoSuspects says of a miss without a cause that there is none.
func TestNoSuspects(t *testing.T) {
	s := &Sensor{plan: testPlan(), watch: &watch{control: &fakeControl{}}, features: kernel.Features{Machine: "x86_64"}}
	if text := s.suspects(); !strings.Contains(text, "nothing is known that hides it") {
		t.Errorf("it says %q", text)
	}
}

// TestExplainMiss explains the misses of what a plan names as a blind spot, and no
// other.
func TestExplainMiss(t *testing.T) {
	spot := auditrules.BlindSpot{What: "connections through io_uring", Why: "not audited", Since: "5.16"}
	s := &Sensor{plan: &auditrules.Plan{BlindSpots: []auditrules.BlindSpot{spot}}, watch: &watch{}}
	for _, test := range []struct {
		technique string
		explained bool
	}{{"iouring", true}, {"iouring-sqpoll", true}, {"connect-setsid", false}, {"x32", false}, {"fastopen-sendto", false}} {
		technique, err := selftest.Find(test.technique)
		if err != nil {
			t.Fatal(err)
		}
		reason := s.explainMiss(technique)
		if (reason != "") != test.explained || test.explained && !strings.Contains(reason, "5.16") {
			t.Errorf("%s: %q", test.technique, reason)
		}
	}
}
