package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tripline/detect"
)

// referenceEvent is an event with its content in plain Go.
type referenceEvent struct {
	*testEvent
	// index is the event's place in the order of the stream.
	index  int
	fields document
	// exempt says that an exception was in force that holds for the event.
	exempt bool
}

// milliseconds is the event's time in the precision of maxspan.
func (ev *referenceEvent) milliseconds() int64 { return ev.time / 1_000_000 }

// precedes is the order of a stream: time, then tiebreaker with a missing one
// last. Events that neither precedes the other are in the order of arrival.
func precedes(a, b *testEvent) bool {
	switch {
	case a.time != b.time:
		return a.time < b.time
	case a.hasTiebreaker && b.hasTiebreaker:
		return a.tiebreaker < b.tiebreaker
	default:
		return a.hasTiebreaker && !b.hasTiebreaker
	}
}

// randomDocument makes the fields of an event: each has no value, one, or
// several.
func randomDocument(random *rand.Rand) document {
	d := make(document)
	add := func(name string, count int, value func() any) {
		for range count {
			d[name] = append(d[name], value())
		}
	}
	few := func() any { return pick(random, "a", "A", "b") }
	text := func() any { return randomText(random) }
	add("s", pick(random, 0, 1, 1, 1, 2), text)
	add("k", pick(random, 0, 1, 1, 1, 1, 2, 3), few)
	add("process.entity_id", pick(random, 0, 1, 1, 1, 2), few)
	add("process.executable", pick(random, 0, 1, 1, 2), func() any { return randomText(random) + pick(random, "", "", "é", "É/b") })
	add("user.id", pick(random, 0, 1, 1, 3), func() any { return pick(random, "10.1.2.3", "10.1.200.7", "10.2.0.1", "fe80::1", "none") })
	add("x", pick(random, 0, 1, 1, 1, 2), func() any { return random.IntN(3) })
	add("process.pid", pick(random, 0, 1, 1, 2), func() any { return random.IntN(4) })
	add("anything", pick(random, 0, 1, 1), func() any { return pick[any](random, "a", "1", 1, 1.0, 1.5, true) })
	add("flag", pick(random, 0, 1, 1, 2), func() any { return random.IntN(2) == 0 })
	add("event.category", pick(random, 0, 1, 1, 1, 1, 1, 1, 2), func() any { return pick(random, "a", "b", "c") })
	return d
}

// eventOf makes the event that has a document's fields.
func eventOf(t testing.TB, schema detect.Schema, time int64, d document) *testEvent {
	t.Helper()
	var pairs []any
	for name, values := range d {
		pairs = append(pairs, name, values)
	}
	return newEvent(t, schema, time, pairs...)
}

// randomEvents makes a stream in the order of its events. Many have the time of
// another, with and without tiebreakers.
func randomEvents(t *testing.T, random *rand.Rand, schema detect.Schema, count int) []*referenceEvent {
	events := make([]*referenceEvent, count)
	now := start
	for i := range events {
		now += int64(random.IntN(3)) * int64(random.IntN(4)) * ms
		if random.IntN(8) == 0 {
			now += int64(random.IntN(3)) * ms / 4
		}
		ev := &referenceEvent{fields: randomDocument(random)}
		ev.testEvent = eventOf(t, schema, now, ev.fields)
		if random.IntN(2) == 0 {
			ev.tiebreaker, ev.hasTiebreaker = int64(random.IntN(20)), true
		}
		events[i] = ev
	}
	slices.SortStableFunc(events, func(a, b *referenceEvent) int {
		switch {
		case precedes(a.testEvent, b.testEvent):
			return -1
		case precedes(b.testEvent, a.testEvent):
			return 1
		}
		return 0
	})
	for i, ev := range events {
		ev.index, ev.name = i, fmt.Sprintf("e%d", i)
	}
	return events
}
