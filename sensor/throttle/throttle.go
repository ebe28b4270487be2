package throttle

import (
	"context"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tripline/detect"
)

const (
	// groupLimit bounds how many groups a summary tells apart.
	groupLimit = 32
	// defaultInterval and defaultSignals are those of Elastic's detection engine.
	defaultInterval = 5 * time.Minute
	defaultSignals  = 100
)

// Summary is what became of the matches of a rule that were not raised one by one
// in one interval.
type Summary struct {
	Rule *detect.Rule
	// FirstID is the alert id that the first of them would have had. It makes the
	// summary's own.
	FirstID string
	// From and To bound the interval; Signals is how many alerts it allows.
	From, To time.Time
	Signals  int
	// Count is how many matches were not raised, First and Last when the first
	// and the last of them were matched.
	Count       uint64
	First, Last time.Time
	// Groups tell who it was, in the order in which they appeared; Others counts
	// the matches of further ones.
	Groups []Group
	Others uint64
}

// Group is who caused matches that were not raised.
type Group struct {
	Executable, User, Destination string
	Port                          int64
	Count                         uint64
}

// Tally is a Summary that is being counted.
type Tally struct {
	Summary Summary
	places  map[Group]int // by a Group without its count
}

// window is one interval of one rule.
type window struct {
	Tally
	raised int
}

// Throttle decides which matches become alerts. It may be used by any goroutine.
type Throttle struct {
	identify func(detect.Match) string
	now      func() time.Time
	read     reader

	mu      sync.Mutex
	windows map[string]*window // by rule id
	byRule  map[string]uint64  // what was suppressed
	ended   []Summary
	changed chan struct{}

	suppressed atomic.Uint64
}

// New makes a throttle for the events of a schema. identify is the id that a
// match's alert has; now reads the clock.
func New(schema detect.Schema, identify func(detect.Match) string, now func() time.Time) *Throttle {
	return &Throttle{
		identify: identify, now: now, read: newReader(schema),
		windows: make(map[string]*window), byRule: make(map[string]uint64), changed: make(chan struct{}, 1),
	}
}

// Admit says whether the match is raised as an alert of its own; one that is not is
// counted. The match is read during the call only.
func (t *Throttle) Admit(match detect.Match) bool {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.windows[match.Rule.RuleID]
	if one == nil || !now.Before(one.Summary.To) || now.Before(one.Summary.From) {
		t.end(one)
		one = newWindow(match.Rule, now)
		t.windows[match.Rule.RuleID] = one
	}
	if one.raised < one.Summary.Signals {
		one.raised++
		return true
	}
	t.suppressed.Add(1)
	t.byRule[match.Rule.RuleID]++
	if one.Summary.Count == 0 {
		one.Summary.FirstID = t.identify(match)
		t.wake()
	}
	one.Summary.Rule = match.Rule
	one.Add(t.read.who(match), now)
	return false
}

// end takes a window's summary to those that are due.
func (t *Throttle) end(one *window) {
	if one != nil && one.Summary.Count > 0 {
		t.ended = append(t.ended, one.Summary)
		t.wake()
	}
}

func (t *Throttle) wake() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

func newWindow(rule *detect.Rule, now time.Time) *window {
	return &window{Tally: Tally{Summary: Summary{Rule: rule, From: now, To: now.Add(Interval(rule)), Signals: Signals(rule)}}}
}

// Signals is how many alerts a rule may raise in an interval: its max_signals, 100
// where it has none.
func Signals(rule *detect.Rule) int {
	if rule.MaxSignals > 0 {
		return rule.MaxSignals
	}
	return defaultSignals
}

// Add counts a match at a time, by a group whose Count is 0. The group's texts are
// copied where they are kept.
func (t *Tally) Add(who Group, at time.Time) {
	s := &t.Summary
	if s.Count == 0 {
		s.First = at
	}
	s.Count++
	s.Last = at
	if place, known := t.places[who]; known {
		s.Groups[place].Count++
		return
	}
	if len(s.Groups) >= groupLimit {
		s.Others++
		return
	}
	if t.places == nil {
		t.places = make(map[Group]int)
	}
	who.Executable, who.User, who.Destination = strings.Clone(who.Executable), strings.Clone(who.User), strings.Clone(who.Destination)
	t.places[who] = len(s.Groups)
	who.Count = 1
	s.Groups = append(s.Groups, who)
}

// Suppressed counts the matches that were not raised, of all rules.
func (t *Throttle) Suppressed() uint64 { return t.suppressed.Load() }

// SuppressedByRule counts them for each rule, by its id.
func (t *Throttle) SuppressedByRule() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.byRule)
}

// Run calls emit with the summary of every interval in which matches were not
// raised, when the interval has ended, and with those of the running ones when ctx
// ends. While nothing is suppressed it sleeps.
func (t *Throttle) Run(ctx context.Context, emit func(Summary)) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		due, next := t.take(false)
		for _, one := range due {
			emit(one)
		}
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(next.Sub(t.now()), time.Millisecond))
		}
		select {
		case <-t.changed:
		case <-timer.C:
		case <-ctx.Done():
			due, _ := t.take(true)
			for _, one := range due {
				emit(one)
			}
			return
		}
	}
}

// take returns the summaries that are due, or all, and when the next will be; the
// zero time where none waits.
func (t *Throttle) take(all bool) (due []Summary, next time.Time) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for id, one := range t.windows {
		switch end := one.Summary.To; {
		case all || !now.Before(end):
			t.end(one)
			delete(t.windows, id)
		case one.Summary.Count > 0 && (next.IsZero() || end.Before(next)):
			next = end
		}
	}
	due, t.ended = t.ended, nil
	return due, next
}
