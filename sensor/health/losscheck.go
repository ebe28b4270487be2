package health

import (
	"context"
	"fmt"
	"time"
)

// episode is a time of losses of one kind.
type episode struct {
	// seen is the total that was seen last, begun what it was when the episode
	// began.
	seen, begun uint64
	last        time.Time
	raised      bool
}

// loss is one kind of loss with its total now.
type loss struct {
	kind    Kind
	subject string
	total   uint64
	// records says that audit records were lost, so that open sequences may be
	// missed.
	records bool
	what    string
}

// checkCounters tells of every total that rises, and when it has stopped to.
func (w *Watcher) checkCounters(ctx context.Context, now time.Time) {
	counters := w.Host.Counters(ctx)
	if w.counted.IsZero() {
		w.counted = now
	}
	defer func() { w.counted = now }()
	losses := []loss{
		{RecordsLost, "", w.lostTotal, true, "the kernel lost audit records: its backlog or rate limit was too small"},
		{ReceiveOverrun, "", counters.Overruns, true, "the receive buffer overran and records were lost; raise receive_buffer in [kernel]"},
		{SequenceGap, "", counters.Missing, true, "audit events never arrived: their sequence numbers are left out"},
		{RecordsUnread, "", counters.Unreadable, true, "audit records arrived that cannot be read"},
		{EventsEvicted, "", counters.EventsEvicted, true, "events were given up before their records were complete: too many at once"},
		{SequencesEvicted, "", counters.SequencesEvicted, false, "unfinished sequences were given up because there are too many; raise max_pending_per_rule in [detect]"},
	}
	for _, one := range counters.Outputs {
		losses = append(losses, loss{AlertsDropped, one.Name, one.Lost, false, "alerts or events were not delivered to " + one.Name})
		w.checkOutput(one, now)
	}
	var lost uint64
	for _, one := range losses {
		if more := w.checkLoss(one, now); one.records {
			lost += more
		}
	}
	if lost > 0 {
		w.checkWindows(ctx, lost, now)
	}
	w.endWindows(now)
	for _, one := range []*mending{&w.rules, &w.enabling, &w.claiming} {
		one.calm(now)
	}
}

// checkLoss compares one total with what it was and returns by how much it rose.
func (w *Watcher) checkLoss(one loss, now time.Time) uint64 {
	id := string(one.kind) + one.subject
	e := w.episodes[id]
	if e == nil {
		e = &episode{}
		w.episodes[id] = e
	}
	if one.total < e.seen { // what was counted is gone, as with a rule that was reloaded
		e.begun -= min(e.begun, e.seen-one.total)
		e.seen = one.total
	}
	more := one.total - e.seen
	e.seen = one.total
	switch {
	case more > 0:
		e.last = now
		if !e.raised {
			e.raised, e.begun = true, one.total-more
		}
		w.Board.Raise(Condition{
			Kind: one.kind, Subject: one.subject, Since: w.counted, What: one.what,
			Detail: map[string]any{"count": more, "total": one.total},
		})
		if one.records && w.Losses != nil {
			w.Losses.Add(Loss{Kind: one.kind, From: w.counted, To: now, Count: more})
		}
	case e.raised && now.Sub(e.last) >= quiet:
		e.raised = false
		w.Board.Clear(one.kind, one.subject, "no more since "+timestamp(e.last), map[string]any{"count": one.total - e.begun, "total": one.total})
	}
	return more
}

// stall is an output that delivers nothing although something waits.
type stall struct {
	written uint64
	since   time.Time
}

// stallLimit is how long an output may deliver nothing.
const stallLimit = time.Minute

// checkOutput tells of an output that has not delivered anything for long.
func (w *Watcher) checkOutput(one OutputCounters, now time.Time) {
	before, known := w.stalled[one.Name]
	if !known || one.Waiting == 0 || one.Written != before.written {
		w.stalled[one.Name] = stall{one.Written, now}
		w.Board.Clear(OutputFailing, one.Name, one.Name+" takes documents again", map[string]any{"written": one.Written})
		return
	}
	if now.Sub(before.since) >= stallLimit {
		w.Board.Raise(Condition{
			Kind: OutputFailing, Subject: one.Name, Since: before.since, Detail: map[string]any{"waiting": one.Waiting},
			What: fmt.Sprintf("%s has taken nothing for %v; %d documents wait in memory", one.Name, now.Sub(before.since).Round(time.Second), one.Waiting),
		})
	}
}

// maxWindows is how many rules are named one by one whose windows a loss leaves
// incomplete; moreWindows is the subject of the others together.
const (
	maxWindows  = 32
	moreWindows = "more"
)

// checkWindows names the rules that had sequences open during a loss.
func (w *Watcher) checkWindows(ctx context.Context, lost uint64, now time.Time) {
	named := 0
	for id, e := range w.episodes {
		if subject, isWindow := windowOf(id); isWindow && e.raised && subject != moreWindows {
			named++
		}
	}
	others := 0
	for _, one := range w.Host.OpenWindows(ctx) {
		if w.episodes[string(WindowIncomplete)+one.ID] == nil {
			if named == maxWindows {
				others++
				continue
			}
			named++
		}
		w.raiseWindow(now, Condition{
			Kind: WindowIncomplete, Subject: one.ID, Since: w.counted,
			Detail: map[string]any{"rule": map[string]any{"id": one.ID, "name": one.Name}, "pending": one.Pending, "lost": lost},
			What:   fmt.Sprintf("records were lost while %d sequences of the rule %q were open: it may have missed what would have completed them", one.Pending, one.Name),
		})
	}
	if others > 0 {
		w.raiseWindow(now, Condition{
			Kind: WindowIncomplete, Subject: moreWindows, Since: w.counted, Detail: map[string]any{"rules": others, "lost": lost},
			What: fmt.Sprintf("records were lost while sequences of %d more rules were open: they may have missed what would have completed them", others),
		})
	}
}

// raiseWindow raises a condition that endWindows ends.
func (w *Watcher) raiseWindow(now time.Time, c Condition) {
	id := string(WindowIncomplete) + c.Subject
	if w.episodes[id] == nil {
		w.episodes[id] = &episode{}
	}
	w.episodes[id].raised, w.episodes[id].last = true, now
	w.Board.Raise(c)
}

// endWindows ends what checkWindows raised once nothing was lost for a while.
func (w *Watcher) endWindows(now time.Time) {
	for id, e := range w.episodes {
		subject, isWindow := windowOf(id)
		if isWindow && e.raised && now.Sub(e.last) >= quiet {
			e.raised = false
			w.Board.Clear(WindowIncomplete, subject, "nothing was lost since "+timestamp(e.last), nil)
			delete(w.episodes, id)
		}
	}
}

func windowOf(id string) (subject string, ok bool) {
	const prefix = string(WindowIncomplete)
	if len(id) <= len(prefix) || id[:len(prefix)] != prefix {
		return "", false
	}
	return id[len(prefix):], true
}
