package sensor

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/source"
)

// An event of a connect is four records, of which two say that it has ended (EOE) and
// which title its process has (PROCTITLE). In a flood the kernel is asked not to
// send them: that halves what a record costs the receiver, and what is not queued
// cannot fill the queue up to where records that matter are lost.

// How many records a second make a flood, and how few end it: a flood has half as
// many as before once two of four records are left out.
const (
	floodBegins = 20_000
	floodEnds   = 4_000
)

// How many events may wait for records while some are left out, and for how long all
// are wanted when more do: without its end an event that is no connect waits for its
// time to be over.
const (
	pendingLimit = 64
	pendingRest  = 10 * time.Second
)

// Types of records, from linux/audit.h.
const (
	typeSyscall   = uint16(normalize.TypeSyscall)
	typeEnd       = uint16(normalize.TypeEOE)
	typeProctitle = uint16(normalize.TypeProctitle)
)

// abridger decides which records the kernel leaves out. It is used by the
// pipeline's goroutine.
type abridger struct {
	source     source.Omitter
	correlator *normalize.Correlator
	// titled says whether somebody reads the titles of processes.
	titled func() bool
	// alone says that no rules but the sensor's own make records, so that nearly all
	// events are known without their end.
	alone bool
	// failed is told of a kernel that refuses, which ends the trying.
	failed func(error)

	level    normalize.Abridgement // what the kernel was asked for
	off      bool                  // after a failure
	rests    time.Time             // until then
	decided  time.Time
	records  int // since then
	syscalls int // of them
	titles   int // of them

	// floods counts how often records began to be left out.
	floods atomic.Uint64
}

// newAbridger decides for the sensor's source; nil where the kernel cannot be asked.
func (s *Sensor) newAbridger() *abridger {
	omitter, able := s.watch.source.(source.Omitter)
	if !able {
		return nil
	}
	p := s.pipeline
	return &abridger{
		source: omitter, correlator: p.correlator, alone: s.watch.source.Mode() == source.Unicast,
		titled: p.readsTitles,
		failed: func(err error) {
			s.options.Log.Warn("in a flood the kernel sends records that nobody needs", "error", err)
		},
	}
}

// readsTitles says whether a rule reads the titles of processes, or events are
// written out.
func (p *pipeline) readsTitles() bool { return p.titled || p.onEvent != nil || p.onJudged != nil }

// say sums up.
func (a *abridger) say(logger hclog.Logger) {
	if a == nil {
		return
	}
	if floods := a.floods.Load(); floods > 0 {
		logger.Info("in floods the kernel left out what only rounds events off", "floods", floods)
	}
}

// note takes a batch, before it is joined.
func (a *abridger) note(messages []source.Message) {
	a.records += len(messages)
	for i := range messages {
		switch messages[i].Type {
		case typeSyscall:
			a.syscalls++
		case typeProctitle:
			a.titles++
		}
	}
	if !a.source.Omits() {
		a.correlator.Abridge(normalize.Unabridged)
	}
}

// abridges says that the kernel leaves records out, or did a moment ago.
func (a *abridger) abridges() bool {
	return a != nil && (a.level != normalize.Unabridged || a.source.Omits())
}

// decide looks at how many records came since it looked last.
func (a *abridger) decide(now time.Time) {
	elapsed := now.Sub(a.decided)
	if elapsed < incompleteWait {
		return
	}
	perSecond := float64(a.records) / elapsed.Seconds()
	enough := float64(floodBegins)
	if a.level != normalize.Unabridged {
		enough = floodEnds
	}
	level := normalize.Unabridged
	if a.level != normalize.Unabridged && a.correlator.Pending() > pendingLimit {
		a.rests = now.Add(pendingRest)
	}
	if perSecond >= enough && !now.Before(a.rests) {
		level = a.affordable()
	}
	a.decided, a.records, a.syscalls, a.titles = now, 0, 0, 0
	if level != a.level && !a.off {
		a.change(level)
	}
}

// affordable is what can be left out without anybody missing it.
func (a *abridger) affordable() normalize.Abridgement {
	switch {
	case a.alone && !a.titled():
		return normalize.WithoutTitles
	case a.level == normalize.WithoutEnds, a.titles >= a.syscalls-a.syscalls/16 && a.titles > 0:
		return normalize.WithoutEnds
	default: // without titles, which old kernels have not, only the end tells the end
		return normalize.Unabridged
	}
}

// change asks the kernel.
func (a *abridger) change(level normalize.Abridgement) {
	var types []uint16
	switch level {
	case normalize.WithoutEnds:
		types = []uint16{typeEnd}
	case normalize.WithoutTitles:
		types = []uint16{typeEnd, typeProctitle}
	}
	if err := a.source.Omit(types...); err != nil {
		a.off = true
		a.failed(err)
		return
	}
	if a.level == normalize.Unabridged {
		a.floods.Add(1)
	}
	a.level = level
	if level != normalize.Unabridged {
		a.correlator.Abridge(level)
	}
}

// readsTitles says whether a rule reads what the title of a process says.
func readsTitles(rules []*detect.Compiled) bool {
	for _, one := range rules {
		for _, name := range []string{"process.args", "process.args_count", "process.command_line"} {
			if slices.Contains(one.Fields(), name) {
				return true
			}
		}
	}
	return false
}
