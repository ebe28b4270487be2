package hunt

import "tripline/detect"

// maxDepth is how deep the objects and arrays of a document may nest.
const maxDepth = 1000

// scanner reads JSON documents in one pass. It checks all of the syntax and
// takes the values of the fields that it looks for; of the rest it keeps
// nothing. One that is missing or null has no value, an array gives a field all
// of its elements, and so does a key that is repeated: nothing can hide behind
// a second value.
type scanner struct {
	tree *pathTree
	// timestamp and tiebreaker are the fields that order documents.
	timestamp, tiebreaker detect.FieldID

	data  []byte
	at    int
	depth int
	doc   *document
	// problem says what is wrong at data[at], empty while nothing is.
	problem string
	// key holds a key that has escapes.
	key []byte
}

// scan reads the document's line into its values; false if the line is no JSON
// object, which s.problem and s.at then describe.
func (s *scanner) scan(d *document) bool {
	d.reset()
	s.doc, s.data, s.at, s.depth, s.problem = d, d.line, 0, 0, ""
	if s.space() != '{' {
		return s.fail("this is no JSON object")
	}
	s.at++
	if !s.object(0) {
		return false
	}
	s.space()
	if s.at < len(s.data) {
		return s.fail("there is something behind the JSON object")
	}
	d.readTiebreaker(s.tiebreaker)
	return true
}

func (s *scanner) fail(problem string) bool {
	s.problem = problem
	return false
}

// space skips white space and returns the byte behind it, 0 at the end.
func (s *scanner) space() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// enter goes one level deeper.
func (s *scanner) enter() bool {
	s.depth++
	return s.depth <= maxDepth || s.fail("this is nested too deep")
}

// object reads an object from behind its brace.
func (s *scanner) object(node int32) bool {
	if !s.enter() {
		return false
	}
	c := s.space()
	if c == '}' {
		return s.leave()
	}
	for {
		if c != '"' {
			return s.fail("expected a key in double quotes")
		}
		raw, escaped, ok := s.text()
		if !ok {
			return false
		}
		if escaped && node >= 0 {
			s.key = appendUnescaped(s.key[:0], raw)
			raw = s.key
		}
		child := s.tree.next(node, raw)
		if s.space() != ':' {
			return s.fail("expected a colon")
		}
		s.at++
		if !s.value(child) {
			return false
		}
		switch s.space() {
		case ',':
			s.at++
			c = s.space()
		case '}':
			return s.leave()
		default:
			return s.fail("expected a comma or a closing brace")
		}
	}
}

// array reads an array from behind its bracket.
func (s *scanner) array(node int32) bool {
	if !s.enter() {
		return false
	}
	if s.space() == ']' {
		return s.leave()
	}
	for {
		if !s.value(node) {
			return false
		}
		switch s.space() {
		case ',':
			s.at++
		case ']':
			return s.leave()
		default:
			return s.fail("expected a comma or a closing bracket")
		}
	}
}

// leave goes behind a closing bracket or brace.
func (s *scanner) leave() bool {
	s.at++
	s.depth--
	return true
}

// value reads any value, for the field at node if there is one.
func (s *scanner) value(node int32) bool {
	c := s.space()
	switch {
	case c == '"':
		raw, escaped, ok := s.text()
		if ok && node >= 0 {
			s.takeText(s.tree.nodes[node].field, raw, escaped)
		}
		return ok
	case c == '{':
		s.at++
		return s.object(node)
	case c == '[':
		s.at++
		return s.array(node)
	case c == '-' || isDigit(c):
		token, whole := s.number()
		if token != nil && node >= 0 {
			s.takeNumber(s.tree.nodes[node].field, token, whole)
		}
		return token != nil
	case c == 't':
		return s.word("true") && s.takeBool(node, true)
	case c == 'f':
		return s.word("false") && s.takeBool(node, false)
	case c == 'n':
		return s.word("null")
	case s.at >= len(s.data):
		return s.fail("the JSON ends too early")
	default:
		return s.fail("expected a value")
	}
}

func (s *scanner) word(word string) bool {
	if end := s.at + len(word); end > len(s.data) || string(s.data[s.at:end]) != word {
		return s.fail("expected true, false or null")
	}
	s.at += len(word)
	return true
}

func (s *scanner) takeBool(node int32, b bool) bool {
	if node >= 0 {
		if id := s.tree.nodes[node].field; id != noField {
			s.doc.add(id, detect.Bool(b))
		}
	}
	return true
}

// takeText gives a field a string. It is a view into the document's line, or
// into the document's own memory where there are escapes.
func (s *scanner) takeText(id detect.FieldID, raw []byte, escaped bool) {
	if id == noField {
		return
	}
	if escaped {
		from := len(s.doc.unescaped)
		s.doc.unescaped = appendUnescaped(s.doc.unescaped, raw)
		raw = s.doc.unescaped[from:]
	}
	if id == s.timestamp && !s.doc.hasTime {
		s.doc.time, s.doc.hasTime = parseTimestamp(raw)
	}
	s.doc.add(id, detect.String(view(raw)))
}

// takeNumber gives a field a number.
func (s *scanner) takeNumber(id detect.FieldID, token []byte, whole bool) {
	if id == noField {
		return
	}
	if id == s.timestamp && !s.doc.hasTime {
		s.doc.time, s.doc.hasTime = parseEpochMillis(token)
	}
	s.doc.add(id, numberValue(token, whole))
}
