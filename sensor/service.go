package sensor

import (
	"context"
	"fmt"
	"time"

	"tripline/internal/tick"
)

// ServiceManager is told what the sensor is doing; *notify.Manager is the real one.
type ServiceManager interface {
	// Ready says that the sensor watches, with a sentence for people.
	Ready(status string) error
	// Reloading says that rules are read again, until Ready.
	Reloading() error
	// Stopping says that the sensor ends.
	Stopping() error
	// Alive is a sign of life, due more often than every Watchdog, where that is
	// not 0.
	Alive() error
	Watchdog() time.Duration
}

// serveManager tells the service manager that the sensor is ready, and gives signs
// of life. Both only as an answer of the event path: a task that it does between
// two batches of records. The returned channel is closed when that has ended.
func (s *Sensor) serveManager(ctx context.Context) <-chan struct{} {
	ended := make(chan struct{})
	if s.options.Manager == nil {
		close(ended)
		return ended
	}
	status := s.statusLine()
	go func() {
		defer close(ended)
		if !s.answers(ctx) {
			return
		}
		s.tellManager(func(m ServiceManager) error { return m.Ready(status) })
		interval := s.options.Manager.Watchdog()
		if interval == 0 {
			return
		}
		// Three signs fit into the time, so that two may be late.
		ticks := tick.New(interval / 3)
		defer ticks.Stop()
		for s.answers(ctx) {
			s.tellManager(ServiceManager.Alive)
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
		}
	}()
	return ended
}

// answers waits until the event path has done a task; false when the sensor ends.
func (s *Sensor) answers(ctx context.Context) bool {
	return s.pipeline.do(ctx, s.watch.source, func() {})
}

// statusLine says in a sentence what the sensor does.
func (s *Sensor) statusLine() string {
	return fmt.Sprintf("watching this host: %d rules, %s", len(s.rules), s.watch.source.Mode())
}

// tellManager tells the service manager something, if there is one. The sensor
// watches on when that fails.
func (s *Sensor) tellManager(tell func(ServiceManager) error) {
	if s.options.Manager == nil {
		return
	}
	if err := tell(s.options.Manager); err != nil {
		s.reported.warn("the service manager was not told", err)
	}
}
