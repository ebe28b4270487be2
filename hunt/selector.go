package hunt

import "tripline/detect"

// selector decides which documents can take part in a match.
type selector struct {
	scanner  *scanner
	document *document
	engine   *detect.Engine
	selected bool
}

func newSelector(queries *Queries) *selector {
	s := &selector{scanner: queries.newScanner(), document: newDocument(queries.fields)}
	s.engine = detect.NewEngine(queries.filters, detect.Limits{}, func(detect.Match) { s.selected = true })
	return s
}

// selects says whether the document that was scanned last matches a stage.
func (s *selector) selects() bool {
	s.selected = false
	s.engine.Process(s.document)
	return s.selected
}
