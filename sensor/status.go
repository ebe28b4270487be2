package sensor

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"tripline/auditrules/kernel"
	"tripline/detect"
	"tripline/internal/diag"
	"tripline/internal/version"
	"tripline/sensor/controlsocket"
	"tripline/sensor/health"
	"tripline/sensor/status"
)

// askTime is how long the pipeline may take to answer. It answers between two
// batches, after a millisecond or so in a flood.
const askTime = 500 * time.Millisecond

// reporter puts together what the sensor says of itself. Whatever others write
// meanwhile it reads as atomics or asks the pipeline for, so that nobody waits for
// it.
type reporter struct {
	sensor  *Sensor
	started time.Time
	// board has the problems that hold; nil where nobody looks after health.
	board *health.Board
	// textfile is nil where there is none.
	textfile *textfileWriter
	server   atomic.Pointer[controlsocket.Server]

	rules  atomic.Pointer[runningRules]
	kernel atomic.Pointer[kernelReading]
	// figures are the pipeline's last.
	figures atomic.Pointer[figures]
	reload  atomic.Pointer[status.Reload]

	reloads, reloadsFailed atomic.Uint64
}

// runningRules are the rules as they were last put to work.
type runningRules struct {
	compiled    []*detect.Compiled
	kernelRules []string
	blindSpots  []string
}

// kernelReading is the kernel's audit status and when it was read.
type kernelReading struct {
	status kernel.Status
	at     time.Time
}

// figures are what the pipeline's goroutine alone may read.
type figures struct {
	at                       time.Time
	engine                   detect.Stats
	heldBack                 int
	incomplete, eventNumbers uint64
}

// newReporter makes the reporter of a sensor that begins to watch.
func newReporter(s *Sensor) *reporter { return &reporter{sensor: s, started: time.Now()} }

// publishRules remembers which rules run. It is called by the goroutine that
// changes them.
func (r *reporter) publishRules() {
	s := r.sensor
	now := &runningRules{compiled: s.rules, kernelRules: []string{}, blindSpots: []string{}}
	for _, spot := range s.blindSpots() {
		now.blindSpots = append(now.blindSpots, spot.String())
	}
	s.watch.mu.Lock()
	defer s.watch.mu.Unlock()
	installed := s.watch.installed.Rules()
	if s.watch.locked {
		installed = s.plan.Rules
	}
	for _, rule := range installed {
		now.kernelRules = append(now.kernelRules, rule.Line)
	}
	r.rules.Store(now)
}

// sawKernel remembers the kernel's audit status.
func (r *reporter) sawKernel(found kernel.Status) {
	r.kernel.Store(&kernelReading{status: found, at: time.Now()})
}

// reloaded remembers how a reload went.
func (r *reporter) reloaded(result status.Reload, failure error) {
	result.OK = failure == nil
	r.reloads.Add(1)
	if failure != nil {
		// Without the lines of the files, which on one line say nothing.
		texts := make([]string, 0, 4)
		for _, one := range diag.Flatten(failure) {
			texts = append(texts, strings.Join(strings.Fields(one.Error()), " "))
		}
		result.Error = strings.Join(texts, "; ")
		r.reloadsFailed.Add(1)
	}
	r.reload.Store(&result)
}

// ask asks the pipeline for its figures; false when it does not answer in time and
// they are the last ones.
func (r *reporter) ask(ctx context.Context) (*figures, bool) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	p := r.sensor.pipeline
	now := new(figures) // the pipeline may fill it in after all, when nobody reads it any more
	answered := p.do(ctx, r.sensor.watch.source, func() {
		now.at = time.Now()
		now.incomplete = uint64(max(0, p.correlator.Pending())) //nolint:gosec // not negative
		if p.engine != nil {
			now.engine, now.heldBack = p.engine.Stats(), p.engine.HeldBack()
		}
		if p.gaps != nil {
			now.eventNumbers = p.gaps.Missing()
		}
	})
	if answered {
		r.figures.Store(now)
		return now, true
	}
	if last := r.figures.Load(); last != nil {
		return last, false
	}
	return new(figures), false
}

