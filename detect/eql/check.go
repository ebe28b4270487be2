package eql

import (
	"errors"
	"fmt"

	"tripline/internal/diag"
)

// Fields tells the checker about the fields of events.
type Fields interface {
	// FieldType returns the type of a field, and false for an unknown field.
	FieldType(name string) (Type, bool)
	// FieldNames lists every known name, for suggestions.
	FieldNames() []string
}

// maxCheckErrors is after how many errors a query is not checked further.
const maxCheckErrors = 20

// Check verifies what the grammar does not: that fields and functions exist,
// that types fit, that join keys agree and that the parts of a statement go
// together. The error joins a *diag.Error for each defect, one about a field that
// events do not have inside an *UnknownFieldError.
func Check(query *Query, fields Fields) error {
	c := &checker{query: query, fields: fields}
	switch statement := query.Statement.(type) {
	case *EventQuery:
		c.filter(statement.Filter)
	case *Sequence:
		c.sequence(statement)
	case *Sample:
		c.sample(statement)
	case *Join:
		c.errorf(statement.Pos, "write a sequence or a sample", "join is not supported")
	}
	for _, pipe := range query.Pipes {
		c.pipe(pipe)
	}
	return errors.Join(c.errs...)
}

type checker struct {
	query  *Query
	fields Fields
	errs   []error
}

// ErrorAt describes what is wrong at a place of the query.
func (q *Query) ErrorAt(pos Pos, hint, format string, args ...any) *diag.Error {
	return errorAt(q.Text, pos, hint, format, args...)
}

func (c *checker) errorf(pos Pos, hint, format string, args ...any) {
	if len(c.errs) < maxCheckErrors {
		c.errs = append(c.errs, c.query.ErrorAt(pos, hint, format, args...))
	}
}

func (c *checker) filter(filter *Filter) {
	if t := c.expression(filter.Condition); t != TypeBool && !t.open() {
		c.errorf(filter.Condition.Position(), `compare it: … == …`, "condition is %s, not true or false", t)
	}
}

func (c *checker) sequence(sequence *Sequence) {
	positive := 0
	for _, stage := range sequence.Stages {
		c.filter(stage.Filter)
		if !stage.Negative {
			positive++
			continue
		}
		if sequence.MaxSpan == 0 {
			c.errorf(stage.Pos, "write: sequence with maxspan=…", "a sequence with a negative stage needs a maxspan")
		}
		if stage.Runs > 1 {
			c.errorf(stage.Pos, "", "a negative stage takes no runs")
		}
	}
	if positive == 0 {
		c.errorf(sequence.Pos, "", "a sequence needs at least one stage that is not negative")
	}
	keyed := sequence.Stages
	if sequence.Until != nil {
		c.filter(sequence.Until.Filter)
		keyed = append(keyed[:len(keyed):len(keyed)], sequence.Until)
	}
	c.joinKeys(sequence.By, keyed)
}

func (c *checker) sample(sample *Sample) {
	for _, stage := range sample.Stages {
		c.filter(stage.Filter)
		if stage.Negative {
			c.errorf(stage.Pos, "", "a sample takes no negative stage")
		}
		if stage.Runs > 1 {
			c.errorf(stage.Pos, "", "a stage of a sample takes no runs")
		}
	}
	if len(sample.By)+len(sample.Stages[0].By) == 0 {
		c.errorf(sample.Pos, "write: sample by field", "a sample needs join keys")
	}
	c.joinKeys(sample.By, sample.Stages)
}

// joinKeys verifies that every stage has as many keys as the first and that
// keys in the same position have types that can be equal.
func (c *checker) joinKeys(shared []Expression, stages []*Stage) {
	for _, key := range shared {
		c.joinKey(key)
	}
	var first []Type
	for i, stage := range stages {
		types := make([]Type, len(stage.By))
		for j, key := range stage.By {
			types[j] = c.joinKey(key)
		}
		if i == 0 {
			first = types
			continue
		}
		if len(types) != len(first) {
			c.errorf(stage.Pos, "every stage and until take the same number of keys",
				"stage has %s, the first stage has %d", count(len(types), "join key"), len(first))
			continue
		}
		for j, key := range stage.By {
			if !types[j].comparable(first[j]) {
				c.errorf(key.Position(), "", "join key is %s, the first stage's key in this position is %s", types[j], first[j])
			}
		}
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (c *checker) joinKey(key Expression) Type {
	if _, ok := key.(*Field); !ok {
		c.errorf(key.Position(), "write the name of a field", "a join key must be a field")
		return TypeUnknown
	}
	return c.expression(key)
}

func (c *checker) pipe(pipe *Pipe) {
	if pipe.Name != "head" && pipe.Name != "tail" {
		c.errorf(pipe.Pos, "EQL has the pipes head and tail", "unknown pipe %q", shorten(pipe.Name))
		return
	}
	if len(pipe.Arguments) == 1 {
		if n, ok := pipe.Arguments[0].(*Literal); ok && n.Kind == LiteralInteger && n.Integer >= 0 {
			return
		}
	}
	c.errorf(pipe.Pos, "write: | "+pipe.Name+" 10", "pipe %s takes one whole number", pipe.Name)
}
