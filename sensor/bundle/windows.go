package bundle

import (
	"slices"
	"sort"
	"time"
)

// window is a span of time in nanoseconds since the Unix epoch, both ends
// included.
type window struct{ from, to int64 }

// windows are spans of time that are asked for a time.
type windows struct {
	spans  []window
	merged bool
}

// maxSpans is how many spans are held apart before neighbours become one.
const maxSpans = 1 << 16

func (w *windows) add(from, to time.Time) {
	w.spans, w.merged = append(w.spans, window{from.UnixNano(), to.UnixNano()}), false
	if len(w.spans) >= maxSpans {
		w.merge()
	}
}

// merge sorts the spans and joins those that touch.
func (w *windows) merge() {
	slices.SortStableFunc(w.spans, func(a, b window) int {
		switch {
		case a.from < b.from:
			return -1
		case a.from > b.from:
			return 1
		}
		return 0
	})
	joined := w.spans[:0]
	for _, one := range w.spans {
		if last := len(joined) - 1; last >= 0 && one.from <= joined[last].to {
			joined[last].to = max(joined[last].to, one.to)
			continue
		}
		joined = append(joined, one)
	}
	w.spans, w.merged = joined, true
}

// has says whether a time is in one of the spans.
func (w *windows) has(at int64) bool {
	if !w.merged {
		w.merge()
	}
	next := sort.Search(len(w.spans), func(i int) bool { return w.spans[i].from > at })
	return next > 0 && at <= w.spans[next-1].to
}
