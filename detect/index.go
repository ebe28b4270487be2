package detect

// index finds the rules that an event can match by its category and action, so
// that the cost of an event does not grow with the number of rules.
type index struct {
	category  FieldID
	action    FieldID
	hasAction bool
	// costly says that reading the action may need a system call.
	costly bool
	// alike says that events of one likeness meet the same rules.
	alike bool
	// any has the rules that an event of any category can match.
	any        bucket
	categories textTable[*bucket]
	// foreign are the rules whose category or action field is not that of the
	// first rule. They meet every event.
	foreign []*ruleState
}

// bucket has the rules of one category.
type bucket struct {
	// always are the rules that an event of any action can match.
	always   []*ruleState
	byAction textTable[[]*ruleState]
	// withAction is how many stages can match certain actions only.
	withAction int
}

// manyStages is for how many stages of one category it pays to read an action
// that may need a system call. For fewer it is left to their conditions, which
// mostly fail before they come to it.
const manyStages = 16

// newIndex arranges rules.
func newIndex(rules []*ruleState) *index {
	x := new(index)
	for i, rule := range rules {
		c := rule.compiled
		if i == 0 {
			x.category, x.action, x.hasAction, x.costly = c.category.ID, c.action.ID, c.hasAction, c.action.Costly
		}
		for s := range c.stages {
			x.count(&c.stages[s])
		}
	}
	x.alike = len(rules) > 0
	for _, rule := range rules {
		c := rule.compiled
		x.alike = x.alike && c.category.Alike && (!c.hasAction || c.action.Alike)
		if c.category.ID != x.category || c.action.ID != x.action || c.hasAction != x.hasAction {
			x.foreign, x.alike = append(x.foreign, rule), false
			continue
		}
		for s := range c.stages {
			x.add(rule, &c.stages[s])
		}
		if c.until != nil {
			x.add(rule, c.until)
		}
	}
	return x
}

// bucket returns the bucket of a stage, new if need be.
func (x *index) bucket(s *stage) *bucket {
	if s.category == "" {
		return &x.any
	}
	b := x.categories.get(s.category)
	if b == nil {
		b = new(bucket)
		x.categories.set(s.category, b)
	}
	return b
}

func (x *index) count(s *stage) {
	if s.actions != nil {
		x.bucket(s).withAction++
	}
}

func (x *index) add(rule *ruleState, s *stage) {
	b := x.bucket(s)
	if s.actions == nil || !x.hasAction || x.costly && b.withAction < manyStages {
		b.always = appendOnce(b.always, rule)
		return
	}
	for _, action := range s.actions {
		b.byAction.set(action, appendOnce(b.byAction.get(action), rule))
	}
}

// appendOnce appends a rule unless it was the last to be appended.
func appendOnce(rules []*ruleState, rule *ruleState) []*ruleState {
	if len(rules) > 0 && rules[len(rules)-1] == rule {
		return rules
	}
	return append(rules, rule)
}

// processIndexed lets the rules that the current event can match meet it. A
// rule may come more than once.
func (e *Engine) processIndexed() {
	x := e.index
	if e.verdict = e.known(); e.verdict != nil {
		for _, rule := range e.verdict.rules {
			e.process(rule)
		}
		return
	}
	e.category = e.current.Value(x.category)
	e.meet()
	for _, rule := range e.met {
		e.process(rule)
	}
	for _, rule := range x.foreign {
		e.category = e.current.Value(rule.compiled.category.ID)
		e.process(rule)
	}
}

// meet finds the rules that an event of the current category can match, but for the
// foreign ones.
func (e *Engine) meet() {
	e.met = e.met[:0]
	e.meetBucket(&e.index.any)
	if e.category.kind == KindString {
		e.meetCategory(e.category)
	}
	for _, one := range e.category.Elements() {
		e.meetCategory(one)
	}
}

func (e *Engine) meetCategory(category Value) {
	if b := e.index.categories.get(category.Text()); b != nil {
		e.meetBucket(b)
	}
}

func (e *Engine) meetBucket(b *bucket) {
	e.met = append(e.met, b.always...)
	if b.byAction.isEmpty() {
		return
	}
	action := e.current.Value(e.index.action)
	if action.kind == KindString {
		e.met = append(e.met, b.byAction.get(action.Text())...)
	}
	for _, one := range action.Elements() {
		e.met = append(e.met, b.byAction.get(one.Text())...)
	}
}
