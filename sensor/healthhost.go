package sensor

import (
	"context"
	"errors"
	"hash/maphash"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/detect"
	"tripline/sensor/health"
)

// healthHost is what the health watcher sees of the sensor and its kernel.
type healthHost struct {
	sensor *Sensor

	// seen is the digest of the kernel's and our own rules for which hidden was
	// found: ten thousand rules are cheap to list and dear to understand.
	seed   maphash.Seed
	seen   uint64
	hidden []auditrules.Finding
	// evicted is how many sequences the engine has evicted, asked when there
	// were events since.
	evicted, events uint64
	// again asks once more after that, because gaps settle at the second time.
	again bool
	// before and latest are what the engine said of its rules at the last two times.
	before, latest windows
}

var _ health.Host = (*healthHost)(nil)

// Status implements health.Host.
func (h *healthHost) Status() (kernel.Status, error) {
	found, err := h.sensor.watch.control.Status()
	if err == nil {
		h.sensor.report.sawKernel(found)
	}
	return found, err
}

// Look implements health.Host.
func (h *healthHost) Look() (missing []auditrules.Rule, hidden []auditrules.Finding, err error) {
	w := h.sensor.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	loaded, err := w.control.Rules()
	if err != nil {
		return nil, nil, err
	}
	own := &auditrules.Plan{Rules: w.installed.Rules()}
	for _, rule := range own.Rules {
		if !present(rule.Wire, loaded) {
			missing = append(missing, rule)
		}
	}
	if w.found != nil { // what is locked cannot go missing, but be hidden from the start
		own = w.found
	}
	if digest := h.digest(loaded, own.Rules); digest != h.seen {
		h.seen = digest
		h.hidden = auditrules.Inspect(loaded, own, h.sensor.features.Machine)
	}
	return missing, h.hidden, nil
}

func present(wire []byte, loaded [][]byte) bool {
	for _, one := range loaded {
		if auditrules.SameRule(one, wire) {
			return true
		}
	}
	return false
}

// digest tells sets of rules apart.
func (h *healthHost) digest(loaded [][]byte, own []auditrules.Rule) uint64 {
	var hash maphash.Hash
	hash.SetSeed(h.seed)
	for _, wire := range loaded {
		_, _ = hash.Write(wire) // it cannot fail
	}
	for _, rule := range own {
		_, _ = hash.Write(rule.Wire) // it cannot fail
	}
	return hash.Sum64()
}

// Reinstall implements health.Host.
func (h *healthHost) Reinstall(missing []auditrules.Rule) error {
	w := h.sensor.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	var failures []error
	for _, rule := range missing {
		if err := w.changes().AddRule(rule.Wire); err != nil && !errors.Is(err, kernel.ErrExists) {
			failures = append(failures, &auditrules.RefusedError{Line: rule.Line, Err: err})
		}
	}
	err := errors.Join(failures...)
	if err != nil {
		h.sensor.reported.warn("a kernel rule cannot be added again", err)
	}
	return err
}

// Enable implements health.Host.
func (h *healthHost) Enable() error {
	return h.sensor.watch.changes().Set(kernel.SettingEnabled, 1)
}

// Reclaim implements health.Host.
func (h *healthHost) Reclaim(ctx context.Context) error {
	from, ok := h.sensor.watch.source.(interface{ Reclaim() error })
	if !ok {
		return errors.ErrUnsupported
	}
	var err error
	if !h.sensor.pipeline.do(ctx, h.sensor.watch.source, func() { err = from.Reclaim() }) {
		return context.Cause(ctx)
	}
	return err
}

// Counters implements health.Host.
func (h *healthHost) Counters(ctx context.Context) health.Counters {
	p, from := h.sensor.pipeline, h.sensor.watch.source
	if h.sensor.resolver != nil {
		h.sensor.resolver.CatchUp() // as this goroutine is awake anyway
	}
	received, joined := from.Stats(), p.correlator.Stats()
	if changed := joined.Events != h.events; changed || h.again {
		h.events, h.again = joined.Events, changed
		p.do(ctx, from, func() {
			if p.engine != nil {
				stats := p.engine.Stats()
				h.evicted = stats.Evicted
				h.before, h.latest = h.latest, windowsOf(stats)
			}
			if p.gaps != nil {
				p.gaps.Settle()
			}
		})
	}
	counters := health.Counters{
		Overruns: received.Overruns, Unreadable: p.unreadable.Load() + received.Truncated,
		EventsEvicted: joined.Evicted, SequencesEvicted: h.evicted,
	}
	if p.gaps != nil {
		counters.Missing = p.gaps.Missing()
	}
	for _, queue := range h.sensor.queues {
		stats := queue.Stats()
		counters.Outputs = append(counters.Outputs, health.OutputCounters{
			Name: queue.Name(), Written: stats.Written, Lost: stats.Dropped + stats.Failed, Waiting: stats.Waiting,
		})
	}
	return counters
}

// OpenWindows implements health.Host. Asked after Counters, it lists also the
// windows that were open at some moment since the look before.
func (h *healthHost) OpenWindows(ctx context.Context) []health.OpenWindow {
	p := h.sensor.pipeline
	if p.engine == nil {
		return nil
	}
	var open []health.OpenWindow
	p.do(ctx, h.sensor.watch.source, func() {
		for _, one := range p.engine.Stats().Rules {
			if pending := max(one.Pending, h.before.openUntil(h.latest, one.Rule.RuleID)); pending > 0 {
				open = append(open, health.OpenWindow{ID: one.Rule.RuleID, Name: one.Rule.Name, Pending: pending})
			}
		}
	})
	return open
}

// windows are the open sequences of each rule at one moment, and how many began
// until then, by the rule's id.
type windows map[string]struct {
	pending int
	started uint64
}

func windowsOf(stats detect.Stats) windows {
	all := make(windows, len(stats.Rules))
	for _, one := range stats.Rules {
		state := all[one.Rule.RuleID]
		state.pending, state.started = one.Pending, one.Started
		all[one.Rule.RuleID] = state
	}
	return all
}

// openUntil is how many sequences of a rule were open at some moment between two
// looks. A rule that was reloaded counts anew.
func (w windows) openUntil(later windows, rule string) int {
	before, after := w[rule], later[rule]
	if after.started < before.started {
		before.started = 0
	}
	return before.pending + int(after.started-before.started)
}

// Alive implements health.Host.
func (h *healthHost) Alive(pid uint32) bool { return kernel.Alive(pid) }
