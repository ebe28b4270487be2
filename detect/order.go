package detect

import "cmp"

// order is an event's place in the stream: its time, then its tiebreaker, then
// its arrival.
type order struct {
	time          int64
	tiebreaker    int64
	hasTiebreaker bool
	arrival       uint64
}

func orderOf(ev Event, arrival uint64) order {
	o := order{time: ev.Time(), arrival: arrival}
	o.tiebreaker, o.hasTiebreaker = ev.Tiebreaker()
	return o
}

// compare is negative if o comes before other, zero only for an event and
// itself.
func (o order) compare(other order) int {
	switch {
	case o.time != other.time:
		return cmp.Compare(o.time, other.time)
	case o.hasTiebreaker && other.hasTiebreaker && o.tiebreaker != other.tiebreaker:
		return cmp.Compare(o.tiebreaker, other.tiebreaker)
	case o.hasTiebreaker != other.hasTiebreaker && o.hasTiebreaker:
		return -1
	case o.hasTiebreaker != other.hasTiebreaker:
		return 1
	}
	return cmp.Compare(o.arrival, other.arrival)
}

// milliseconds converts nanoseconds since the epoch, rounding down, to the
// precision in which maxspan is measured.
func milliseconds(ns int64) int64 {
	const perMillisecond = 1_000_000
	ms := ns / perMillisecond
	if ns%perMillisecond < 0 {
		ms--
	}
	return ms
}
