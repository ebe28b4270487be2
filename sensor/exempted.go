package sensor

import "tripline/detect"

// Exempted says how often an exception kept an event from counting for a rule.
type Exempted struct {
	// Condition is the exception's condition as the user wrote it.
	Condition string
	// Events counts the events, once for each stage that they would have matched.
	Events uint64
}

// exempted lists the exceptions of rules, each once, that exempted something.
func exempted(rules []*detect.Compiled) []Exempted {
	var all []Exempted
	seen := make(map[*detect.Exception]bool)
	for _, rule := range rules {
		for _, exception := range rule.Exceptions() {
			if events := exception.Exempted(); events > 0 && !seen[exception] {
				all = append(all, Exempted{Condition: exception.Condition(), Events: events})
			}
			seen[exception] = true
		}
	}
	return all
}
