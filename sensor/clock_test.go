package sensor

import (
	"testing"
	"time"

	"tripline/detect"
	"tripline/normalize"
)

// TestClockSetBackWhileEventsPend sets the clock back by an hour while records of an
// event are awaited that never come: it is given up in time all the same, and does
// not hold up the events behind it.
func TestClockSetBackWhileEventsPend(t *testing.T) {
	p := newPipeline(nil, detect.Limits{}, normalize.NewLogResolver())
	wall, events := time.Unix(1_700_000_000, 0), 0
	p.onEvent = func(*normalize.Event) { events++ }
	record, err := normalize.ParseLine([]byte("type=SYSCALL msg=audit(1700000000.000:7): arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=1 a2=10 a3=0 pid=9 euid=0"))
	if err != nil {
		t.Fatal(err)
	}
	p.correlator.Add(record)
	p.advance(wall, true)
	if events != 0 {
		t.Fatal("the event does not wait for its other records")
	}
	wall = wall.Add(-time.Hour)
	for range 10 {
		p.await(0, incompleteWait, false)
		p.advance(wall, true)
	}
	if events != 1 || p.correlator.Pending() != 0 {
		t.Errorf("%d events, %d pending", events, p.correlator.Pending())
	}
}
