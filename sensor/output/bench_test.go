package output

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// BenchmarkEventFile hands events of 1.5 KiB to the queue of a file and waits
// until all are written.
func BenchmarkEventFile(b *testing.B) {
	file, err := OpenFile(FileOptions{
		Path: filepath.Join(b.TempDir(), "events.ndjson"), Log: hclog.NewNullLogger(),
		Rotation: Rotation{MaxSize: 256 << 20, Keep: 1},
	})
	if err != nil {
		b.Fatal(err)
	}
	queue := NewQueue(file, 8192, func(err error) { b.Error(err) })
	event := bytes.Repeat([]byte("x"), 1500)
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		for !queue.Add(Document{JSON: event, Kind: KindEvent}) {
			time.Sleep(10 * time.Microsecond)
		}
	}
	if err := queue.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(queue.Stats().Written)/b.Elapsed().Seconds(), "events/s")
}
