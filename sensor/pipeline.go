package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"tripline/detect"
	"tripline/internal/diag"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/health"
	"tripline/sensor/source"
)

// pipeline is the one way that a record takes: parsed and joined into an event,
// the event met by the rules, a match made an alert. One goroutine runs it.
type pipeline struct {
	correlator *normalize.Correlator
	engine     *detect.Engine // nil when no rules are evaluated
	builder    alert.Builder

	// file names the log or stream being read in messages; empty for netlink.
	file string
	// onAlert is given every alert.
	onAlert func(alert.Alert)
	// onEvent, if set, is given every event before the rules see it. The event
	// may be read during the call only.
	onEvent func(*normalize.Event)
	// onJudged, if set, is given every event after the rules saw it, so that it says
	// what they had to find out: whether its executable is the one it claims to be.
	onJudged func(*normalize.Event)
	// onConfigChange, if set, is told of every change of audit's configuration.
	onConfigChange func(*normalize.Event, normalize.ConfigChange)
	// onRing, if set, is told of every io_uring ring whose set-up a kernel rule
	// with the key ringKey recorded.
	onRing  func(*normalize.Event)
	ringKey string
	// gaps, if set, counts the numbers of events that never arrive.
	gaps *health.Gaps
	// onConnect, if set, is given every attempt to connect, after the rules saw it:
	// what they read of it costs nothing any more.
	onConnect func(*normalize.Event)
	// admit, if set, says whether a match is raised as an alert of its own.
	admit func(detect.Match) bool
	// isTest says whether a match was caused by a self-test of our own.
	isTest func(detect.Match) bool
	// report is told what is wrong with a single record.
	report func(error)

	// received, if set, is told of every batch before its records are looked at.
	received func()
	// tasks are done on the pipeline's goroutine, between two batches.
	tasks chan func()

	// titled says that a rule reads the titles of processes.
	titled bool
	// call is where the SYSCALL record in work is read into.
	call normalize.Call

	// spare are the blocks of a recorded log that are not in use.
	spare []*logBlock

	// abridger, if set, decides what the kernel leaves out in a flood.
	abridger *abridger

	// failure is the first error that ends the run.
	failure error

	// newest is the latest time of an event, in nanoseconds since the Unix epoch.
	newest int64
	// elapsed is a clock that nobody can set. awaited is for how long records have been
	// awaited by it, as of the moment reached, at which newest was newestThen.
	elapsed          func() time.Duration
	awaited, reached time.Duration
	newestThen       int64

	alerts, unreadable atomic.Uint64
}

// newPipeline connects the stages. The resolver identifies live processes; it
// is nil for a recorded log, whose events then come in the order of time.
func newPipeline(rules []*detect.Compiled, limits detect.Limits, resolver normalize.Resolver) *pipeline {
	begun := time.Now()
	p := &pipeline{
		report: func(error) {}, onAlert: func(alert.Alert) {}, tasks: make(chan func(), 1),
		elapsed: func() time.Duration { return time.Since(begun) },
	}
	p.correlator = normalize.NewCorrelator(normalize.Options{
		Resolver: resolver,
		Ordered:  resolver == nil,
		Emit:     p.event,
		Wants:    p.wants,
		Passed:   p.passed,
	})
	if batched, ok := resolver.(interface{ Received() }); ok {
		p.received = batched.Received
	}
	p.titled = readsTitles(rules)
	if len(rules) > 0 {
		p.engine = detect.NewEngine(rules, limits, p.match)
	}
	return p
}

// event is called by the correlator for every whole event.
func (p *pipeline) event(event *normalize.Event) {
	p.newest = max(p.newest, event.Time())
	if p.onEvent != nil {
		p.onEvent(event)
	}
	if p.onConfigChange != nil {
		if change, ok := event.ConfigChange(); ok {
			p.onConfigChange(event, change)
		}
	}
	if p.onRing != nil && event.SetsUpRing(p.ringKey) {
		p.onRing(event)
	}
	if p.engine != nil {
		p.engine.Process(event)
	}
	if p.onJudged != nil {
		p.onJudged(event)
	}
	if p.onConnect != nil {
		p.onConnect(event)
	}
}

// wants says whether anybody looks at events of a category and an action.
func (p *pipeline) wants(category, action string) bool {
	if p.onEvent != nil || p.onConfigChange != nil || p.onRing != nil || p.onJudged != nil || p.onConnect != nil {
		return true
	}
	return p.engine != nil && p.engine.Wants(category, action)
}

// passed is called in the place of event for a recorded event that nobody wants.
func (p *pipeline) passed(category string, at int64) {
	p.newest = max(p.newest, at)
	if p.engine != nil {
		p.engine.Pass(category, at)
	}
}

// match is called by the engine for every match.
func (p *pipeline) match(match detect.Match) {
	test := p.isTest != nil && p.isTest(match)
	if !test && p.admit != nil && !p.admit(match) {
		return
	}
	made, err := p.builder.Build(match, test)
	if err != nil {
		p.report(err)
		return
	}
	p.alerts.Add(1)
	p.onAlert(made)
}

// add takes one batch of a source.
func (p *pipeline) add(messages []source.Message) {
	for i := range messages {
		record, err := parseMessage(&messages[i])
		if messages[i].Type != 0 {
			record.ReadCall(&p.call)
		}
		p.take(&messages[i], record, err)
	}
}

// take takes one record, or says why its message has none.
func (p *pipeline) take(m *source.Message, record normalize.Record, err error) {
	if err != nil || m.Torn {
		p.remark(m, err)
	}
	if err != nil {
		return
	}
	if p.gaps != nil {
		p.gaps.Saw(record.Sequence)
	}
	p.correlator.Add(record)
}

