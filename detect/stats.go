package detect

// Counters say what happened to the sequences of a rule, or of all rules.
type Counters struct {
	// Matches is how often a rule matched.
	Matches uint64
	// Pending is how many sequences wait now, for their next event or for the
	// end of their span, and how many keys negative stages and samples remember.
	Pending int
	// Started is how many sequences began.
	Started uint64
	// Overwritten is how many pending sequences gave way to a newer one of the
	// same stage and key.
	Overwritten uint64
	// Expired is how many pending sequences outlived the maxspan.
	Expired uint64
	// Ended is how many pending sequences an until event ended.
	Ended uint64
	// RuledOut is how many complete sequences an event of a negative stage ruled
	// out.
	RuledOut uint64
	// Evicted is how many pending sequences gave way because a limit was
	// reached: a loss. Among them are keys that a negative stage remembered,
	// without which it may rule out too little.
	Evicted uint64
	// KeysMissing is how many events matched a stage but lacked a join key.
	KeysMissing uint64
	// KeysDropped is how many events had more combinations of join keys than
	// Limits.KeysPerEvent: a loss.
	KeysDropped uint64
}

func (c *Counters) add(other Counters) {
	c.Matches += other.Matches
	c.Pending += other.Pending
	c.Started += other.Started
	c.Overwritten += other.Overwritten
	c.Expired += other.Expired
	c.Ended += other.Ended
	c.RuledOut += other.RuledOut
	c.Evicted += other.Evicted
	c.KeysMissing += other.KeysMissing
	c.KeysDropped += other.KeysDropped
}

// RuleStats are the counters of one rule.
type RuleStats struct {
	Rule *Rule
	Counters
}

// Stats are the counters of an engine.
type Stats struct {
	// Events is how many events the engine processed.
	Events uint64
	// Late is how many events came later than Limits.Tolerance allows: they were
	// matched as far as the order of their own sequences allowed.
	Late uint64
	// Counters are the sums over all rules.
	Counters
	// Rules has the counters of each rule, in the order given to NewEngine.
	Rules []RuleStats
}

// Limits bound what an engine keeps. A zero value stands for its default.
type Limits struct {
	// PendingPerRule is how many pending sequences one rule may have; 65,536 by
	// default. Beyond it the rule's oldest is evicted.
	PendingPerRule int
	// PendingTotal is how many pending sequences all rules together may have;
	// 262,144 by default. Beyond it the oldest of the rule that has most is
	// evicted, so that one busy rule does not push out the others.
	PendingTotal int
	// KeysPerEvent is how many combinations of join keys one event with
	// multi-valued fields may stand for at one stage; 1,000 by default.
	KeysPerEvent int
	// EventsPerRule is how many events one rule may keep in its pending
	// sequences, samples and pipes, each counted as often as it is kept; 262,144
	// by default. Beyond it what the rule keeps longest is evicted.
	EventsPerRule int
	// EventsTotal is how many events all rules together may keep; 1,048,576 by
	// default.
	EventsTotal int
	// Tolerance is how late an event may come, in nanoseconds of event time, to
	// be put in its place among the others. Every event is held back for as
	// long, so it is 0 by default.
	Tolerance int64
	// Buffered is how many events are held back at most to be put in order;
	// 65,536 by default. Beyond it the first is processed early.
	Buffered int
}

const (
	defaultEventsPerRule  = 262_144
	defaultEventsTotal    = 1_048_576
	defaultBuffered       = 65_536
	defaultPendingPerRule = 65_536
	defaultPendingTotal   = 262_144
	defaultKeysPerEvent   = 1_000
)

// DefaultLimits are the limits that hold where none are set.
func DefaultLimits() Limits { return Limits{}.withDefaults() }

// withDefaults fills in what is not set.
func (l Limits) withDefaults() Limits {
	if l.PendingPerRule <= 0 {
		l.PendingPerRule = defaultPendingPerRule
	}
	if l.PendingTotal <= 0 {
		l.PendingTotal = defaultPendingTotal
	}
	if l.KeysPerEvent <= 0 {
		l.KeysPerEvent = defaultKeysPerEvent
	}
	if l.EventsPerRule <= 0 {
		l.EventsPerRule = defaultEventsPerRule
	}
	if l.EventsTotal <= 0 {
		l.EventsTotal = defaultEventsTotal
	}
	if l.Buffered <= 0 {
		l.Buffered = defaultBuffered
	}
	l.Tolerance = max(l.Tolerance, 0)
	return l
}
