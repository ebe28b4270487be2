package sensor

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/normalize"
	"tripline/sensor/output"
)

// BenchmarkEventLog is what the event log adds to an event's way, encoding,
// queue and file together on one core.
func BenchmarkEventLog(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	event := retainedEvent(b)
	host, err := normalize.ReadHostFacts("/")
	if err != nil {
		b.Fatal(err)
	}
	settings := config.Default().Output.Events
	settings.Path = filepath.Join(b.TempDir(), "events.ndjson")
	settings.Keep = 1
	file, err := output.OpenFile(fileOptions(&settings, false, hclog.NewNullLogger()))
	if err != nil {
		b.Fatal(err)
	}
	queue := output.NewQueue(file, eventQueueCapacity, func(err error) { b.Error(err) })
	log := &eventLog{host: host, queues: []*output.Queue{queue}, dropped: func(*output.Queue) {}}
	b.ReportAllocs()
	for b.Loop() {
		log.add(event)
		for queue.Stats().Waiting > eventQueueCapacity/2 { // no event is dropped
			time.Sleep(50 * time.Microsecond)
		}
	}
	if err := queue.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	stats := queue.Stats()
	b.ReportMetric(float64(stats.Written)/b.Elapsed().Seconds(), "events/s")
	if stats.Dropped+stats.Failed > 0 {
		b.Errorf("%+v", stats)
	}
}