// status is what the sensor says of itself now.
func (r *reporter) status(ctx context.Context) *status.Status {
	s := r.sensor
	last, answered := r.ask(ctx)
	now := time.Now()
	said := &status.Status{
		Time: now, Version: version.Version, PID: os.Getpid(), Started: r.started, Uptime: now.Sub(r.started).Seconds(),
		Source: status.Source{Mode: string(s.watch.source.Mode()), Since: r.started}, Process: processUse(),
		Pipeline: status.Pipeline{Answering: answered, FiguresAt: last.at, Incomplete: int(last.incomplete)}, //nolint:gosec // it was an int
		Reload:   r.reload.Load(),
		Reloads:  status.Reloads{Done: r.reloads.Load(), Failed: r.reloadsFailed.Load()},
	}
	if holder := s.watch.source.Holder(); holder != nil {
		said.Source.Beside = holder.Who()
	}
	r.addStream(said, last)
	r.addRules(said, last)
	r.addOutcome(said)
	r.addKernel(said)
	r.addHealth(said)
	if server := r.server.Load(); server != nil {
		stats := server.Stats()
		said.Control = status.Connection{Accepted: stats.Accepted, Refused: stats.Refused}
	}
	if r.textfile != nil {
		said.Textfile = r.textfile.status()
	}
	return said
}

// addStream adds what becomes of records.
func (r *reporter) addStream(said *status.Status, last *figures) {
	s := r.sensor
	received, joined, identities := s.watch.source.Stats(), s.pipeline.correlator.Stats(), s.resolver.Stats()
	said.Records = status.Records{
		Received: received.Messages, Bytes: received.Bytes, Parsed: joined.Records, Unreadable: s.pipeline.unreadable.Load(),
		Truncated: received.Truncated, Overruns: received.Overruns, Gaps: last.eventNumbers, Late: joined.Late,
		Duplicate: joined.Duplicates, Oversized: joined.Truncated, Foreign: received.Foreign, Failures: received.Failures,
	}
	said.Events = status.Events{
		Joined: joined.Events, Incomplete: joined.Incomplete, Evicted: joined.Evicted, UnreadableFields: joined.UnreadableFields,
	}
	said.Identities = status.Identities{
		Verified: identities.Verified, Inferred: identities.Inferred, Unsure: identities.Unsure, Evicted: identities.Evicted,
		Forks: identities.Lives.Forks, Exits: identities.Lives.Exits, Missed: identities.Lives.Missed,
	}
}

// addRules adds the running rules with what the engine counts of each.
func (r *reporter) addRules(said *status.Status, last *figures) {
	said.Rules, said.KernelRules, said.BlindSpots = []status.Rule{}, []string{}, []string{}
	said.Engine = status.Engine{
		Events: last.engine.Events, Matches: last.engine.Matches, Late: last.engine.Late,
		HeldBack: last.heldBack, Pending: last.engine.Pending, PendingLimit: r.sensor.options.Config.Detect.MaxPendingTotal,
	}
	running := r.rules.Load()
	if running == nil {
		return
	}
	said.KernelRules, said.BlindSpots = running.kernelRules, running.blindSpots
	counted := make(map[string]detect.Counters)
	for _, one := range last.engine.Rules {
		counted[one.Rule.RuleID] = one.Counters
	}
	throttled := make(map[string]uint64)
	if a := r.sensor.aftermath; a != nil {
		throttled = a.throttle.SuppressedByRule()
	}
	for _, compiled := range running.compiled {
		rule := compiled.Rule()
		counters := counted[rule.RuleID]
		one := status.Rule{
			ID: rule.RuleID, Name: rule.Name, Severity: rule.Severity, Matches: counters.Matches, Throttled: throttled[rule.RuleID],
			Pending: counters.Pending, Started: counters.Started, Expired: counters.Expired, Evicted: counters.Evicted,
			KeysMissing: counters.KeysMissing, KeysDropped: counters.KeysDropped,
		}
		for _, exception := range compiled.Exceptions() {
			one.Exempted += exception.Exempted()
		}
		said.Rules = append(said.Rules, one)
	}
}

