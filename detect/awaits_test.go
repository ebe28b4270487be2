package detect_test

import (
	"testing"

	"tripline/detect"
)

// TestAwaitsTime tells a match that only time decides from a sequence that an event
// decides.
func TestAwaitsTime(t *testing.T) {
	schema := newTestSchema()
	engine, matches := newEngine(t, schema, detect.Limits{},
		"sequence by x with maxspan=1s [a where true] [b where true]",
		"sequence by x with maxspan=1s [a where true] [c where true] ![b where true]")
	defer engine.Close()
	process := func(at int64, category string, pending int, awaits bool) {
		t.Helper()
		engine.Process(newEvent(t, schema, start+at*ms, "event.category", category, "x", 1))
		if engine.Pending() != pending || engine.AwaitsTime() != awaits {
			t.Errorf("after %s: %d pending, awaits time: %v", category, engine.Pending(), engine.AwaitsTime())
		}
	}
	process(0, "a", 2, false)
	process(10, "c", 2, true)
	engine.Advance(start + 2000*ms)
	if engine.AwaitsTime() || engine.Pending() != 0 || len(*matches) != 1 {
		t.Errorf("%d pending, awaits time: %v, matches %q", engine.Pending(), engine.AwaitsTime(), *matches)
	}
}
