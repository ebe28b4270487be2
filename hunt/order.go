package hunt

import "cmp"

// place is a document's place in the order of all: its time, then its
// tiebreaker, a missing one last, then its place in the input.
type place struct {
	time          int64
	tiebreaker    int64
	hasTiebreaker bool
	arrival       uint64
}

// placeOf is the place of the document that is the nth of the input.
func placeOf(d *document, nth uint64) place {
	p := place{time: d.time, hasTiebreaker: d.hasTiebreaker, arrival: nth}
	if d.hasTiebreaker {
		p.tiebreaker = d.tiebreaker
	}
	return p
}

// compare is negative if p comes before other.
func (p place) compare(other place) int {
	switch {
	case p.time != other.time:
		return cmp.Compare(p.time, other.time)
	case p.hasTiebreaker != other.hasTiebreaker:
		if p.hasTiebreaker {
			return -1
		}
		return 1
	case p.tiebreaker != other.tiebreaker:
		return cmp.Compare(p.tiebreaker, other.tiebreaker)
	}
	return cmp.Compare(p.arrival, other.arrival)
}
