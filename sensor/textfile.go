package sensor

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/metrics"
	"tripline/sensor/status"
)

// textfileWriter writes the metrics file now and then.
type textfileWriter struct {
	file     metrics.Textfile
	interval time.Duration
	log      hclog.Logger

	written, failed atomic.Uint64
	trouble         atomic.Pointer[string]
}

// textfileCloseTime is how long a writing of the file may take once the sensor
// stops. One that is stuck, on a dead network file system, is left behind.
const textfileCloseTime = time.Second

// run writes the file until ctx ends, and then removes it.
func (w *textfileWriter) run(ctx context.Context, collect func() []metrics.Family) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var failure error
		defer func() {
			if failure != nil {
				w.log.Error("the metrics file is written no more", "error", failure)
			}
		}()
		defer recoverInto(&failure)
		ticker := time.NewTicker(w.interval)
		defer ticker.Stop()
		for ctx.Err() == nil {
			w.write(collect())
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
		w.note(w.file.Remove())
	}()
	<-ctx.Done()
	select {
	case <-done:
	case <-time.After(textfileCloseTime):
		w.log.Warn("the metrics file is left as it is: its file system does not answer", "file", w.file.Path)
	}
}

func (w *textfileWriter) write(families []metrics.Family) {
	err := w.file.Write(families)
	if err == nil {
		w.written.Add(1)
	}
	w.note(err)
}

// note counts a failure, and says it once until it is over.
func (w *textfileWriter) note(err error) {
	if err == nil {
		if w.trouble.Swap(nil) != nil {
			w.log.Info("the metrics file can be written again", "file", w.file.Path)
		}
		return
	}
	w.failed.Add(1)
	text := err.Error()
	if w.trouble.Swap(&text) == nil {
		w.log.Warn("the metrics file", "error", fmt.Errorf("%w; choose another with [metrics] textfile", err))
	}
}

// status is what the writer did.
func (w *textfileWriter) status() *status.Textfile {
	said := &status.Textfile{Path: w.file.Path, Written: w.written.Load(), Failed: w.failed.Load()}
	if trouble := w.trouble.Load(); trouble != nil {
		said.Trouble = *trouble
	}
	return said
}
