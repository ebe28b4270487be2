package health

import (
	"fmt"
	"time"
)

// Ring is an io_uring ring that a process set up where the kernel cannot audit
// what rings do.
type Ring struct {
	Time time.Time
	Who  Who
}

// ringed is a program that set up rings unseen.
type ringed struct {
	// pids are its processes with rings.
	pids map[uint32]bool
	last time.Time
}

const (
	// maxRings bounds how many processes with rings are remembered for each program.
	maxRings = 64
	// maxPrograms is how many programs are told of one by one. Each is remembered
	// for ringMemory after its last ring, so that a process that changes its name
	// again and again causes no more alerts than that.
	maxPrograms = 32
	ringMemory  = time.Hour
	// otherPrograms is the subject of those beyond.
	otherPrograms = "more"
)

// RingSetUp tells the Watcher of a ring. It never waits: of a flood of rings,
// those that do not fit are of programs that are told of already, or are the
// next to be told of.
func (w *Watcher) RingSetUp(ring Ring) {
	select {
	case w.rings <- ring:
	default:
	}
}

// noteRing raises a condition for the ring's program.
func (w *Watcher) noteRing(ring Ring) {
	program := ring.Who.Executable
	one := w.ringed[program]
	if one == nil && len(w.ringed) >= maxPrograms {
		w.Board.Raise(Condition{
			Kind: RingUnseen, Subject: otherPrograms, Since: ring.Time, Who: &ring.Who,
			What: fmt.Sprintf("more than %d programs set up io_uring rings within an hour, one of them %s: their connections are not seen", maxPrograms, program),
		})
		return
	}
	if one == nil {
		one = &ringed{pids: make(map[uint32]bool)}
		w.ringed[program] = one
	}
	one.last = w.Now()
	if len(one.pids) < maxRings {
		one.pids[ring.Who.PID] = true
	}
	w.Board.Raise(Condition{
		Kind: RingUnseen, Subject: program, Since: ring.Time, Who: &ring.Who,
		What: fmt.Sprintf("%s set up an io_uring ring, and this kernel cannot audit what a ring does: its connections are not seen", program),
	})
}

// checkRings clears the conditions of programs none of whose processes with a
// ring runs any more.
func (w *Watcher) checkRings(now time.Time) {
	for program, one := range w.ringed {
		for pid := range one.pids {
			if !w.Host.Alive(pid) {
				delete(one.pids, pid)
			}
		}
		if len(one.pids) > 0 {
			continue
		}
		w.Board.Clear(RingUnseen, program, "no process of "+program+" with an io_uring ring runs any more", nil)
		if now.Sub(one.last) >= ringMemory {
			delete(w.ringed, program)
		}
	}
	if len(w.ringed) < maxPrograms {
		w.Board.Clear(RingUnseen, otherPrograms, "programs with io_uring rings are few enough again to be told of one by one", nil)
	}
}
