package sensor

import (
	"time"

	"tripline/normalize"
	"tripline/sensor/output"
)

const (
	// eventQueueCapacity is how many events, or events and alerts, wait for one
	// output. An event has about 1.5 KiB.
	eventQueueCapacity = 8192
	// chunkSize is the memory that events are written into, one behind the other,
	// and chunkSlack what is left of it for one event at least.
	chunkSize, chunkSlack = 256 << 10, 4 << 10
)

// eventLog hands every event to the outputs that want them. One goroutine uses it.
type eventLog struct {
	encoder *normalize.Encoder
	queues  []*output.Queue
	dropped func(*output.Queue)
	chunk   []byte
}

// add never waits.
func (l *eventLog) add(event *normalize.Event) {
	if cap(l.chunk)-len(l.chunk) < chunkSlack {
		l.chunk = make([]byte, 0, chunkSize)
	}
	start := len(l.chunk)
	l.chunk = l.encoder.Append(l.chunk, event)
	document := output.Document{
		JSON: l.chunk[start:len(l.chunk):len(l.chunk)],
		Kind: output.KindEvent, Severity: output.SeverityInfo, Time: time.Unix(0, event.Time()),
	}
	for _, queue := range l.queues {
		if !queue.Add(document) {
			l.dropped(queue)
		}
	}
}
