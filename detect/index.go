package detect

// index finds the rules that an event can match by its category and action, so
// that the cost of an event does not grow with the number of rules.
type index struct {
	category  FieldID
	action    FieldID
	hasAction bool
	// any has the rules that an event of any category can match.
	any        bucket
	byCategory map[string]*bucket
}

// bucket has the rules of one category.
type bucket struct {
	// always are the rules that an event of any action can match.
	always   []*ruleState
	byAction map[string][]*ruleState
}

// newIndex arranges rules. Rules whose category or action field is not that of
// the first rule meet every event.
func newIndex(rules []*ruleState) *index {
	x := &index{byCategory: make(map[string]*bucket)}
	for i, rule := range rules {
		c := rule.compiled
		if i == 0 {
			x.category, x.action, x.hasAction = c.category.ID, c.action.ID, c.hasAction
		}
		if c.category.ID != x.category || c.action.ID != x.action || c.hasAction != x.hasAction {
			x.any.always = append(x.any.always, rule)
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

func (x *index) add(rule *ruleState, s *stage) {
	b := &x.any
	if s.category != "" {
		if x.byCategory[s.category] == nil {
			x.byCategory[s.category] = new(bucket)
		}
		b = x.byCategory[s.category]
	}
	if s.actions == nil || !x.hasAction {
		b.always = appendOnce(b.always, rule)
		return
	}
	if b.byAction == nil {
		b.byAction = make(map[string][]*ruleState)
	}
	for _, action := range s.actions {
		b.byAction[action] = appendOnce(b.byAction[action], rule)
	}
}

// appendOnce appends a rule unless it was the last to be appended.
func appendOnce(rules []*ruleState, rule *ruleState) []*ruleState {
	if len(rules) > 0 && rules[len(rules)-1] == rule {
		return rules
	}
	return append(rules, rule)
}

// visit calls process for the rules that an event can match. A rule may come
// more than once.
func (x *index) visit(ev Event, process func(*ruleState)) {
	var action Value
	if x.hasAction {
		action = ev.Value(x.action)
	}
	x.any.visit(action, process)
	category := ev.Value(x.category)
	x.visitCategory(category, action, process)
	for i := range category.Elements() {
		x.visitCategory(category.Elements()[i], action, process)
	}
}

func (x *index) visitCategory(category, action Value, process func(*ruleState)) {
	if category.kind != KindString {
		return
	}
	if b := x.byCategory[category.Text()]; b != nil {
		b.visit(action, process)
	}
}

func (b *bucket) visit(action Value, process func(*ruleState)) {
	for _, rule := range b.always {
		process(rule)
	}
	if b.byAction == nil {
		return
	}
	if action.kind == KindString {
		for _, rule := range b.byAction[action.Text()] {
			process(rule)
		}
	}
	for i := range action.Elements() {
		for _, rule := range b.byAction[action.Elements()[i].Text()] {
			process(rule)
		}
	}
}
