package sensor

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/detect"
	"tripline/sensor/source"
)

// stubbornSource delivers nothing, and does not return from a wait while it is
// told to hang.
type stubbornSource struct {
	source.Live
	wake chan struct{}
	hang sync.Mutex
	end  chan struct{}
}

func newStubbornSource() *stubbornSource {
	return &stubbornSource{wake: make(chan struct{}, 1), end: make(chan struct{})}
}

func (s *stubbornSource) Mode() source.Mode { return source.Unicast }

func (s *stubbornSource) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *stubbornSource) Receive(time.Duration) ([]source.Message, error) {
	select {
	case <-s.end:
		return nil, source.ErrInterrupted
	case <-s.wake:
	}
	s.hang.Lock()
	defer s.hang.Unlock()
	return nil, nil
}

// told records what the service manager is told.
type told struct {
	states   chan string
	watchdog time.Duration
	refuses  bool
}

func (t *told) say(state string) error {
	if t.refuses {
		return errors.New("nobody listens")
	}
	t.states <- state
	return nil
}

func (t *told) Ready(string) error      { return t.say("ready") }
func (t *told) Reloading() error        { return t.say("reloading") }
func (t *told) Stopping() error         { return t.say("stopping") }
func (t *told) Alive() error            { return t.say("alive") }
func (t *told) Watchdog() time.Duration { return t.watchdog }

// next is what the manager is told next.
func (t *told) next(test *testing.T) string {
	test.Helper()
	select {
	case state := <-t.states:
		return state
	case <-time.After(10 * time.Second):
		test.Fatal("the service manager is told nothing")
		return ""
	}
}

// managed starts the event path of a sensor on a source, and what tells a service
// manager of it.
func managed(t *testing.T, manager *told, from *stubbornSource) (stop func()) {
	t.Helper()
	s := &Sensor{options: Options{Manager: manager, Log: hclog.NewNullLogger()}, watch: &watch{source: from}}
	s.reported = reportLimit{log: s.options.Log}
	s.pipeline = newPipeline(nil, detect.Limits{}, nil)
	pumped := make(chan error, 1)
	go func() { pumped <- s.pipeline.pumpKernel(from) }()
	ctx, cancel := context.WithCancel(context.Background())
	ended := s.serveManager(ctx)
	return func() {
		cancel()
		<-ended
		close(from.end)
		if err := <-pumped; err != nil {
			t.Error(err)
		}
	}
}

func TestManagerHearsOfLifeOnlyWhileEventsFlow(t *testing.T) {
	manager := &told{states: make(chan string, 1000), watchdog: 30 * time.Millisecond}
	from := newStubbornSource()
	stop := managed(t, manager, from)
	defer stop()
	if first := manager.next(t); first != "ready" {
		t.Fatalf("first the manager is told %q", first)
	}
	for range 3 {
		if state := manager.next(t); state != "alive" {
			t.Fatalf("the manager is told %q", state)
		}
	}
	from.hang.Lock()
	// What was answered before the source hung may still come.
	for settled := false; !settled; {
		select {
		case <-manager.states:
		case <-time.After(10 * manager.watchdog):
			settled = true
		}
	}
	select {
	case state := <-manager.states:
		t.Errorf("the event path hangs, and the manager is told %q", state)
	case <-time.After(10 * manager.watchdog):
	}
	from.hang.Unlock()
	if state := manager.next(t); state != "alive" {
		t.Errorf("the event path goes on, and the manager is told %q", state)
	}
}

func TestManagerHearsNothingBeforeEventsFlow(t *testing.T) {
	manager := &told{states: make(chan string, 1000)}
	from := newStubbornSource()
	from.hang.Lock()
	stop := managed(t, manager, from)
	defer stop()
	select {
	case state := <-manager.states:
		t.Errorf("the event path hangs, and the manager is told %q", state)
	case <-time.After(200 * time.Millisecond):
	}
	from.hang.Unlock()
	if state := manager.next(t); state != "ready" {
		t.Errorf("the manager is told %q", state)
	}
}

func TestManagerThatRefusesEndsNothing(t *testing.T) {
	stop := managed(t, &told{refuses: true, watchdog: time.Millisecond}, newStubbornSource())
	time.Sleep(20 * time.Millisecond)
	stop()
}
