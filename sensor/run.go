package sensor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/health"
	"tripline/sensor/output"
	"tripline/sensor/selftest"
)

// Options say how to run the sensor on this host.
type Options struct {
	Config *config.Config
	// Rules are the compiled rules.
	Rules []*detect.Compiled
	// Log is the program's own log.
	Log hclog.Logger
	// Outputs are where alerts go; the sensor closes them.
	Outputs []output.Writer
	// EventOutputs are where events go. One that is among Outputs too has one
	// queue for both.
	EventOutputs []output.Writer
	// Text says that an output wants the form for a person too.
	Text bool
	// SelfTest names the samples to perform once the sensor watches.
	SelfTest []selftest.Technique
	// Program is the path of the program that performs samples; empty for the
	// running one.
	Program string
	// LockFile is held by the sensor; empty for DefaultLock.
	LockFile string
	// Reload asks, each time that something is received, to read the rules again
	// through LoadRules; nil for never.
	Reload <-chan os.Signal
	// LoadRules reads the rules again: the good ones and, beside them, an error
	// that names the bad ones.
	LoadRules func() ([]*detect.Compiled, error)
	// OnAlert, if set, is told of every alert on the event path.
	OnAlert func(id string, test bool)
	// Evidence says how evidence is gathered for alerts; nil for not at all.
	Evidence *config.Evidence
	// Manager is told what the sensor is doing; nil for nobody.
	Manager ServiceManager
	// Passive listens beside a running sensor and changes nothing.
	Passive bool
	// Once ends the run as soon as the self-test's outcome is known.
	Once bool
}

// Sensor is the running sensor.
type Sensor struct {
	options  Options
	rules    []*detect.Compiled // what runs now
	plan     *auditrules.Plan
	features kernel.Features // of this host's kernel
	watch    *watch
	// announced is what was said of the kernel's limits.
	announced map[string]struct{}
	pipeline  *pipeline
	resolver  *normalize.ProcResolver
	queues    []*output.Queue // of all outputs
	alertsTo  []*output.Queue // those that alerts go to
	eventsTo  []*output.Queue // those that events go to
	closed    bool            // closeOutputs was called
	samples   samples
	tests     atomic.Uint64 // alerts of self-tests
	// host is what health alerts say of this host, losses what alerts need to
	// know of lost records.
	host   *normalize.HostFacts
	losses health.Losses
	// aftermath is what happens to alerts beside being written.
	aftermath *aftermath
	// report is what the sensor says of itself.
	report *reporter

	reported reportLimit
}

// Summary is what a run of the sensor saw.
type Summary struct {
	// Alerts counts alerts, SelfTests those that were tests of our own.
	Alerts, SelfTests uint64
	// SelfTest says of each technique that was performed what became of it.
	SelfTest []selftest.Result
}

// Run watches this host until ctx ends. Before it returns, also with an error
// and also when part of the sensor panics, kernel audit is as it was before.
func Run(ctx context.Context, options Options) (_ Summary, err error) {
	s := &Sensor{options: options, rules: options.Rules, announced: make(map[string]struct{})}
	s.reported = reportLimit{log: options.Log}
	s.report = newReporter(s)
	summary := Summary{}
	defer func() { err = errors.Join(err, s.closeOutputs()) }()
	if s.features, err = hostFeatures(); err != nil {
		return summary, err
	}
	if s.plan, err = PlanRulesFor(options.Rules, s.features, options.Config.Kernel.Key); err != nil {
		return summary, err
	}
	if s.options.LockFile == "" {
		s.options.LockFile = DefaultLock
	}
	as := holder{s.options.LockFile, taskSensor}
	if options.Once {
		as.task = taskSample
	}
	s.watch, err = openWatch(options.Config.Kernel, s.plan, as, options.Passive, options.Log)
	if err != nil {
		return summary, err
	}
	defer func() {
		closeErr := s.watch.close()
		if closeErr == nil && !s.watch.stays && !options.Passive {
			options.Log.Info("kernel audit is as it was before")
		}
		err = errors.Join(err, closeErr)
	}()
	defer recoverInto(&err)
	defer func() { err = errors.Join(err, s.closeResolver()) }()
	if err := s.connect(); err != nil {
		s.closeAftermath()
		return summary, err
	}
	s.announce()
	return s.watchUntil(ctx)
}

