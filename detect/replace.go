package detect

// Replace puts other rules in the place of those that the engine has, between two
// events. What was pending for a rule survives where the rule is unchanged, which
// is to say that it has the same id and the same query; its exceptions may be
// others. It returns how many rules are unchanged.
func (e *Engine) Replace(rules []*Compiled) (unchanged int) {
	former := e.rules
	e.rules = make([]*ruleState, 0, len(rules))
	for _, compiled := range rules {
		state := takeState(former, compiled)
		if state == nil {
			state = newRuleState(compiled)
		} else {
			state.compiled = compiled
			unchanged++
		}
		e.rules = append(e.rules, state)
	}
	for _, r := range former {
		if r != nil {
			e.forget(r)
		}
	}
	e.arrange()
	return unchanged
}

// takeState takes the state of the same rule out of states; nil when there is
// none.
func takeState(states []*ruleState, compiled *Compiled) *ruleState {
	for i, r := range states {
		if r != nil && r.compiled.rule.RuleID == compiled.rule.RuleID && r.compiled.rule.Query == compiled.rule.Query {
			states[i] = nil
			return r
		}
	}
	return nil
}

// forget releases everything that a rule keeps.
func (e *Engine) forget(r *ruleState) {
	for r.list.oldest != nil {
		e.drop(r, r.list.oldest)
	}
	for r.held.oldest != nil {
		e.unhold(r, r.held.oldest)
	}
	for i := range r.pipes {
		for p := &r.pipes[i]; p.start < len(p.results); {
			e.dropFirst(r, p)
		}
	}
	r.list.unused = nil
}
