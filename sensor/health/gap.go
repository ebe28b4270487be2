package health

import "sync/atomic"

// Gaps finds serial numbers of audit events that never arrive. The kernel counts
// events up by one, so that a number which is left out belongs to an event that
// was lost on the way: events come out of order, but not by more than a window of
// numbers. One goroutine calls Saw; Missing may be called by any.
type Gaps struct {
	started bool
	// low is the lowest number of the window; seen has a bit for each number of
	// it, at the number's remainder.
	low     uint64
	highest uint64
	seen    [gapWindow / 64]uint64
	// settled is what highest was at the last Settle.
	settled uint64
	missing atomic.Uint64
}

// gapWindow is how many numbers late an event may be. It is a power of two.
const gapWindow = 1 << 14

// maxGap is the largest step of a number that is taken for a gap; a larger one
// is another count, for instance that of a daemon's own records.
const maxGap = 1 << 24

// Saw takes the number of an event that arrived.
func (g *Gaps) Saw(number uint64) {
	switch {
	case !g.started:
		g.restart(number)
		return
	case number == g.highest:
		return
	case number > g.highest+maxGap || number+maxGap < g.low:
		g.restart(number)
		return
	case number < g.low:
		return // later than the window: it was counted as missing
	}
	if number >= g.low+gapWindow {
		g.advance(number - gapWindow + 1)
	}
	g.seen[number%gapWindow/64] |= 1 << (number % 64)
	g.highest = max(g.highest, number)
}

// restart begins to count at a number.
func (g *Gaps) restart(number uint64) {
	g.started, g.low, g.highest, g.settled = true, number, number, number
	clear(g.seen[:])
	g.seen[number%gapWindow/64] |= 1 << (number % 64)
}

// advance moves the window and counts the numbers that leave it unseen.
func (g *Gaps) advance(low uint64) {
	var missing uint64
	for g.low < low {
		if g.low > g.highest { // nothing of what is left was seen
			missing += low - g.low
			g.low = low
			break
		}
		word, bit := &g.seen[g.low%gapWindow/64], uint64(1)<<(g.low%64)
		if *word&bit == 0 {
			missing++
		}
		*word &^= bit
		g.low++
	}
	if missing > 0 {
		g.missing.Add(missing)
	}
}

// Settle counts the numbers that were left out before the last Settle. It is
// called every few seconds, so that nothing from then can still be on its way, by
// the goroutine that calls Saw.
func (g *Gaps) Settle() {
	if g.started {
		g.advance(g.settled + 1)
		g.settled = g.highest
	}
}

// Missing is how many numbers were left out.
func (g *Gaps) Missing() uint64 { return g.missing.Load() }