// remark tells why a message has no record, if err is not nil, or else that its line
// was cut off.
func (p *pipeline) remark(m *source.Message, err error) {
	switch {
	case err == nil:
		p.report(p.locate(m, errors.New("the log's last line has no line ending: the record may be cut off; it is used as far as it goes")))
	case !errors.Is(err, errEmptyLine):
		p.unreadable.Add(1)
		if m.Type == 0 {
			err = p.locate(m, err)
		}
		p.report(err)
	}
}

var errEmptyLine = errors.New("empty line")

// parseMessage parses a netlink message or a line of a log.
func parseMessage(m *source.Message) (normalize.Record, error) {
	if m.Type != 0 {
		return normalize.ParsePayload(m.Type, m.Data) //nolint:wrapcheck // it says all there is to say
	}
	if m.TooLong > 0 {
		return normalize.Record{}, fmt.Errorf("the line has %d bytes, more than any audit record, and is passed over; is this an audit log?", m.TooLong)
	}
	if len(m.Data) == 0 {
		return normalize.Record{}, errEmptyLine
	}
	record, err := normalize.ParseLine(m.Data)
	if err != nil && m.Torn {
		err = fmt.Errorf("the log ends inside this record, its last line has no line ending: %w", err)
	}
	return record, err
}

// locate adds file and line to what is wrong with a log line.
func (p *pipeline) locate(m *source.Message, err error) error {
	var defect *diag.Error
	if errors.As(err, &defect) {
		located := *defect
		located.File, located.Line = p.file, int(m.Line)
		return &located
	}
	return &diag.Error{File: p.file, Line: int(m.Line), Message: err.Error()}
}

// How long the pipeline waits for records before it looks at the time: soon
// while an event is incomplete or held back, later while a match waits for its span to
// end, seldom while only memory can become free, and for ever when nothing can
// become due.
const (
	incompleteWait = 50 * time.Millisecond
	matchWait      = time.Second
	pendingWait    = 10 * time.Second
)

// pumpKernel runs a live source through the pipeline until it is interrupted, or
// until the audit daemon that feeds it ends.
func (p *pipeline) pumpKernel(from source.Source) error {
	lastAdvance := time.Now()
	for p.failure == nil {
		asked := p.elapsed()
		messages, err := from.Receive(p.patience())
		received := p.elapsed()
		if err != nil {
			if errors.Is(err, source.ErrInterrupted) || errors.Is(err, io.EOF) {
				p.finish(false)
				return nil
			}
			return err
		}
		if p.received != nil {
			p.received()
		}
		if p.abridger != nil {
			p.abridger.note(messages)
		}
		p.add(messages)
		p.await(asked, received, len(messages) > 0)
		select {
		case task := <-p.tasks:
			task()
		default:
		}
		if now := time.Now(); len(messages) == 0 || now.Sub(lastAdvance) >= incompleteWait {
			if p.abridger != nil {
				p.abridger.decide(now)
			}
			p.advance(now, len(messages) == 0 && received-asked >= incompleteWait)
			lastAdvance = now
		}
	}
	return p.failure
}

// do runs a task on the pipeline's goroutine, between two batches, and waits
// until it is done; false when ctx ended before.
func (p *pipeline) do(ctx context.Context, from source.Live, task func()) bool {
	done := make(chan struct{})
	select {
	case p.tasks <- func() { task(); close(done) }:
	case <-ctx.Done():
		return false
	}
	from.Wake()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// patience is how long the pipeline can wait for the next record.
func (p *pipeline) patience() time.Duration {
	if p.abridger.abridges() || p.correlator.Pending() > 0 || p.engine != nil && p.engine.HeldBack() > 0 {
		return incompleteWait
	}
	switch {
	case p.engine == nil || p.engine.Pending() == 0:
		return -1
	case p.engine.AwaitsTime():
		return matchWait
	default:
		return pendingWait
	}
}

// await adds to the time for which records have been awaited. What passes while this
// goroutine is busy, or the machine is not run, is none of it: the rest of an event may
// be in the source's queue, or in the kernel's. So a wait counts for little more than
// it was to take; and while there are records, as much time passes as between events.
func (p *pipeline) await(asked, received time.Duration, some bool) {
	passed := min(received-asked, 2*incompleteWait)
	if some {
		passed = min(received-p.reached, time.Duration(p.newest-p.newestThen))
	}
	p.awaited += max(passed, 0)
	p.reached, p.newestThen = received, p.newest
}

// inFlight is how long an event may be on its way to the engine when nothing waits in
// the source's queue: the kernel stamps it with a clock of up to 10 ms, hands it on by
// a thread of its own, and its records may be awaited for the correlator's tolerance.
const inFlight = 300 * time.Millisecond

// advance lets time pass where no record says so. What the absence of an event decides
// is not decided by the time of day while events wait to be received, which in a flood
// are seconds old: only once the source was quiet.
func (p *pipeline) advance(now time.Time, quiet bool) {
	p.correlator.Advance(p.awaited.Milliseconds())
	if p.engine == nil {
		return
	}
	passed := now.Add(-inFlight).UnixNano()
	if !quiet {
		passed = min(passed, p.newest)
	}
	p.engine.Advance(passed)
}

// finish completes what is still open and frees what the engine holds. Where the
// stream is at its end, and not merely no longer watched, it decides what waited
// for that: sequences that only a later event could have ruled out.
func (p *pipeline) finish(atEnd bool) {
	p.correlator.Flush()
	if p.engine == nil {
		return
	}
	if atEnd {
		p.engine.Finish()
	}
	p.engine.Close()
}
