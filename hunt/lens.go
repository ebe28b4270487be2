package hunt

import (
	"fmt"

	"tripline/detect"
	"tripline/internal/diag"
)

// Lens looks at single JSON documents: it reads some fields and tests a condition
// on them, in one pass over each document. One goroutine uses it at a time.
type Lens struct {
	scanner  *scanner
	document *document
	fields   []detect.FieldID
	// engine evaluates the condition; nil without one.
	engine  *detect.Engine
	matched bool
}

// lensPrefix makes an event query of a condition.
const lensPrefix = "any where "

// NewLens makes a lens for the named fields, and for an EQL condition such as
// process.name == "nc"; an empty condition holds for every document. The error
// joins a *diag.Error for each defect of the condition, with its place in it.
func NewLens(condition string, names ...string) (*Lens, error) {
	text := lensPrefix + "true"
	if condition != "" {
		text = lensPrefix + condition
	}
	queries, err := Compile([]*detect.Rule{NewRule("", text)}, FieldNames{})
	if err != nil {
		return nil, diag.WithoutPrefix(err, lensPrefix)
	}
	l := &Lens{}
	for _, name := range names {
		field, ok := queries.fields.Field(name)
		if !ok {
			return nil, fmt.Errorf("%.100q is no name of a field", name)
		}
		l.fields = append(l.fields, field.ID)
	}
	queries.tree = newPathTree(queries.fields.names)
	l.scanner, l.document = queries.newScanner(), newDocument(queries.fields)
	if condition != "" {
		l.engine = detect.NewEngine(queries.rules, detect.Limits{}, func(detect.Match) { l.matched = true })
	}
	return l, nil
}

// Look reads one document, which has to stay unchanged until the values have been
// used. The error is a *diag.Error with the column of what is no JSON object.
func (l *Lens) Look(line []byte) error {
	line = trimSpace(line)
	l.document.line = line
	if !l.scanner.scan(l.document) {
		at := &input{}
		return syntaxError(at, line, l.scanner)
	}
	l.matched = l.engine == nil
	if l.engine != nil {
		l.engine.Process(l.document)
	}
	return nil
}

// Holds says whether the condition holds for the document.
func (l *Lens) Holds() bool { return l.matched }

// Value is the value of the nth of the named fields, the zero Value where the
// document does not have it. It is valid until the next Look.
func (l *Lens) Value(n int) detect.Value { return l.document.Value(l.fields[n]) }

// Time is the document's @timestamp in nanoseconds since the Unix epoch; false
// where it has none that is valid.
func (l *Lens) Time() (int64, bool) { return l.document.time, l.document.hasTime }
