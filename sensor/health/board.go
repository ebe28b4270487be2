package health

import (
	"sync"
	"time"
)

// Who did something, as far as the kernel's records tell. Empty fields are not
// known.
type Who struct {
	PID        uint32 `json:"pid,omitempty"`
	Executable string `json:"executable,omitempty"`
	// Process is the process's name.
	Process string `json:"process,omitempty"`
	// AuditID and Name are the user who logged in.
	AuditID string `json:"auid,omitempty"`
	Name    string `json:"name,omitempty"`
	Session string `json:"session,omitempty"`
}

// Condition is something that is wrong.
type Condition struct {
	Kind Kind
	// Subject tells conditions of one kind apart: the setting, the output, the
	// rule. It is empty where there can be one only.
	Subject string
	// Since is when it began, as far as that is known.
	Since time.Time
	// What says it in a sentence.
	What string
	// Detail has figures and names.
	Detail map[string]any
	// Who did it, nil where that is not known.
	Who *Who
	// Extent tells what it is like by now, such as the rules that are gone. A
	// condition that holds is told again when it is raised with another extent.
	Extent string
	// Blind says that nothing is seen while it holds, whatever its kind.
	Blind bool
}

// ID names the condition: its kind, and its subject where it has one.
func (c Condition) ID() string {
	if c.Subject == "" {
		return string(c.Kind)
	}
	return string(c.Kind) + ":" + c.Subject
}

// Message is a condition that was raised or, with Cleared, is over.
type Message struct {
	Condition
	// ID is the condition's name, the same when it is raised and cleared.
	ID      string
	Cleared bool
	// Suppressed counts changes of the condition that were not told when they
	// happened, because there were too many.
	Suppressed uint64
	// Time is when it is said.
	Time time.Time
}

// How often one condition may be told: burst messages at once, then one more for
// every refill.
const (
	burst  = 10
	refill = 5 * time.Minute
	// maxConditions bounds the Board. There are few kinds and few subjects.
	maxConditions = 256
)

// Board remembers which conditions hold and tells when that changes.
type Board struct {
	emit func(Message)
	now  func() time.Time

	mu         sync.Mutex
	conditions map[string]*entry
	dropped    uint64
}

// entry is a condition that is or was raised.
type entry struct {
	condition Condition
	raised    bool
	// told is what was told last, changed that the extent is another since.
	told, changed bool
	tokens        int
	filled        time.Time
	suppressed    uint64
	// used is when it was raised or cleared last.
	used time.Time
}

// untold says that something is not told yet.
func (e *entry) untold() bool { return e.raised != e.told || e.changed }

// NewBoard makes a Board that hands its messages to emit, one at a time. The
// time is asked of now, which is time.Now outside of tests.
func NewBoard(emit func(Message), now func() time.Time) *Board {
	return &Board{emit: emit, now: now, conditions: make(map[string]*entry)}
}

// Raise says that a condition holds. While it holds, saying so again does
// nothing, unless with another extent.
func (b *Board) Raise(c Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.conditions[c.ID()]
	if one == nil {
		if len(b.conditions) >= maxConditions && !b.forget() {
			b.dropped++
			return
		}
		one = &entry{tokens: burst, filled: b.now()}
		b.conditions[c.ID()] = one
	}
	if one.raised && c.Extent == one.condition.Extent {
		return
	}
	if c.Since.IsZero() {
		c.Since = b.now()
	}
	one.changed = one.raised
	one.condition, one.raised, one.used = c, true, b.now()
	b.change(one)
}

// forget makes room by forgetting the condition that has been over for longest;
// false when all hold or are still to be told.
func (b *Board) forget() bool {
	oldest := ""
	for id, one := range b.conditions {
		if !one.raised && !one.untold() && (oldest == "" || one.used.Before(b.conditions[oldest].used)) {
			oldest = id
		}
	}
	delete(b.conditions, oldest)
	return oldest != ""
}

// Clear says that a condition is over, and why. One that does not hold stays so.
func (b *Board) Clear(kind Kind, subject, what string, detail map[string]any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.conditions[Condition{Kind: kind, Subject: subject}.ID()]
	if one == nil || !one.raised {
		return
	}
	one.raised, one.changed, one.used = false, false, b.now()
	one.condition.What, one.condition.Who, one.condition.Detail = what, nil, detail
	b.change(one)
}

// Dropped counts the conditions that could not be told because too many others
// hold.
func (b *Board) Dropped() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}

// Raised says whether a condition holds.
func (b *Board) Raised(kind Kind, subject string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.conditions[Condition{Kind: kind, Subject: subject}.ID()]
	return one != nil && one.raised
}

// Active lists the conditions that hold.
func (b *Board) Active() []Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	var active []Condition
	for _, one := range b.conditions {
		if one.raised {
			active = append(active, one.condition)
		}
	}
	return active
}

// Tick tells what could not be told before. It is called now and then.
func (b *Board) Tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.conditions {
		if one.untold() {
			b.tell(one)
		}
	}
}

// change tells of a change, and counts it where it cannot be told now. What is held
// back is told by a later Tick, if it is still so then.
func (b *Board) change(one *entry) {
	if !b.tell(one) {
		one.suppressed++
	}
}

// tell emits the present state of a condition, unless that was done too often,
// which gives false.
func (b *Board) tell(one *entry) bool {
	now := b.now()
	for one.tokens < burst && now.Sub(one.filled) >= refill {
		one.tokens++
		one.filled = one.filled.Add(refill)
	}
	if one.tokens == burst {
		one.filled = now
	}
	if one.tokens == 0 {
		return false
	}
	if !one.untold() {
		return true // it was raised and cleared while nothing could be told
	}
	one.tokens--
	one.told, one.changed = one.raised, false
	message := Message{Condition: one.condition, ID: one.condition.ID(), Cleared: !one.raised, Suppressed: one.suppressed, Time: now}
	one.suppressed = 0
	b.emit(message)
	return true
}