// addOutcome adds what became of matches, and where it went.
func (r *reporter) addOutcome(said *status.Status) {
	s := r.sensor
	said.Alerts = status.Alerts{Raised: s.pipeline.alerts.Load(), Tests: s.tests.Load()}
	if a := s.aftermath; a != nil {
		said.Alerts.Throttled = a.throttle.Suppressed()
		if a.gatherer != nil {
			stats := a.gatherer.Stats()
			said.Evidence = &status.Evidence{
				Gathered: stats.Gathered, Incomplete: stats.Incomplete, Dropped: stats.Dropped,
				Abandoned: stats.Abandoned, Hanging: stats.Hanging,
			}
		}
	}
	said.Outputs = []status.Output{}
	for _, queue := range s.queues {
		stats := queue.Stats()
		said.Outputs = append(said.Outputs, status.Output{
			Name: queue.Name(), Alerts: slices.Contains(s.alertsTo, queue), Events: slices.Contains(s.eventsTo, queue),
			Queued: stats.Queued, Capacity: stats.Capacity, Accepted: stats.Accepted, Written: stats.Written,
			Dropped: stats.Dropped, Failed: stats.Failed, Retried: stats.Retried, Reduced: stats.Writer.Reduced,
			Waiting: stats.Waiting, Lag: stats.Lag.Seconds(), SpoolBytes: stats.Writer.Bytes, Trouble: stats.Writer.Trouble,
		})
	}
}

// addKernel adds the kernel's audit status as it was last read, and what this
// kernel can do.
func (r *reporter) addKernel(said *status.Status) {
	s := r.sensor
	said.Features = []status.Feature{}
	for _, feature := range kernel.AllFeatures() {
		said.Features = append(said.Features, status.Feature{Name: feature.String(), Support: s.features.Has(feature).String()})
	}
	last := r.kernel.Load()
	if last == nil {
		return
	}
	found := last.status
	said.Kernel = &status.Kernel{
		ReadAt: last.at, Enabled: found.Enabled, Failure: found.Failure, PID: found.PID, RateLimit: found.RateLimit,
		BacklogLimit: found.BacklogLimit, Backlog: found.Backlog, Lost: found.Lost, Rules: len(said.KernelRules),
	}
	if found.Lost >= s.watch.lostBefore { // else somebody has reset it
		said.Kernel.LostSinceStart = found.Lost - s.watch.lostBefore
	}
	if found.Features&kernel.FeatureBacklogWaitTime != 0 {
		said.Kernel.BacklogWaitTime = &found.BacklogWaitTime
	}
}

// addHealth adds the problems that hold, and the state that follows from them.
func (r *reporter) addHealth(said *status.Status) {
	said.State, said.Health = status.OK, []status.Problem{}
	counts := make(map[string]int)
	if r.board != nil {
		said.Untold = r.board.Dropped()
		for _, one := range r.board.Active() {
			message := health.Message{Condition: one}
			said.Health = append(said.Health, status.Problem{
				ID: one.ID(), Kind: string(one.Kind), Level: message.Level(), Since: one.Since, What: one.What, Who: one.Who.String(),
			})
			counts[string(one.Kind)]++
			if message.Level() == "error" {
				said.State = status.Failing
			} else if said.State == status.OK {
				said.State = status.Warning
			}
		}
	}
	slices.SortStableFunc(said.Health, func(a, b status.Problem) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	for _, kind := range health.Kinds() {
		said.ByKind = append(said.ByKind, status.KindSum{
			Kind: string(kind), Level: health.Message{Condition: health.Condition{Kind: kind}}.Level(), Count: counts[string(kind)],
		})
	}
	if !said.Pipeline.Answering {
		said.State = status.Failing
	}
	said.Failing = said.State == status.Failing
}