// connect builds the pipeline and starts the outputs.
func (s *Sensor) connect() error {
	host, err := normalize.ReadHostFacts("/")
	if err != nil {
		return fmt.Errorf("reading what host this is: %w", err)
	}
	if s.resolver, err = openResolver(host, s.options.Log); err != nil {
		return err
	}
	s.pipeline = newPipeline(s.options.Rules, Limits(s.options.Config.Detect), s.resolver)
	s.host = host
	s.pipeline.builder = alert.Builder{Host: host, Lost: s.lostBetween}
	prepared, err := alert.Prepare(sources(s.options.Rules))
	if err != nil {
		return err
	}
	s.pipeline.builder.Use(prepared)
	s.pipeline.file = s.streamName()
	s.pipeline.isTest = s.samples.match
	s.pipeline.onAlert = s.raise
	s.pipeline.report = func(err error) { s.reported.warn("an audit record cannot be used", err) }
	s.pipeline.abridger = s.newAbridger()
	s.startQueues()
	return s.startAftermath()
}

// raise hands an alert to every output and asks for its evidence.
func (s *Sensor) raise(made alert.Alert) {
	stored := make(chan struct{})
	s.sayAlert(&made, func() { close(stored) })
	if err := made.Describe(); err != nil {
		s.reported.warn("evidence", err)
	} else {
		s.gather(&made, stored)
	}
	s.pipeline.builder.Reserve(cap(made.JSON))
	s.samples.raised()
	if made.Test {
		s.tests.Add(1)
	}
	if s.options.OnAlert != nil {
		s.options.OnAlert(made.ID, made.Test)
	}
}

// sayAlert hands an alert to every output. done, which may be nil, is called when the
// first is done with it, the file in which alerts are kept.
func (s *Sensor) sayAlert(made *alert.Alert, done func()) {
	document := output.Document{
		JSON: made.JSON, ID: made.ID, Kind: output.KindAlert, Severity: output.RuleSeverity(made.Severity), Time: time.Now(),
		Done: done,
	}
	if s.options.Text {
		text, err := alert.Text(made.JSON)
		if err != nil {
			s.options.Log.Error("an alert cannot be shown as text", "error", err)
		}
		document.Text = text
	}
	s.deliver(&document)
}

// deliver puts a document into the queue of every output for alerts. Its Done is the
// first output's.
func (s *Sensor) deliver(document *output.Document) {
	for i, queue := range s.alertsTo {
		if i > 0 {
			document.Done = nil
		}
		if !queue.Add(*document) {
			s.reported.warn("an output is too slow", fmt.Errorf("%s %s is not written to %s: its queue is full", document.Kind, document.ID, queue.Name()))
		}
	}
}

// announce says in a few lines what is watched and what was changed.
func (s *Sensor) announce() {
	logger := s.options.Log
	for _, rule := range s.rules {
		logger.Info("watching for", "rule", rule.Rule().Name)
	}
	s.announceSource()
	for _, change := range s.watch.source.Changes() {
		logger.Info("kernel audit setting changed until exit", "change", change.String())
	}
	switch {
	case s.options.Passive:
		logger.Info("using the kernel rules of the running sensor")
	case s.watch.locked:
		logger.Info("kernel audit is locked and has the rules already; nothing is changed")
	default:
		for _, rule := range s.watch.installed.Rules() {
			logger.Info("kernel audit rule added until exit", "rule", rule.Line)
		}
	}
	s.announceLimits()
	for _, writer := range s.options.Outputs {
		logger.Info("alerts go to", "output", writer.Name())
	}
	for _, writer := range s.options.EventOutputs {
		logger.Info("events go to", "output", writer.Name())
	}
	logger.Info("watching this host; stop with Ctrl-C")
}

