package sensor

import (
	"errors"
	"os"
	"testing"
	"time"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/source"
)

// quietSource hands out a recorded log as if it came live, and then nothing
// more.
type quietSource struct {
	source.Source
	t    *testing.T
	stop bool
	done bool
	// quiet counts the waits after the log's end.
	quiet int
}

func (q *quietSource) Receive(wait time.Duration) ([]source.Message, error) {
	if q.stop {
		return nil, source.ErrInterrupted
	}
	if q.done {
		if q.quiet++; wait < 0 || q.quiet > 100 {
			q.t.Error("the pipeline waits for ever although an event is held back")
			return nil, source.ErrInterrupted
		}
		time.Sleep(wait)
		return nil, nil
	}
	messages, err := q.Source.Receive(wait)
	q.done = err != nil
	if q.done {
		return nil, nil
	}
	return messages, nil
}

// TestToleranceNeedsNoFurtherEvent holds events back on a stream that then goes
// quiet: time alone must let them through.
func TestToleranceNeedsNoFurtherEvent(t *testing.T) {
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open("../testdata/positive.log")
	if err != nil {
		t.Fatal(err)
	}
	log, err := source.NewLog(file)
	if err != nil {
		t.Fatal(err)
	}
	quiet := &quietSource{Source: log, t: t}
	p := newPipeline(rules, detect.Limits{Tolerance: int64(time.Second)}, normalize.NewLogResolver())
	alerts := 0
	p.onAlert = func(alert.Alert) { alerts++; quiet.stop = true }
	err = p.pumpKernel(quiet)
	if err = errors.Join(err, log.Close()); err != nil {
		t.Fatal(err)
	}
	if alerts != 1 {
		t.Errorf("%d alerts, want 1", alerts)
	}
}
