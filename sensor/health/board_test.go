package health

import (
	"fmt"
	"testing"
	"time"
)

// boardBench is a Board whose clock the test moves.
type boardBench struct {
	*Board
	now  time.Time
	told []Message
}

func newBoardBench() *boardBench {
	b := &boardBench{now: time.Unix(0, 0)}
	b.Board = NewBoard(func(m Message) { b.told = append(b.told, m) }, func() time.Time { return b.now })
	return b
}

// TestRoomForWhatMatters lets conditions of ever other subjects come and go, and
// then raises one that matters.
func TestRoomForWhatMatters(t *testing.T) {
	b := newBoardBench()
	for i := range 4 * maxConditions {
		program := fmt.Sprintf("/tmp/program-%d", i)
		b.Raise(Condition{Kind: RingUnseen, Subject: program})
		b.Clear(RingUnseen, program, "over", nil)
	}
	b.told = nil
	b.Raise(Condition{Kind: RulesDeleted})
	if len(b.told) != 1 || b.told[0].Kind != RulesDeleted {
		t.Errorf("told %+v", b.told)
	}
	if len(b.conditions) > maxConditions || b.Dropped() != 0 {
		t.Errorf("%d conditions are remembered, %d were dropped", len(b.conditions), b.Dropped())
	}
}

// TestFullOfWhatHolds cannot remember more than so many that hold, and counts what
// it could not tell.
func TestFullOfWhatHolds(t *testing.T) {
	b := newBoardBench()
	for i := range maxConditions + 3 {
		b.Raise(Condition{Kind: RingUnseen, Subject: fmt.Sprint(i)})
	}
	if len(b.Active()) != maxConditions || b.Dropped() != 3 {
		t.Errorf("%d hold, %d were dropped", len(b.Active()), b.Dropped())
	}
}

// TestGetsWorse raises a condition that holds already: it is told again where its
// extent is another, and only then.
func TestGetsWorse(t *testing.T) {
	b := newBoardBench()
	for _, extent := range []string{"one", "one", "two", "two"} {
		b.Raise(Condition{Kind: RulesShadowed, What: extent, Extent: extent})
	}
	if len(b.told) != 2 || b.told[1].What != "two" || b.told[1].Cleared {
		t.Fatalf("told %+v", b.told)
	}
	b.Clear(RulesShadowed, "", "over", nil)
	b.Raise(Condition{Kind: RulesShadowed, What: "two", Extent: "two"})
	if len(b.told) != 4 {
		t.Errorf("told %+v", b.told)
	}
}

// TestGetsWorseAllTheTime changes the extent without end: that is bounded too, and
// the last is told in the end.
func TestGetsWorseAllTheTime(t *testing.T) {
	b := newBoardBench()
	for i := range 3600 {
		b.Raise(Condition{Kind: RulesShadowed, What: fmt.Sprint(i), Extent: fmt.Sprint(i)})
		b.now = b.now.Add(time.Second)
		b.Tick()
	}
	b.now = b.now.Add(refill)
	b.Tick()
	if len(b.told) > burst+1+int(time.Hour/refill) || b.told[len(b.told)-1].What != "3599" {
		t.Errorf("%d messages in an hour, the last %q", len(b.told), b.told[len(b.told)-1].What)
	}
}

// TestSuppressedCountsChanges waits until something that was held back can be told:
// what is counted are changes, not looks.
func TestSuppressedCountsChanges(t *testing.T) {
	b := newBoardBench()
	for range burst / 2 {
		b.Raise(Condition{Kind: ReceiveOverrun})
		b.Clear(ReceiveOverrun, "", "over", nil)
	}
	b.Raise(Condition{Kind: ReceiveOverrun}) // is not told
	for range int(refill / interval) {
		b.now = b.now.Add(interval)
		b.Tick()
	}
	if last := b.told[len(b.told)-1]; last.Cleared || last.Suppressed != 1 {
		t.Errorf("the last is %+v", last)
	}
}
