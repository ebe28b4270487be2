package detect

import (
	"slices"
	"sync/atomic"

	"tripline/internal/diag"
)

// Exception is a condition that exempts events from rules: an event for which it
// holds does not count for a rule that it was put before.
type Exception struct {
	condition string
	holds     predicate
	fields    []string
	exempted  atomic.Uint64
}

// exceptionPrefix makes an event query of a condition.
const exceptionPrefix = "any where "

// CompileException prepares an EQL condition, such as
// process.executable == "/usr/bin/x", for the events of a schema. The error joins
// a *diag.Error for each defect, with its place in the condition.
func CompileException(condition string, schema Schema) (*Exception, error) {
	options := CompileOptions{CategoryField: "event.category", ActionField: "event.action", excludes: true}
	compiled, err := compileQuery(exceptionPrefix+condition, schema, options)
	if err != nil {
		return nil, diag.WithoutPrefix(err, exceptionPrefix)
	}
	return &Exception{condition: condition, holds: compiled.stages[0].matches, fields: compiled.fields}, nil
}

// Condition is the condition as the user wrote it.
func (x *Exception) Condition() string { return x.condition }

// Exempted counts how often the exception kept an event from counting for a stage
// of a rule. It may be called from any goroutine.
func (x *Exception) Exempted() uint64 { return x.exempted.Load() }

// Except returns the rule with an exception put before every stage of it. The
// rule itself stays as it is.
func (c *Compiled) Except(x *Exception) *Compiled {
	excepted := *c
	excepted.stages = slices.Clone(c.stages)
	for i := range excepted.stages {
		x.exempt(&excepted.stages[i])
	}
	if c.until != nil {
		until := *c.until
		x.exempt(&until)
		excepted.until = &until
	}
	excepted.exceptions = append(slices.Clone(c.exceptions), x)
	excepted.fields = slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(c.fields), x.fields...))))
	return &excepted
}

// Exceptions are the exceptions that were put before the rule, in that order.
func (c *Compiled) Exceptions() []*Exception { return slices.Clone(c.exceptions) }

// exempt asks the exception about events that would count for a stage, each of them
// because it counts them.
func (x *Exception) exempt(s *stage) {
	matches := s.matches
	s.alike = false
	s.matches = func(event Event) bool {
		if !matches(event) {
			return false
		}
		if x.holds(event) {
			x.exempted.Add(1)
			return false
		}
		return true
	}
}
