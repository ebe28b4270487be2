package normalize

// procLifeLimit bounds how many lives are remembered. One takes 64 bytes.
const procLifeLimit = 65536

// procLife is a process or thread from its fork to its end, as the kernel's
// process connector told. Times are those of CLOCK_MONOTONIC in nanoseconds.
type procLife struct {
	pid, group uint32
	// start is the fork; 0 where it was before anything was told. end is when
	// its last thread is known to have ended, or the first one, which a thread that
	// executes a program takes the place of; 0 where no end was told.
	start, end int64
	// identity is what its first event was given; its EntityID is empty before.
	identity Identity
	// before is the number of the life that was in the same bucket before it.
	before uint64
}

// procLives are the latest lives. They answer which process had a pid at a time:
// a pid is never given to another process without a fork. The oldest is forgotten
// for a new one.
type procLives struct {
	limit uint64
	// ring holds life number n at n%limit. Numbers begin with 1; next is that of
	// the next life.
	ring []procLife
	next uint64
	// heads has the number of the latest life of each bucket. A number that is
	// too old for the ring ends a bucket, so that nothing ever has to be unlinked.
	heads []uint64
	// since is from when on every fork is in the ring.
	since int64
}

func newProcLives(limit int, now int64) *procLives {
	return &procLives{limit: uint64(limit), next: 1, heads: make([]uint64, limit), since: now}
}

// forked takes a fork of a process, or of a thread of group.
func (l *procLives) forked(pid, group uint32, at int64) {
	l.add(procLife{pid: pid, group: group, start: at})
}

// exited takes the end of a thread, the first of its group or another.
func (l *procLives) exited(pid, group uint32, at int64) {
	if life := l.latest(pid); life != nil {
		life.end = at
	} else if pid == group {
		l.add(procLife{pid: pid, group: group, end: at})
	}
	if pid == group {
		return
	}
	if life := l.latest(group); life != nil && life.end != 0 {
		life.end = at
	}
}

// add makes a life the latest of its pid.
func (l *procLives) add(life procLife) {
	at := l.next % l.limit
	for uint64(len(l.ring)) <= at {
		l.ring = append(l.ring, procLife{})
	}
	if old := &l.ring[at]; old.pid != 0 {
		l.since = max(l.since, old.start, old.end)
	}
	head := &l.heads[l.bucket(life.pid)]
	life.before, *head = *head, l.next
	l.ring[at] = life
	l.next++
}

func (l *procLives) bucket(pid uint32) uint64 { return uint64(pid) % l.limit }

// life is the life of a number, nil where it is forgotten.
func (l *procLives) life(number uint64) *procLife {
	if number == 0 || number+l.limit <= l.next-1 {
		return nil
	}
	return &l.ring[number%l.limit]
}

// each calls visit with the lives of a pid, the latest first, until it returns
// false.
func (l *procLives) each(pid uint32, visit func(*procLife) bool) {
	for life := l.life(l.heads[l.bucket(pid)]); life != nil; life = l.life(life.before) {
		if life.pid == pid && !visit(life) {
			return
		}
	}
}

// latest is the latest life of a pid, nil where none is known.
func (l *procLives) latest(pid uint32) (found *procLife) {
	l.each(pid, func(life *procLife) bool {
		found = life
		return false
	})
	return found
}

// procAnswer is how sure an answer about a pid is.
type procAnswer uint8

const (
	// procUntold: nothing is known of the pid at that time.
	procUntold procAnswer = iota
	// procOne: it was this life and can have been no other.
	procOne
	// procSeveral: it may have been one or another.
	procSeveral
)

// at says whose the pid was when something happened between the times from and
// to.
func (l *procLives) at(pid uint32, from, to int64) (*procLife, procAnswer) {
	var found, ended *procLife
	count, later := 0, false
	l.each(pid, func(life *procLife) bool {
		switch {
		case life.start > to:
			later = true
			return true
		case life.end != 0 && life.end < from:
			ended = life
			return false
		}
		found = life
		count++
		return life.start > from
	})
	switch {
	case count > 1:
		return nil, procSeveral
	case count == 1 && found.start != 0 && (found.start <= from || ended != nil || from >= l.since):
		return found, procOne
	case count == 0 && ended != nil && ended.start != 0 && !later:
		// Nobody was given the pid since, so that the process goes on although
		// its first thread has ended.
		return ended, procOne
	}
	return nil, procUntold
}

// kept says whether the process that had a pid in the moment from still had it in
// the moment to. told is false where that is not known.
func (l *procLives) kept(pid uint32, from, to int64) (kept, told bool) {
	if from < l.since {
		return false, false
	}
	kept = true
	l.each(pid, func(life *procLife) bool {
		if life.start != 0 && life.start <= to && life.start >= from {
			kept = false
		}
		return kept && life.start > from
	})
	return kept, true
}

// forget forgets all lives because some were missed.
func (l *procLives) forget(now int64) {
	clear(l.heads)
	clear(l.ring)
	l.since = now
}
