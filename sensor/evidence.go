package sensor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tripline/config"
	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/evidence"
	"tripline/sensor/output"
	"tripline/sensor/prevalence"
	"tripline/sensor/throttle"
)

// aftermath is what happens to alerts beside being written: they are throttled,
// and evidence is gathered for them.
type aftermath struct {
	throttle    *throttle.Throttle
	gatherer    *evidence.Gatherer // nil where no evidence is gathered
	connections *prevalence.Store  // nil where nobody remembers connections
	resolver    *normalize.ProcResolver

	stop    context.CancelFunc
	running sync.WaitGroup
}

// startAftermath connects throttle, evidence and the memory of connections to the
// pipeline. It is called before the pipeline runs.
func (s *Sensor) startAftermath() error {
	ctx, stop := context.WithCancel(context.Background())
	a := &aftermath{throttle: throttle.New(normalize.Schema(), alert.ID, time.Now), stop: stop}
	s.aftermath = a
	s.pipeline.admit = a.throttle.Admit
	a.running.Go(func() {
		summaries := alert.Builder{Host: s.host}
		a.throttle.Run(ctx, func(summary throttle.Summary) { s.raiseSummary(&summaries, summary) })
	})
	if s.options.Evidence == nil {
		return nil
	}
	return s.startEvidence(ctx, *s.options.Evidence)
}

func (s *Sensor) startEvidence(ctx context.Context, settings config.Evidence) error {
	a := s.aftermath
	connections, err := prevalence.Open(settings.Connections, 0)
	if err != nil {
		s.options.Log.Warn("evidence begins without a memory", "error", err)
	}
	a.connections = connections
	s.pipeline.onConnect = connectionReader(normalize.Schema(), connections.Saw)
	a.running.Go(func() {
		connections.Run(ctx, func(err error) { s.reported.warn("evidence", err) })
	})
	if a.resolver, err = normalize.NewProcResolver("/proc", s.host); err != nil {
		return fmt.Errorf("preparing to gather evidence: %w", err)
	}
	hashLimit := int64(settings.HashLimit)
	if hashLimit == 0 {
		hashLimit = -1 // nothing is hashed
	}
	a.gatherer = evidence.NewGatherer(evidence.Options{
		HashLimit: hashLimit, Connections: connections,
		Identify: func(pid uint32) string {
			found := a.resolver.Identify(normalize.ProcessQuery{PID: pid, Time: time.Now().UnixMilli()})
			if found.Inferred {
				return ""
			}
			return found.EntityID
		},
	})
	return nil
}

// connectionReader reads from events which executable attempted a connection.
func connectionReader(schema detect.Schema, saw func(executable string, at time.Time)) func(*normalize.Event) {
	field := func(name string) detect.FieldID {
		one, _ := schema.Field(name) // the schema has the fields of ECS
		return one.ID
	}
	category, action, executable := field("event.category"), field("event.action"), field("process.executable")
	return func(event *normalize.Event) {
		if event.Value(category).Text() == "network" && event.Value(action).Text() == "connection_attempted" {
			saw(event.Value(executable).Text(), time.Unix(0, event.Time()).UTC())
		}
	}
}

// gather asks for the evidence of an alert, which follows it in a document of its
// own. stored is closed once the alert is where it is kept.
func (s *Sensor) gather(made *alert.Alert, stored <-chan struct{}) {
	a := s.aftermath
	if a == nil || a.gatherer == nil {
		return
	}
	subject := &made.Subject
	request := evidence.Request{
		Matched: made.Matched, FirstEvent: subject.FirstEvent, Stored: stored,
		PID: subject.PID, EntityID: subject.EntityID, Verified: !subject.Inferred, ParentPID: subject.ParentPID,
		Executable: subject.Executable, CommandLine: subject.CommandLine, Name: subject.Name,
		UserID: subject.UserID, LoginID: subject.LoginID,
	}
	if !a.gatherer.Add(request, func(found *evidence.Evidence) { s.sayEvidence(made, found) }) {
		s.reported.warn("evidence", fmt.Errorf("none is gathered for alert %s: too many alerts wait for theirs", made.ID))
	}
}

// sayEvidence hands evidence to every output.
func (s *Sensor) sayEvidence(made *alert.Alert, found *evidence.Evidence) {
	text, err := made.Enrichment(found.Gathered, found)
	if err != nil {
		s.reported.warn("evidence", err)
		return
	}
	document := output.Document{
		JSON: text, ID: made.ID + "-evidence", Kind: output.KindEvidence, Severity: output.RuleSeverity(made.Severity), Time: time.Now(),
	}
	if s.options.Text {
		document.Text = found.Text(made.ID)
	}
	s.deliver(&document)
}

// raiseSummary raises the one alert for what the throttle held back.
func (s *Sensor) raiseSummary(builder *alert.Builder, summary throttle.Summary) {
	made, err := builder.Summary(summary)
	if err != nil {
		s.reported.warn("a summary of alerts", err)
		return
	}
	s.pipeline.alerts.Add(1)
	s.sayAlert(&made, nil)
}

// evidenceCloseTimeout bounds how long the evidence of the last alerts may take.
const evidenceCloseTimeout = time.Second

// closeAftermath ends throttle and evidence: the last summaries and the evidence
// that is still due are handed to the outputs. The pipeline has ended before.
func (s *Sensor) closeAftermath() {
	a := s.aftermath
	if a == nil {
		return
	}
	if a.gatherer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), evidenceCloseTimeout)
		a.gatherer.Close(ctx)
		cancel()
	}
	a.stop()
	a.running.Wait()
	if a.resolver != nil {
		if err := a.resolver.Close(); err != nil {
			s.options.Log.Warn("evidence", "error", err)
		}
	}
}

// sayAftermath sums up what was throttled, and what evidence lacks.
func (s *Sensor) sayAftermath() {
	a := s.aftermath
	if a == nil {
		return
	}
	if count := a.throttle.Suppressed(); count > 0 {
		s.options.Log.Warn("matches were summarized and not raised one by one", "matches", count)
	}
	if a.gatherer == nil {
		return
	}
	if stats := a.gatherer.Stats(); stats.Dropped+stats.Abandoned > 0 {
		s.options.Log.Warn("evidence is missing", "gathered", stats.Gathered, "alerts_without", stats.Dropped, "readings_abandoned", stats.Abandoned)
	}
}
