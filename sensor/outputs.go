package sensor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/normalize"
	"tripline/sensor/output"
)

// Outputs are the writers that results go to. One that is in both lists has one
// queue for both, so that their order is kept.
type Outputs struct {
	// Alerts get alerts, those about the sensor itself included.
	Alerts []output.Writer
	// Events get every event.
	Events []output.Writer
}

// Close closes every writer once.
func (o *Outputs) Close() error {
	var failures []error
	closed := make(map[output.Writer]bool)
	for _, list := range [][]output.Writer{o.Alerts, o.Events} {
		for _, one := range list {
			if !closed[one] {
				closed[one] = true
				failures = append(failures, one.Close())
			}
		}
	}
	return errors.Join(failures...)
}

// OpenOutputs opens the outputs that are configured.
func OpenOutputs(settings *config.Output, log hclog.Logger) (_ Outputs, err error) {
	var opened Outputs
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.Close())
		}
	}()
	if settings.Alerts.Path != "" {
		file, err := output.OpenFile(fileOptions(&settings.Alerts, true, log))
		if err != nil {
			return opened, fmt.Errorf("%w; choose another path with --alert-file or [output.alerts] path", err)
		}
		opened.Alerts = append(opened.Alerts, file)
	}
	if settings.Events.Path != "" {
		file, err := output.OpenFile(fileOptions(&settings.Events, false, log))
		if err != nil {
			return opened, fmt.Errorf("%w; choose another path with [output.events] path", err)
		}
		opened.Events = append(opened.Events, file)
	}
	err = openRemotes(settings, &opened, log)
	return opened, err
}

func fileOptions(file *config.File, synced bool, log hclog.Logger) output.FileOptions {
	return output.FileOptions{
		Path: file.Path, Sync: synced, Log: log,
		Rotation: output.Rotation{
			MaxSize: int64(file.MaxSize), MaxAge: file.MaxAge.Std(), Keep: file.Keep, Compress: file.Compress,
		},
	}
}

// queueCapacity is how many alerts wait for one output, where their bytes are not
// too many before. An alert has some 10 to 40 KiB.
const queueCapacity = 1024

// startQueues gives each output a queue.
func (s *Sensor) startQueues() {
	events := make(map[output.Writer]*output.Queue)
	start := func(writer output.Writer, capacity int) *output.Queue {
		queue := output.NewQueue(writer, capacity, func(err error) {
			s.options.Log.Error("output", "error", err)
		})
		s.queues = append(s.queues, queue)
		return queue
	}
	recorded := &eventLog{encoder: normalize.NewEncoder(s.host), dropped: func(queue *output.Queue) {
		s.reported.warn("an output is too slow", fmt.Errorf("events are not written to %s: its queue is full", queue.Name()))
	}}
	for _, writer := range s.options.EventOutputs {
		events[writer] = start(writer, eventQueueCapacity)
		recorded.queues = append(recorded.queues, events[writer])
	}
	for _, writer := range s.options.Outputs {
		queue := events[writer]
		if queue == nil {
			queue = start(writer, queueCapacity)
		}
		s.alertsTo = append(s.alertsTo, queue)
	}
	s.eventsTo = recorded.queues
	if len(recorded.queues) > 0 {
		s.pipeline.onJudged = recorded.add
	}
}

// reopenOutputs makes outputs with files open them anew.
func (s *Sensor) reopenOutputs() {
	for _, queue := range s.queues {
		queue.Reopen()
	}
}

// closeTimeout bounds how long outputs may take to write what waits at the end.
const closeTimeout = 3 * time.Second

// closeOutputs closes all outputs once, at the same time, so that one that is slow
// takes no time from the others. It may be called again, and at any point of the
// start: where there are no queues yet it closes the writers.
func (s *Sensor) closeOutputs() error {
	if s.closed {
		return nil
	}
	s.closed = true
	if len(s.queues) == 0 {
		outputs := Outputs{Alerts: s.options.Outputs, Events: s.options.EventOutputs}
		return outputs.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	failures := make([]error, len(s.queues))
	var closing sync.WaitGroup
	for i, queue := range s.queues {
		closing.Go(func() { failures[i] = queue.Close(ctx) })
	}
	closing.Wait()
	return errors.Join(failures...)
}