// announceLimits says what of the plan the kernel does not do, once each.
func (s *Sensor) announceLimits() {
	warn := func(message string, args ...any) {
		key := fmt.Sprint(append([]any{message}, args...)...)
		if _, told := s.announced[key]; !told {
			s.announced[key] = struct{}{}
			s.options.Log.Warn(message, args...)
		}
	}
	for _, one := range s.watch.installed.Substitutions() {
		lines := make([]string, 0, len(one.Instead))
		for _, rule := range one.Instead {
			lines = append(lines, rule.Line)
		}
		warn("a kernel audit rule was refused", "error", one.Refused, "installed_instead", lines)
	}
	for _, spot := range s.blindSpots() {
		args := []any{"what", spot.What, "why", spot.Why}
		if spot.Since != "" {
			args = append(args, "since", spot.Since)
		}
		warn("this kernel cannot report", args...)
	}
	for _, unmet := range s.plan.Unmet {
		warn("no kernel rule can feed what a rule asks for", "events", unmet)
	}
}

// blindSpots lists what the running rules ask for and the kernel does not report.
func (s *Sensor) blindSpots() []auditrules.BlindSpot {
	spots := slices.Concat(s.plan.BlindSpots, s.watch.unseen)
	for _, one := range s.watch.installed.Substitutions() {
		spots = append(spots, one.BlindSpots...)
	}
	return spots
}

// watchUntil runs the pipeline, the self-test and the watch over the kernel's
// counters until ctx ends or something fails, and then stops them in order.
func (s *Sensor) watchUntil(ctx context.Context) (Summary, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	healthy := s.watchHealth(ctx) // before the first record, which may be about this
	pumped := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			cancel(err)
			pumped <- err
		}()
		defer recoverInto(&err)
		err = s.pipeline.pumpKernel(s.watch.source)
	}()
	tested := make(chan []selftest.Result, 1)
	go func() {
		var results []selftest.Result
		var err error
		defer func() {
			if err != nil {
				s.options.Log.Error("self-test", "error", err)
			}
			tested <- results
			if s.options.Once {
				cancel(nil)
			}
		}()
		defer recoverInto(&err)
		results = s.selfTest(ctx)
	}()
	asked := s.serveStatus(ctx)
	managed := s.serveManager(ctx)
	reloads := s.serveReloads(ctx)
	<-ctx.Done()
	<-asked
	<-reloads
	<-managed
	s.tellManager(ServiceManager.Stopping)
	<-healthy // before the rules go, which it would add again
	stopErr := s.watch.removeRules()
	s.watch.source.Interrupt()
	summary := Summary{SelfTest: <-tested}
	err := errors.Join(<-pumped, stopErr)
	s.closeAftermath()
	summary.Alerts = s.pipeline.alerts.Load()
	err = errors.Join(err, s.closeOutputs())
	s.sayTotals()
	return summary, err
}

// sayTotals sums the run up.
func (s *Sensor) sayTotals() {
	received, joined := s.watch.source.Stats(), s.pipeline.correlator.Stats()
	s.options.Log.Info("stopped; kernel audit is restored next",
		"records", received.Messages, "events", joined.Events, "alerts", s.pipeline.alerts.Load(),
		"overruns", received.Overruns, "unreadable", s.pipeline.unreadable.Load(), "incomplete", joined.Incomplete)
	s.sayIdentities()
	s.pipeline.abridger.say(s.options.Log)
	for _, one := range exempted(s.rules) {
		s.options.Log.Info("an exception exempted events", "events", one.Events, "condition", one.Condition)
	}
	for _, queue := range s.queues {
		if stats := queue.Stats(); stats.Dropped+stats.Failed > 0 {
			s.options.Log.Error("not everything was delivered", "output", queue.Name(), "dropped", stats.Dropped, "failed", stats.Failed)
		}
	}
	s.sayAftermath()
}

// recoverInto turns a panic of the calling goroutine into an error, so that
// what must be restored is restored.
func recoverInto(err *error) { //nolint:gocritic // it sets the caller's result
	if reason := recover(); reason != nil {
		*err = errors.Join(*err, fmt.Errorf("internal error, please report it: %v\n%s", reason, debug.Stack()))
	}
}
