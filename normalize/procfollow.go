package normalize

import (
	"sync/atomic"
	"time"
)

// procCounters are ProcStats that other goroutines may read.
type procCounters struct {
	verified, inferred, unsure, evicted atomic.Uint64
}

// ProcStats count what a ProcResolver answered.
type ProcStats struct {
	// Verified counts answers about processes that /proc showed or of whose fork
	// the kernel told; Inferred all others, and Unsure those of them where an
	// event may have been of one process or another, so that it was joined to none.
	Verified, Inferred, Unsure uint64
	// Evicted counts the processes that were forgotten because of the table's
	// limit. One that still runs is known again when it is next asked for.
	Evicted uint64
	// Ends counts the connected sockets whose own address was not looked for,
	// because too much time had gone into that within a second.
	Ends uint64
	// Lives counts what the kernel told of processes; zero without Follow.
	Lives ProcLifeStats
}

// Stats gives the counters. It may be called from any goroutine.
func (r *ProcResolver) Stats() ProcStats {
	stats := ProcStats{
		Verified: r.counters.verified.Load(),
		Inferred: r.counters.inferred.Load(),
		Unsure:   r.counters.unsure.Load(),
		Evicted:  r.counters.evicted.Load(),
		Ends:     r.ends.skipped.Load(),
	}
	if r.connector != nil {
		stats.Lives = r.connector.counted()
	}
	return stats
}

// Follow lets the kernel tell of every fork and exit on the host from now on,
// through its process connector. With it, the identities of processes that end
// before they are looked at are exact, and so are those of threads that have
// ended. It needs CAP_NET_ADMIN and the host's own pid and network namespace; where
// it fails, the resolver works as before. It is called once, before the resolver
// is used.
func (r *ProcResolver) Follow() error {
	connector, err := openProcConnector()
	if err != nil {
		return err
	}
	r.connector = connector
	return nil
}

// CatchUp takes in what the kernel told of forks and nobody asked for yet, so that the
// next question need not. It is for who is awake anyway, now and then: what waits for
// long is taken in without it. It may be called from any goroutine.
func (r *ProcResolver) CatchUp() {
	if r.connector != nil {
		r.connector.catchUp()
	}
}

// followed answers from what the kernel told of the life of the process. Where that
// is nothing, ok is false and group is the process to ask for, which is not q.PID
// if that is known to be a thread.
func (r *ProcResolver) followed(q *ProcessQuery, hints procHints) (identity Identity, group uint32, ok bool) {
	c := r.connector
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	group = q.PID
	life, answer := c.at(group, q.Time)
	if answer == procOne && life.group != life.pid {
		group = life.group
		life, answer = c.at(group, q.Time)
	}
	switch answer {
	case procOne:
	case procSeveral:
		return r.unsure(q), group, true
	case procUntold:
		return Identity{}, group, false
	}
	r.counters.verified.Add(1)
	if life.identity.EntityID == "" {
		r.identify(*life, q.Time, hints)
		if life, answer = c.at(group, q.Time); answer != procOne {
			return r.unsure(q), group, true
		}
	}
	return life.identity, group, true
}

// identify finds out the identity of a life and keeps it: that which /proc gives,
// so that it is the same for whoever asks, or if the process is gone already that
// of its fork.
func (r *ProcResolver) identify(life procLife, event int64, hints procHints) {
	c := r.connector
	found, err := r.ask(life.pid, false)
	c.drain() // to learn whether the pid has been given away meanwhile
	latest := c.lives.latest(life.pid)
	process := procProcess{hints: hints, event: event}
	if err == nil && found.pid == life.pid && latest != nil && latest.start == life.start && r.startedAt(found.ticks, life.start) {
		process = r.verified(found, hints, event)
	} else {
		process.identity = r.identityOfEnded(life)
		process.goneBy = r.clock.sinceBoot(r.clock.now().UnixNano())
	}
	c.lives.each(life.pid, func(one *procLife) bool {
		if one.start == life.start {
			one.identity = process.identity
		}
		return one.start > life.start
	})
	if latest != nil && latest.start == life.start {
		r.remember(life.pid, process)
	}
}

// identityOfEnded is the identity of a life whose process is gone: that which it had
// when /proc showed it, before the kernel's message of its fork was received or for
// an event that seems to be earlier than that, and else that of its fork.
func (r *ProcResolver) identityOfEnded(life procLife) Identity {
	if known := r.processes.get(life.pid); known != nil && known.verified && r.startedAt(known.ticks, life.start) {
		alike := 0 // lives that it may have been
		r.connector.lives.each(life.pid, func(one *procLife) bool {
			if r.startedAt(known.ticks, one.start) {
				alike++
			}
			return true
		})
		if alike == 1 {
			return known.identity
		}
	}
	return Identity{
		EntityID: procEntityID("forked", r.hostID, r.bootID, uint64(life.pid), uint64(life.start)),
		PID:      life.pid,
		Start:    life.start + r.connector.day,
	}
}

// startedAt says whether a start time in ticks is that of a fork.
func (r *ProcResolver) startedAt(ticks uint64, fork int64) bool {
	difference := int64(ticks)*int64(procTick) - r.clock.sinceBoot(fork+r.connector.day)
	return max(difference, -difference) <= int64(3*procTick)+int64(10*time.Millisecond)
}
