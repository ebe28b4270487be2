package sensor

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/normalize"
	"tripline/sensor/controlsocket"
	"tripline/sensor/health"
	"tripline/sensor/metrics"
	"tripline/sensor/output"
	"tripline/sensor/source"
	"tripline/sensor/status"
)

// idleSource is a live source in which nothing happens until it is woken.
type idleSource struct {
	wake, stop chan struct{}
	once       sync.Once
}

func newIdleSource() *idleSource {
	return &idleSource{wake: make(chan struct{}, 1), stop: make(chan struct{})}
}

func (q *idleSource) Receive(time.Duration) ([]source.Message, error) {
	select {
	case <-q.wake:
		return nil, nil
	case <-q.stop:
		return nil, source.ErrInterrupted
	}
}

func (q *idleSource) Wake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *idleSource) Interrupt()                { q.once.Do(func() { close(q.stop) }) }
func (q *idleSource) Stats() source.Stats       { return source.Stats{Messages: 12, Overruns: 1} }
func (q *idleSource) Close() error              { return nil }
func (q *idleSource) Mode() source.Mode         { return source.Unicast }
func (q *idleSource) Holder() *source.HeldError { return nil }
func (q *idleSource) Changes() []source.Change  { return nil }

// idleSensor is a sensor on a quiet source, whose pipeline runs until the test
// ends.
func idleSensor(t *testing.T) *Sensor {
	t.Helper()
	cfg := config.Default()
	cfg.Control.Socket = filepath.Join(shortFolder(t), "control.sock")
	rules, err := LoadRules("", []config.Exception{{Rule: "*", Condition: `process.name == "x"`, Comment: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	writer := &closingWriter{}
	s := &Sensor{options: Options{Config: cfg, Log: hclog.NewNullLogger(), Outputs: []output.Writer{writer}}, rules: rules, plan: testPlan()}
	s.report = newReporter(s)
	from := newIdleSource()
	s.watch = &watch{control: &fakeControl{}, source: from, lostBefore: 5, log: hclog.NewNullLogger()}
	if err := s.watch.install(s.plan); err != nil {
		t.Fatal(err)
	}
	if s.resolver, err = normalize.NewProcResolver("/proc", nil); err != nil {
		t.Fatal(err)
	}
	s.pipeline = newPipeline(rules, Limits(cfg.Detect), s.resolver)
	s.startQueues()
	pumped := make(chan error, 1)
	go func() { pumped <- s.pipeline.pumpKernel(from) }()
	t.Cleanup(func() {
		from.Interrupt()
		if err := errors.Join(<-pumped, s.closeOutputs(), s.closeResolver()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// shortFolder is a folder whose path leaves room for a socket's name.
func shortFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "tripline-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

// TestStatus asks a running sensor over its socket.
func TestStatus(t *testing.T) {
	s := idleSensor(t)
	s.report.board = health.NewBoard(func(health.Message) {}, time.Now)
	host := &healthHost{sensor: s}
	s.watch.control = &fakeControl{status: kernel.Status{Enabled: 1, Lost: 7, BacklogLimit: 64, Features: kernel.FeatureBacklogWaitTime}}
	if _, err := host.Status(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := s.serveStatus(ctx)
	said := askSensor(t, s)
	if said.State != status.OK || !said.Pipeline.Answering || said.Source.Mode != "unicast" || said.PID != os.Getpid() {
		t.Errorf("%+v", said)
	}
	if said.Records.Received != 12 || said.Records.Overruns != 1 {
		t.Errorf("records %+v", said.Records)
	}
	if k := said.Kernel; k == nil || k.Lost != 7 || k.LostSinceStart != 2 || k.BacklogWaitTime == nil || k.Rules != 2 || k.ReadAt.IsZero() {
		t.Errorf("kernel %+v", k)
	}
	if len(said.Rules) != 1 || said.Rules[0].ID != shippedRule || len(said.KernelRules) != 2 {
		t.Errorf("rules %+v, %q", said.Rules, said.KernelRules)
	}
	if len(said.Outputs) != 1 || said.Outputs[0].Capacity != queueCapacity || !said.Outputs[0].Alerts || said.Outputs[0].Events {
		t.Errorf("outputs %+v", said.Outputs)
	}
	if said.Process.Resident == 0 || said.Process.Heap == 0 || said.Process.Goroutines == 0 || said.Control.Accepted != 1 {
		t.Errorf("process %+v, control %+v", said.Process, said.Control)
	}

	// Problems make it failing, or a warning.
	s.report.board.Raise(health.Condition{Kind: health.ClockJump, What: "the clock was set"})
	if said := askSensor(t, s); said.State != status.Warning || len(said.Health) != 1 || said.Health[0].What != "the clock was set" {
		t.Errorf("state %s, %+v", said.State, said.Health)
	}
	s.report.board.Raise(health.Condition{Kind: health.AuditingOff, What: "off"})
	if said := askSensor(t, s); said.State != status.Failing || len(said.Health) != 2 {
		t.Errorf("state %s, %+v", said.State, said.Health)
	}
	text, err := controlsocket.Client{Path: s.options.Config.Control.Socket}.Get(t.Context(), MetricsResource)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"tripline_failing 1\n", "tripline_records_received_total 12\n", `tripline_health_problems{kind="auditing_off",level="error"} 1`,
		`tripline_health_problems{kind="rules_deleted",level="error"} 0`, `tripline_output_queue_documents{output="counted"} 0`,
		`tripline_rule_matches_total{rule_id="` + shippedRule + `",rule="Suspicious Network Connection Attempt by Root"} 0`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("metrics lack %s:\n%s", want, text)
		}
	}
	stop()
	<-ended
	if _, err := os.Lstat(s.options.Config.Control.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func askSensor(t *testing.T, s *Sensor) *status.Status {
	t.Helper()
	text, err := controlsocket.Client{Path: s.options.Config.Control.Socket}.Get(t.Context(), StatusResource)
	if err != nil {
		t.Fatal(err)
	}
	said := new(status.Status)
	if err := json.Unmarshal(text, said); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return said
}

// TestStatusOfStuckPipeline asks while the pipeline does something that does not
// end, and after it.
func TestStatusOfStuckPipeline(t *testing.T) {
	s := idleSensor(t)
	s.report.publishRules()
	if said := s.report.status(t.Context()); !said.Pipeline.Answering || said.State != status.OK {
		t.Fatalf("%+v", said.Pipeline)
	}
	entered, release, freed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(freed)
		s.pipeline.do(context.Background(), s.watch.source, func() { close(entered); <-release })
	}()
	<-entered
	for range 3 { // more than its queue of tasks takes
		said := s.report.status(t.Context())
		if said.Pipeline.Answering || said.State != status.Failing || said.Pipeline.FiguresAt.IsZero() || len(said.Rules) != 1 {
			t.Errorf("state %s, %+v", said.State, said.Pipeline)
		}
		if said.Records.Received != 12 {
			t.Errorf("what needs no pipeline is missing: %+v", said.Records)
		}
	}
	close(release)
	<-freed
	if said := s.report.status(t.Context()); !said.Pipeline.Answering {
		t.Errorf("it does not answer again: %+v", said.Pipeline)
	}
}

// TestNoSocketNoHarm lets a sensor watch whose socket cannot be made.
func TestNoSocketNoHarm(t *testing.T) {
	s := idleSensor(t)
	if err := os.WriteFile(s.options.Config.Control.Socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := s.serveStatus(ctx)
	if said := s.report.status(t.Context()); said.State != status.OK {
		t.Errorf("state %s", said.State)
	}
	stop()
	<-ended
	if _, err := os.Lstat(s.options.Config.Control.Socket); err != nil {
		t.Errorf("a file that is not the sensor's is gone: %v", err)
	}
}

// TestReloadIsReported tells the last reload and counts those before.
func TestReloadIsReported(t *testing.T) {
	s := idleSensor(t)
	s.report.reloaded(status.Reload{Time: time.Now(), Rules: 3}, errors.New("x.toml:1:2: broken\nand more"))
	said := s.report.status(t.Context())
	if said.Reload == nil || said.Reload.OK || said.Reload.Error != "x.toml:1:2: broken and more" || said.Reloads != (status.Reloads{Done: 1, Failed: 1}) {
		t.Errorf("%+v, %+v", said.Reload, said.Reloads)
	}
	s.report.reloaded(status.Reload{Time: time.Now(), Rules: 3}, nil)
	said = s.report.status(t.Context())
	if !said.Reload.OK || said.Reload.Error != "" || said.Reloads != (status.Reloads{Done: 2, Failed: 1}) {
		t.Errorf("%+v, %+v", said.Reload, said.Reloads)
	}
}

// TestTextfileWriter writes until it is stopped, says trouble, and removes the file.
func TestTextfileWriter(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	w := &textfileWriter{file: metrics.Textfile{Path: filepath.Join(folder, "x.prom")}, interval: time.Millisecond, log: hclog.NewNullLogger()}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.run(ctx, func() []metrics.Family {
			return []metrics.Family{{Name: "x", Help: "X.", Type: metrics.Gauge, Samples: []metrics.Sample{{Value: 1}}}}
		})
	}()
	until(t, func() bool { return w.status().Failed > 0 && w.status().Trouble != "" })
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	until(t, func() bool { return w.status().Written > 1 && w.status().Trouble == "" })
	if text, err := os.ReadFile(w.file.Path); err != nil || !strings.HasSuffix(string(text), "\nx 1\n") {
		t.Errorf("%v, %q", err, text)
	}
	stop()
	<-ended
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}

// until waits for a condition.
func until(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}

func TestLockedBy(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 100 00:19:77 0 EOF
2: FLOCK  ADVISORY  READ 200 00:19:77 0 EOF
3: FLOCK  ADVISORY  WRITE 300 00:19:78 0 EOF
3: -> FLOCK  ADVISORY  WRITE 301 00:19:77 0 EOF
4: FLOCK  ADVISORY  WRITE 400 00:19:77 0 EOF
5: FLOCK
`
	for inode, want := range map[uint64]int{77: 400, 78: 300, 79: 0} {
		if got := lockedBy(locks, inode); got != want {
			t.Errorf("inode %d: process %d, not %d", inode, got, want)
		}
	}
}

func TestRunning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if pid, err := Running(path); pid != 0 || err != nil {
		t.Errorf("no file: %d, %v", pid, err)
	}
	lock, err := acquireLock(path, taskSensor)
	if err != nil {
		t.Fatal(err)
	}
	if pid, err := Running(path); pid != os.Getpid() || err != nil {
		t.Errorf("held: %d, %v", pid, err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if pid, err := Running(path); pid != 0 || err != nil {
		t.Errorf("released: %d, %v", pid, err)
	}
}
