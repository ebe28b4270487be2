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

// maxRings bounds how many processes with rings are remembered for each program.
const maxRings = 64

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
	if pids := w.ringed[program]; len(pids) < maxRings && len(w.ringed) < maxConditions {
		if pids == nil {
			pids = make(map[uint32]bool)
			w.ringed[program] = pids
		}
		pids[ring.Who.PID] = true
	}
	w.Board.Raise(Condition{
		Kind: RingUnseen, Subject: program, Since: ring.Time, Who: &ring.Who,
		What: fmt.Sprintf("%s set up an io_uring ring, and this kernel cannot audit what a ring does: its connections are not seen", program),
	})
}

// checkRings clears the conditions of programs none of whose processes with a
// ring runs any more.
func (w *Watcher) checkRings() {
	for program, pids := range w.ringed {
		for pid := range pids {
			if !w.Host.Alive(pid) {
				delete(pids, pid)
			}
		}
		if len(pids) == 0 {
			delete(w.ringed, program)
			w.Board.Clear(RingUnseen, program, "no process of "+program+" with an io_uring ring runs any more", nil)
		}
	}
}
