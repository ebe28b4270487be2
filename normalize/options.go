package normalize

import (
	"sync/atomic"
	"time"
)

// Options say how a Correlator works. The zero value of a limit is its default.
type Options struct {
	// Emit is called for every event. The event is valid during the call, and
	// longer when Emit retains it. It may be called from Add, Advance and Flush.
	Emit func(*Event)
	// Resolver says what records do not; nil stands for a LogResolver, which infers
	// the identities of processes from the records alone.
	Resolver Resolver
	// Host describes the host that the records are from, for the fields host.* and
	// agent.*; nil when it is not known.
	Host *HostFacts
	// Ordered makes the order of events that of their time and sequence number,
	// for recorded logs: the same log gives the same events in the same order on
	// every run. Without it an event is emitted as soon as it is complete.
	Ordered bool
	// Wants says whether anybody wants events of a category and an action; nil stands
	// for all. Of the recorded events that nobody wants Passed is told instead of Emit,
	// where what they are shows without reading more than their SYSCALL record. The
	// answer for a category and an action is always the same.
	Wants  func(category, action string) bool
	Passed func(category string, timeNanos int64)
	// Tolerance is how long the records of an event may be apart. By default 2 s of
	// the log's own time with Ordered, else 200 ms of the time given to Advance.
	Tolerance time.Duration
	// MaxPending bounds the events that wait for records, by default 8192. What is
	// beyond it completes the oldest.
	MaxPending int
	// MaxEventBytes bounds what is kept of one event's records, by default 256 KiB;
	// MaxEventRecords their number, by default 512. What is beyond them is dropped.
	MaxEventBytes, MaxEventRecords int
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Emit == nil {
		o.Emit = func(*Event) {}
	}
	if o.Resolver == nil {
		o.Resolver = NewLogResolver()
	}
	if o.Tolerance <= 0 {
		o.Tolerance = 200 * time.Millisecond
		if o.Ordered {
			o.Tolerance = 2 * time.Second
		}
	}
	setDefault(&o.MaxPending, 8192)
	setDefault(&o.MaxEventBytes, 256<<10)
	setDefault(&o.MaxEventRecords, 512)
	return o
}

func setDefault(option *int, value int) {
	if *option <= 0 {
		*option = value
	}
}

// Stats are a Correlator's counters since it was made.
type Stats struct {
	// Records and Bytes count what was added.
	Records, Bytes uint64
	// Events counts emitted events; Incomplete those of them that lack a record
	// which must have existed, and events of which nothing but the end arrived.
	Events, Incomplete uint64
	// Late counts records of events that had been emitted before. They are dropped.
	Late uint64
	// Evicted counts events that MaxPending completed before their time.
	Evicted uint64
	// Duplicates counts records that an event already had. They are dropped.
	Duplicates uint64
	// Truncated counts records that did not fit into MaxEventBytes or
	// MaxEventRecords, wholly or in part.
	Truncated uint64
	// ForgottenSockets counts sockets whose transport was known from a record and
	// forgotten because there were too many.
	ForgottenSockets uint64
	// UnreadableFields counts fields of a known form whose value does not have it.
	UnreadableFields uint64
}

// counters are Stats that other goroutines may read.
type counters struct {
	records, bytes, events, incomplete, late, evicted, duplicates, truncated, unreadable atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Records:          c.records.Load(),
		Bytes:            c.bytes.Load(),
		Events:           c.events.Load(),
		Incomplete:       c.incomplete.Load(),
		Late:             c.late.Load(),
		Evicted:          c.evicted.Load(),
		Duplicates:       c.duplicates.Load(),
		Truncated:        c.truncated.Load(),
		UnreadableFields: c.unreadable.Load(),
	}
}
