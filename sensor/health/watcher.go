package health

import (
	"context"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/internal/tick"
)

// Counters are running totals of what was lost, each since the sensor's start.
type Counters struct {
	Overruns, Missing, Unreadable, EventsEvicted, SequencesEvicted uint64
	// Outputs has each output's counters, in their order.
	Outputs []OutputCounters
}

// OutputCounters are those of one output.
type OutputCounters struct {
	Name string
	// Written, Lost and Waiting count documents that were delivered, that never
	// will be, and that wait.
	Written, Lost, Waiting uint64
}

// OpenWindow is a rule with sequences that wait for their next event.
type OpenWindow struct {
	ID, Name string
	Pending  int
}

// Change is a change of audit's configuration as the kernel recorded it.
type Change struct {
	Time time.Time
	// Operation, Key, Setting, Old, New and Done are those of
	// normalize.ConfigChange.
	Operation, Key, Setting string
	Old, New                uint32
	Done                    bool
	Who                     Who
}

// Host is what the Watcher looks at and, where it may, mends.
type Host interface {
	// Status is the kernel's audit status.
	Status() (kernel.Status, error)
	// Look lists the sensor's own rules that are gone from the kernel, and what
	// the rules of others hide.
	Look() (missing []auditrules.Rule, hidden []auditrules.Finding, err error)
	// Reinstall adds rules that are gone.
	Reinstall(missing []auditrules.Rule) error
	// Enable switches auditing on.
	Enable() error
	// Reclaim registers the sensor for the audit socket, which nobody has.
	Reclaim(ctx context.Context) error
	// Counters are the totals of losses now.
	Counters(ctx context.Context) Counters
	// OpenWindows lists the rules with open sequences now.
	OpenWindows(ctx context.Context) []OpenWindow
	// Alive says whether a process exists.
	Alive(pid uint32) bool
}

// Options say how a Watcher works.
type Options struct {
	Host  Host
	Board *Board
	// PID is the sensor's own. Owner says that it receives by unicast, and Key
	// marks its rules.
	PID   uint32
	Owner bool
	Key   string
	// Daemon is the audit daemon beside the sensor when it began, 0 for none.
	// Relayed says that records reach the sensor through that daemon alone.
	Daemon  uint32
	Relayed bool
	// Lost is the kernel's count of lost records from before the sensor began.
	Lost uint32
	// Reinstall and Reenable allow to mend what others undid.
	Reinstall, Reenable bool
	// Losses is told of every loss of records; nil for nobody.
	Losses *Losses
	// Now is the time; nil for time.Now.
	Now func() time.Time
	// Elapsed is a clock that nobody can set; nil for the time since the start.
	Elapsed func() time.Duration
}

// The Watcher's times.
const (
	// interval is how often the status is read.
	interval = 5 * time.Second
	// lookInterval is how often rules are listed without any sign of a change.
	lookInterval = 5 * time.Minute
	// settle is how long no further change must come after one until the Watcher
	// looks, so that many changes at once are one; it looks after maxSettle all
	// the same.
	settle    = 200 * time.Millisecond
	maxSettle = 2 * time.Second
	// quiet is how long no loss must be seen until it is said to be over.
	quiet = time.Minute
	// lookShare bounds the time spent on listing rules to a share of all time.
	lookShare = 20
)

// Watcher looks after the sensor's sight. One goroutine runs it.
type Watcher struct {
	Options
	changes chan Change
	rings   chan Ring

	started  bool
	expected kernel.Status
	last     kernel.Status
	// lastGood is when the status was last read.
	lastGood time.Time
	// counted is when the counters were last read.
	counted time.Time
	// wall and elapsed are both clocks when they were last read.
	wall    time.Time
	elapsed time.Duration

	recent []Change
	// nextLook is when the rules are listed next; a change brings that forward,
	// though not before earliest.
	nextLook, earliest time.Time

	rules    mending
	enabling mending
	claiming mending
	daemon   uint32
	// unrelayed is at how many looks in a row no daemon handed records on.
	unrelayed int
	// gone and hiding are the rules that were told of as deleted and as hiding.
	gone, hiding extent
	// ringed has the programs that set up rings unseen.
	ringed    map[string]*ringed
	episodes  map[string]*episode
	stalled   map[string]stall
	lostTotal uint64
}

