package detect

// Most events are like others that came before: the same program does the same thing
// again. What rules made of one of them holds for all.

// verdict is what is known of the events of one likeness.
type verdict struct {
	likeness uint64
	// rules are those that such an event meets.
	rules []*ruleState
	// stages has for each stage of all rules whether such an event matches it.
	stages []answer
}

// answer is yes or no once it is known.
type answer uint8

const (
	unanswered answer = iota
	matching
	differing
)

// verdictsKept is how many likenesses are remembered. Their memory is that many times
// the number of stages of all rules, in bytes.
const verdictsKept = 512

// known finds what is known of events like the current one, nil where they do not tell.
func (e *Engine) known() *verdict {
	alike, ok := e.current.(Alike)
	if !ok || !e.index.alike {
		return nil
	}
	likeness := alike.Likeness()
	if likeness == 0 {
		return nil
	}
	if e.verdicts == nil {
		e.verdicts = make([]verdict, verdictsKept)
	}
	v := &e.verdicts[likeness%verdictsKept]
	if v.likeness != likeness {
		e.renew(v, likeness)
	}
	return v
}

// renew makes a verdict one of another likeness, that of the current event.
func (e *Engine) renew(v *verdict, likeness uint64) {
	e.category = e.current.Value(e.index.category)
	e.meet()
	v.likeness, v.rules = likeness, append(v.rules[:0], e.met...)
	if v.stages == nil {
		last := e.rules[len(e.rules)-1]
		v.stages = make([]answer, last.first+len(last.compiled.stages)+1)
	}
	clear(v.stages)
}

// matches reports whether the current event matches a stage of a rule.
func (e *Engine) matches(r *ruleState, number int) bool {
	s := r.compiled.stage(number)
	if e.verdict == nil {
		return e.fulfils(s)
	}
	known := &e.verdict.stages[r.first+number]
	if *known != unanswered {
		return *known == matching
	}
	e.category = e.current.Value(e.index.category)
	matches := e.fulfils(s)
	switch {
	case !s.alike:
	case matches:
		*known = matching
	default:
		*known = differing
	}
	return matches
}

// fulfils asks a stage whether the current event matches it. The event's category was
// read before.
func (e *Engine) fulfils(s *stage) bool {
	return (s.category == "" || e.category.isOrHas(s.category)) && s.matches(e.current)
}
