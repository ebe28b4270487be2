package sensor

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/sensor/alert"
	"tripline/sensor/output"
)

// timedFile is the alert file, with the time at which each document was on disk.
type timedFile struct {
	*output.File
	mu     sync.Mutex
	onDisk map[string]time.Time
}

func openTimedFile(tb testing.TB) *timedFile {
	tb.Helper()
	settings := config.Default().Output.Alerts
	settings.Path = filepath.Join(tb.TempDir(), "alerts.ndjson")
	file, err := output.OpenFile(fileOptions(&settings, true, hclog.NewNullLogger()))
	if err != nil {
		tb.Fatal(err)
	}
	return &timedFile{File: file, onDisk: make(map[string]time.Time)}
}

// WriteBatch returns when the documents are synced.
func (f *timedFile) WriteBatch(ctx context.Context, documents []output.Document) (int, error) {
	n, err := f.File.WriteBatch(ctx, documents)
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range documents[:n] {
		f.onDisk[documents[i].ID] = now
	}
	return n, err
}

// filedSensor is a sensor without a kernel whose alerts go to a file on the disk,
// and matched has when each alert was matched.
func filedSensor(tb testing.TB, throttled bool) (s *Sensor, file *timedFile, matched map[string]time.Time) {
	tb.Helper()
	file = openTimedFile(tb)
	s, _ = flooded(tb, throttled, file)
	matched = make(map[string]time.Time)
	raise := s.pipeline.onAlert
	s.pipeline.onAlert = func(made alert.Alert) {
		matched[made.ID] = made.Matched
		raise(made)
	}
	return s, file, matched
}

func (s *Sensor) endFiled(tb testing.TB) {
	tb.Helper()
	s.pipeline.finish(true)
	s.closeAftermath()
	if err := s.closeOutputs(); err != nil {
		tb.Error(err)
	}
}

// percentile is one of sorted durations, in milliseconds.
func percentile(sorted []time.Duration, of float64) float64 {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*of))].Seconds() * 1000
}

// BenchmarkAlertOnDisk is how long after its match an alert is synced to the disk,
// when the sensor is idle and gathers evidence; and beside it what appending as many
// bytes to another file and fsync(2) take. Each run is one alert.
func BenchmarkAlertOnDisk(b *testing.B) {
	s, file, matched := filedSensor(b, false)
	other, err := os.OpenFile(filepath.Join(b.TempDir(), "other"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer other.Close()
	filling := make([]byte, 10<<10)
	var bare []time.Duration
	b.ResetTimer()
	for i := range b.N {
		s.feed(b, attackRecords(i))
		s.pipeline.correlator.Flush() // which the time does for a live event
		b.StopTimer()
		time.Sleep(50 * time.Millisecond)
		start := time.Now()
		if _, err := other.Write(filling); err != nil {
			b.Fatal(err)
		}
		if err := other.Sync(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(start))
		time.Sleep(50 * time.Millisecond)
		b.StartTimer()
	}
	b.StopTimer()
	s.endFiled(b)
	var took []time.Duration
	for id, at := range matched {
		took = append(took, file.onDisk[id].Sub(at))
	}
	for name, all := range map[string][]time.Duration{"": took, "-fsync-alone": bare} {
		slices.Sort(all)
		b.ReportMetric(percentile(all, 0.5), "p50-ms"+name)
		b.ReportMetric(percentile(all, 0.99), "p99-ms"+name)
	}
}

// storm feeds events that match nothing, and rules's matches among them, at their
// real rates for a span, and returns how long each event took on the event path.
func storm(b *testing.B, s *Sensor, from, matches int, span time.Duration) (each []time.Duration, heap uint64) {
	b.Helper()
	const tick, quiet = 10 * time.Millisecond, 100 // events that match nothing in each tick
	ticks := int(span / tick)
	perTick := matches / ticks
	number := from
	start := time.Now()
	for i := range ticks {
		time.Sleep(time.Until(start.Add(time.Duration(i) * tick)))
		for k := range quiet {
			before := time.Now()
			s.feed(b, strings.ReplaceAll(attackRecords(number), "euid=0", "euid=1000"))
			each = append(each, time.Since(before)/2) // two events
			number++
			if k < perTick {
				s.feed(b, attackRecords(number))
				number++
			}
		}
		if i%100 == 0 {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			heap = max(heap, now.HeapAlloc)
		}
	}
	slices.Sort(each)
	return each, heap
}

// BenchmarkAlertStorm has a thousand matches a second for ten seconds, among events
// that match nothing, and the latter alone before, in real time and with a file on
// the disk: how many alerts came of it, the heap's largest size, and what an event
// that matches nothing takes.
func BenchmarkAlertStorm(b *testing.B) {
	const span, matches = 10 * time.Second, 10_000
	for range b.N {
		s, file, matched := filedSensor(b, true)
		alone, heapBefore := storm(b, s, 0, 0, span)
		during, heap := storm(b, s, 1_000_000, matches, span)
		s.endFiled(b)
		raised := s.pipeline.alerts.Load()
		if signals := s.rules[0].Rule().MaxSignals; len(matched) != signals || raised != uint64(signals)+1 || s.aftermath.throttle.Suppressed() != matches-uint64(signals) {
			b.Errorf("%d alerts of %d matches, %d suppressed", raised, matches, s.aftermath.throttle.Suppressed())
		}
		for _, queue := range s.queues {
			if stats := queue.Stats(); stats.Dropped+stats.Failed > 0 {
				b.Errorf("%+v", stats)
			}
		}
		var late time.Duration
		for id, at := range matched {
			late = max(late, file.onDisk[id].Sub(at))
		}
		b.ReportMetric(float64(raised), "alerts")
		b.ReportMetric(float64(heapBefore)/(1<<20), "MiB-heap-before")
		b.ReportMetric(float64(heap)/(1<<20), "MiB-heap")
		b.ReportMetric(percentile(alone, 0.5)*1000, "p50-µs/event-alone")
		b.ReportMetric(percentile(during, 0.5)*1000, "p50-µs/event")
		b.ReportMetric(percentile(alone, 0.99)*1000, "p99-µs/event-alone")
		b.ReportMetric(percentile(during, 0.99)*1000, "p99-µs/event")
		b.ReportMetric(late.Seconds()*1000, "max-ms-to-disk")
	}
}
