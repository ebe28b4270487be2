package normalize

import (
	"math/rand/v2"
	"testing"

	"tripline/detect"
)

// TestKeptEventsAreAsTheyWere keeps events of a log for a while, until long after their
// blocks are needed for anything else, and reads some of them.
func TestKeptEventsAreAsTheyWere(t *testing.T) {
	type kept struct {
		event detect.Event
		json  string
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []kept
	encoder := NewEncoder(nil)
	read := func(one kept) {
		whole := one.event.(detect.Kept).Whole().(*Event)
		if got := string(encoder.Append(nil, whole)); got != one.json {
			t.Fatalf("an event that was kept is\n%s, was\n%s", got, one.json)
		}
	}
	c := NewCorrelator(Options{Ordered: true, Emit: func(event *Event) {
		if event.block == nil || rng.IntN(50) > 0 {
			return
		}
		one := kept{event: event.Keep()}
		one.json = string(encoder.Append(nil, event))
		if again := event.Keep(); again != one.event { // by another rule
			t.Error("an event is kept twice")
		}
		one.event.Release()
		if len(all) > 0 && rng.IntN(2) == 0 {
			at := rng.IntN(len(all))
			if rng.IntN(2) == 0 {
				read(all[at])
			}
			all[at].event.Release()
			all[at] = all[len(all)-1]
			all = all[:len(all)-1]
		}
		all = append(all, one)
	}})
	given := 0
	for i := range 4 * maxKeptBlocks {
		block := &LogBlock{Done: func() { given++ }}
		c.NewLogParser(1<<20).Parse(block, variedLog(rng, 500*i, 500))
		c.AddBlock(block, func(bad *BadLine) { t.Fatal(bad.Err) })
		if c.kept.blocks > maxKeptBlocks {
			t.Fatalf("%d blocks are kept for kept events alone", c.kept.blocks)
		}
	}
	c.Flush()
	for _, one := range all {
		read(one)
		one.event.Release()
	}
	if len(all) < 100 || given != 4*maxKeptBlocks || c.kept.blocks != 0 || c.kept.oldest != nil || c.kept.newest != nil {
		t.Errorf("%d events were kept to the end; %d blocks were given back, %d are kept", len(all), given, c.kept.blocks)
	}
}

// TestKeptEventsOwnMemory keeps events that are no views.
func TestKeptEventsOwnMemory(t *testing.T) {
	var one detect.Event
	c := NewCorrelator(Options{Emit: func(event *Event) { one = event.Keep() }})
	record, err := ParseLine([]byte(`type=LOGIN msg=audit(1.000:1): pid=1 uid=0 old-auid=1 auid=2 res=1`))
	if err != nil {
		t.Fatal(err)
	}
	c.Add(record)
	c.Flush()
	if event, ok := one.(*Event); !ok || event.references != 1 {
		t.Errorf("what was kept is %+v", one)
	}
	one.Release()
}