// NewWatcher makes a Watcher.
func NewWatcher(options Options) *Watcher {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Elapsed == nil {
		start := time.Now()
		options.Elapsed = func() time.Duration { return time.Since(start) }
	}
	return &Watcher{
		Options: options, changes: make(chan Change, 256),
		rings: make(chan Ring, 64), ringed: make(map[string]*ringed),
		episodes: make(map[string]*episode), stalled: make(map[string]stall),
	}
}

// Changed tells the Watcher of a change of audit's configuration. It never waits:
// of a flood of changes, those that do not fit are still seen by looking.
func (w *Watcher) Changed(change Change) {
	select {
	case w.changes <- change:
	default:
	}
}

// Run watches until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	ticker := tick.New(interval)
	defer ticker.Stop()
	w.Check(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case ring := <-w.rings:
			w.noteRing(ring)
			continue
		case change := <-w.changes:
			w.note(change)
			if !w.awaitQuiet(ctx) {
				return
			}
		}
		w.Check(ctx)
	}
}

// awaitQuiet waits until no more changes come, at most maxSettle; false when ctx
// has ended.
func (w *Watcher) awaitQuiet(ctx context.Context) bool {
	end := time.After(maxSettle)
	for {
		select {
		case <-ctx.Done():
			return false
		case change := <-w.changes:
			w.note(change)
		case <-time.After(settle):
			return true
		case <-end:
			return true
		}
	}
}

// note remembers a change for later attribution.
func (w *Watcher) note(change Change) {
	const remembered = 64
	if len(w.recent) == remembered {
		w.recent = append(w.recent[:0], w.recent[1:]...)
	}
	w.recent = append(w.recent, change)
	if change.Setting == "" && change.Who.PID != w.PID && w.nextLook.After(w.Now()) {
		w.nextLook = w.earliest
	}
	if change.Setting == "audit_pid" && !change.Done && w.Owner && change.New != 0 && change.New != w.PID {
		w.refused(change)
	}
}

// sameDeed is how far apart changes may be and still be taken for one deed.
const sameDeed = 5 * time.Second

// who finds the newest change that is like the one wanted and was not the
// sensor's own, and who made it. The kernel names the process for the first of
// several changes by one request only, so that one of the same deed that names it
// counts.
func (w *Watcher) who(like func(Change) bool) (who *Who, at time.Time) {
	for i := len(w.recent) - 1; i >= 0; i-- {
		one := w.recent[i]
		if !one.Done || one.Who.PID == w.PID || !like(one) {
			continue
		}
		if at.IsZero() {
			at = one.Time
		}
		if at.Sub(one.Time) > sameDeed {
			break
		}
		if one.Who.PID != 0 {
			return &one.Who, at
		}
		if who == nil && one.Who != (Who{}) {
			who = &one.Who
		}
	}
	return who, at
}

// Check looks once. What was changed and noted is taken into account.
func (w *Watcher) Check(ctx context.Context) {
	for drained := false; !drained; {
		select {
		case change := <-w.changes:
			w.note(change)
		case ring := <-w.rings:
			w.noteRing(ring)
		default:
			drained = true
		}
	}
	now := w.Now()
	w.checkClock(now)
	status, err := w.Host.Status()
	if err != nil {
		w.Board.Raise(Condition{Kind: StatusUnreadable, What: "the kernel's audit status cannot be read: " + err.Error()})
	} else {
		w.Board.Clear(StatusUnreadable, "", "the kernel's audit status can be read again", nil)
		if !w.started {
			w.started, w.expected, w.last, w.daemon, w.lastGood = true, status, status, w.Daemon, now
			w.last.Lost = w.Lost
		}
		w.checkStatus(ctx, status, now)
		w.last, w.lastGood = status, now
	}
	if !now.Before(w.nextLook) {
		w.checkRules(status, now)
	}
	w.checkCounters(ctx, now)
	w.checkRings(now)
	w.Board.Tick()
}

// since is when something began that a change tells of, or else when it was last
// known to be well.
func (w *Watcher) since(at time.Time) time.Time {
	if at.IsZero() {
		return w.lastGood
	}
	return at
}
