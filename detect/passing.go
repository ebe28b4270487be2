package detect

import "slices"

// Most events of a host are none that any rule is about. Who makes events may ask by
// category and action, before it works out anything else, and need not make them.

// Wants reports whether an event with a category and an action, and whatever else, may
// match a stage of a rule. It is so of every event where the engine puts events in order
// or a rule's category is another field than event.category. The answer for a category
// and an action never changes.
func (e *Engine) Wants(category, action string) bool {
	if e.limits.Tolerance > 0 || len(e.index.foreign) > 0 {
		return true
	}
	for _, r := range e.rules {
		if r.compiled.categoryName != "event.category" || r.compiled.until != nil && r.compiled.until.wants(category, action) {
			return true
		}
		for i := range r.compiled.stages {
			if r.compiled.stages[i].wants(category, action) {
				return true
			}
		}
	}
	return false
}

func (s *stage) wants(category, action string) bool {
	return (s.category == "" || s.category == category) && (s.actions == nil || slices.Contains(s.actions, action))
}

// Pass tells the engine of an event that it does not want: its category, and its time
// in nanoseconds since the Unix epoch. It does what Process does for an event that
// matches nothing.
func (e *Engine) Pass(category string, time int64) {
	e.events++
	o := &e.reorder
	if time < o.newest {
		e.late++
	}
	o.newest = max(o.newest, time)
	e.keepSwept(time)
	e.now = order{time: time, arrival: e.events}
	e.passBucket(&e.index.any)
	if b := e.index.categories.get(category); b != nil {
		e.passBucket(b)
	}
}

// passBucket lets time pass for the rules of a bucket that meet every event. Those
// that meet certain actions only would not meet this one.
func (e *Engine) passBucket(b *bucket) {
	for _, r := range b.always {
		if r.seen == e.now.arrival || r.done {
			continue
		}
		r.seen = e.now.arrival
		if r.compiled.sequence {
			e.letPass(r)
		}
	}
}
