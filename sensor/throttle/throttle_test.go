package throttle

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"
	"unsafe"

	"tripline/detect"
	"tripline/normalize"
)

// event is an event with the fields that a throttle reads.
type event struct {
	values map[detect.FieldID]detect.Value
	time   int64
}

func (e *event) Time() int64                          { return e.time }
func (e *event) Tiebreaker() (int64, bool)            { return 0, false }
func (e *event) Value(id detect.FieldID) detect.Value { return e.values[id] }
func (e *event) Retain()                              {}
func (e *event) Release()                             {}

func by(executable string, port int64) *event {
	schema := normalize.Schema()
	e := &event{values: map[detect.FieldID]detect.Value{}}
	for name, value := range map[string]detect.Value{
		"process.executable": detect.String(executable), "user.id": detect.String("0"),
		"destination.ip": detect.String("192.0.2.1"), "destination.port": detect.Int(port),
	} {
		field, _ := schema.Field(name)
		e.values[field.ID] = value
	}
	return e
}

func ruleOf(id string, signals int, interval string) *detect.Rule {
	return &detect.Rule{Definition: detect.Definition{RuleID: id, MaxSignals: signals, Interval: interval}}
}

func matchOf(rule *detect.Rule, executable string, port int64) detect.Match {
	return detect.Match{Rule: rule, Events: []detect.Event{by(executable, port), nil}}
}

// clock is a time that a test sets.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func newThrottle(c *clock) *Throttle {
	number := 0
	return New(normalize.Schema(), func(detect.Match) string { number++; return fmt.Sprint("id", number) }, c.read)
}

// drain runs a throttle to its end and returns the summaries.
func drain(t *Throttle) (all []Summary) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	t.Run(ended, func(one Summary) { all = append(all, one) })
	return all
}

func TestSummary(t *testing.T) {
	c := newClock()
	throttle := newThrottle(c)
	rule, other := ruleOf("a", 3, "5m"), ruleOf("b", 3, "5m")
	raised := 0
	for i := range 10 {
		c.move(time.Second)
		executable := "/bin/x"
		if i%2 == 1 {
			executable = "/bin/y"
		}
		if throttle.Admit(matchOf(rule, executable, 443)) {
			raised++
		}
	}
	if !throttle.Admit(matchOf(other, "/bin/z", 1)) {
		t.Error("another rule is throttled too")
	}
	all := drain(throttle)
	if raised != 3 || len(all) != 1 || throttle.Suppressed() != 7 {
		t.Fatalf("%d raised, %d suppressed, %d summaries", raised, throttle.Suppressed(), len(all))
	}
	one := all[0]
	if one.Rule != rule || one.Count != 7 || one.FirstID != "id1" || one.Signals != 3 || one.To.Sub(one.From) != 5*time.Minute || one.Last.Sub(one.First) != 6*time.Second {
		t.Errorf("the summary is %+v", one)
	}
	want := []Group{{"/bin/y", "0", "192.0.2.1", 443, 4}, {"/bin/x", "0", "192.0.2.1", 443, 3}}
	if len(one.Groups) != 2 || one.Groups[0] != want[0] || one.Groups[1] != want[1] {
		t.Errorf("the groups are %+v", one.Groups)
	}
}

func TestIntervals(t *testing.T) {
	c := newClock()
	throttle := newThrottle(c)
	rule := ruleOf("a", 1, "1m")
	admit := func() bool { return throttle.Admit(matchOf(rule, "/bin/x", 1)) }
	if !admit() || admit() {
		t.Error("not one alert in the first interval")
	}
	c.move(time.Minute)
	if !admit() || admit() {
		t.Error("not one alert in the second interval")
	}
	c.move(-time.Hour) // the clock is set back
	if !admit() || admit() {
		t.Error("not one alert after the clock was set back")
	}
	all := drain(throttle)
	if len(all) != 3 {
		t.Errorf("%d summaries of three intervals", len(all))
	}
	for _, one := range all {
		if one.Count != 1 {
			t.Errorf("%+v", one)
		}
	}
}

// TestGroupsAreBounded tells no more groups apart than there is room for, and
// counts the rest.
func TestGroupsAreBounded(t *testing.T) {
	throttle := newThrottle(newClock())
	rule := ruleOf("a", 1, "")
	for i := range 1000 {
		throttle.Admit(matchOf(rule, fmt.Sprint("/bin/", i), 1))
	}
	one := drain(throttle)[0]
	sum := one.Others
	for _, group := range one.Groups {
		sum += group.Count
	}
	if len(one.Groups) != groupLimit || sum != 999 || one.Count != 999 {
		t.Errorf("%d groups, %d of %d", len(one.Groups), sum, one.Count)
	}
}

// TestKeepsCopies of texts that are only valid during the call.
func TestKeepsCopies(t *testing.T) {
	throttle := newThrottle(newClock())
	rule := ruleOf("a", 1, "")
	throttle.Admit(matchOf(rule, "/bin/x", 1))
	text := []byte("/bin/x")
	match := matchOf(rule, "", 1)
	schema := normalize.Schema()
	field, _ := schema.Field("process.executable")
	match.Events[0].(*event).values[field.ID] = detect.String(unsafe.String(&text[0], len(text)))
	throttle.Admit(match)
	copy(text, "xxxxxx")
	if one := drain(throttle)[0]; one.Groups[0].Executable != "/bin/x" {
		t.Errorf("the groups are %+v", one.Groups)
	}
}

// TestRunWaits gives a summary when its interval has ended, without a further
// match.
func TestRunWaits(t *testing.T) {
	throttle := New(normalize.Schema(), func(detect.Match) string { return "id" }, time.Now)
	summaries := make(chan Summary, 1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		throttle.Run(ctx, func(one Summary) { summaries <- one })
	}()
	rule := ruleOf("a", 1, "1s")
	throttle.Admit(matchOf(rule, "/bin/x", 1))
	throttle.Admit(matchOf(rule, "/bin/x", 1))
	select {
	case one := <-summaries:
		if one.Count != 1 {
			t.Errorf("%+v", one)
		}
	case <-time.After(20 * time.Second):
		t.Error("no summary at the end of the interval")
	}
	cancel()
	<-ended
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "30s": 30 * time.Second, "1h": time.Hour, "2d": 48 * time.Hour,
		"": 5 * time.Minute, "m": 5 * time.Minute, "0m": 5 * time.Minute, "-1m": 5 * time.Minute, "5x": 5 * time.Minute,
		"99999999999999999999d": 5 * time.Minute, "2000000000d": 5 * time.Minute,
	} {
		if got := Interval(ruleOf("a", 1, text)); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}
