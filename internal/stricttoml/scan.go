package stricttoml

import (
	"strconv"
	"strings"
)

// maxDepth bounds how deep tables, arrays and dotted keys may nest. No file
// that a person writes comes near, and the parser, which recurses, would
// exhaust the stack on a megabyte of brackets.
const maxDepth = 64

// node says where one key, table or array element stands in the text. Nodes
// form the same tree as the values that the parser returns.
type node struct {
	// key is the offset of the key's name, in a header that of its last part,
	// and for an array element the offset of the element itself.
	key int
	// value is the offset of the value's first character, negative for tables
	// that come from a header or a dotted key.
	value int
	// content is where the text of a string begins, behind the quotes and the
	// newline that TOML trims; it equals value for everything else.
	content int

	table map[string]*node
	array []*node
}

// at is the offset of the value, or of the key where there is no value.
func (n *node) at() int {
	if n.value >= 0 {
		return n.value
	}
	return n.key
}

// child returns the node with the given name below n, made if need be.
func (n *node) child(part keyPart) *node {
	if n.table == nil {
		n.table = make(map[string]*node)
	}
	child, ok := n.table[part.name]
	if !ok {
		child = &node{key: part.at, value: -1, content: part.at}
		n.table[part.name] = child
	}
	return child
}

// descend follows the parts of a key below n. Like TOML it means the last
// element wherever it comes through an array of tables.
func (n *node) descend(parts []keyPart) *node {
	for _, part := range parts {
		n = n.child(part)
		if len(n.array) > 0 {
			n = n.array[len(n.array)-1]
		}
	}
	return n
}

// keyPart is one name of a dotted key and where it stands.
type keyPart struct {
	name string
	at   int
}

// scanner finds where things stand in a TOML text. It checks nothing: the
// parser does that, and on text that the parser refuses the scanner finds what
// it can and always ends.
type scanner struct {
	text string
	pos  int
	// tooDeep is the offset at which maxDepth was exceeded, or negative.
	tooDeep int
}

// scan indexes a TOML text. The second result is the offset of the place that
// nests deeper than maxDepth, where the scan ends, or negative.
func scan(text string) (*node, int) {
	s := &scanner{text: text, tooDeep: -1}
	root := &node{value: -1}
	current := root
	for s.skipBlank(); s.more(); s.skipBlank() {
		if s.peek() == '[' {
			current = s.header(root)
		} else {
			s.pair(current, 0)
		}
		s.skipLine()
	}
	return root, s.tooDeep
}

// header reads [a.b] or [[a.b]] and returns the table that follows it.
func (s *scanner) header(root *node) *node {
	s.pos++
	isElement := s.more() && s.peek() == '['
	if isElement {
		s.pos++
	}
	parts := s.key()
	if len(parts) == 0 {
		return root
	}
	last := parts[len(parts)-1]
	parent := root.descend(parts[:len(parts)-1])
	if !isElement {
		table := parent.descend(parts[len(parts)-1:])
		table.key = last.at
		return table
	}
	list := parent.child(last)
	element := &node{key: last.at, value: -1, content: last.at}
	list.array = append(list.array, element)
	return element
}

// pair reads key = value below table. It always moves forward.
func (s *scanner) pair(table *node, depth int) {
	start := s.pos
	parts := s.key()
	s.skipSpace()
	if len(parts) == 0 || !s.more() || s.peek() != '=' {
		s.pos = max(s.pos, start+1)
		return
	}
	s.pos++
	s.skipSpace()
	s.value(table.descend(parts[:len(parts)-1]).child(parts[len(parts)-1]), depth+1)
}

// key reads a dotted key. It returns nothing where there is no key.
func (s *scanner) key() []keyPart {
	var parts []keyPart
	for {
		s.skipSpace()
		part, ok := s.keyPart()
		if !ok {
			return parts
		}
		if len(parts) == maxDepth {
			s.giveUp(part.at)
			return nil
		}
		parts = append(parts, part)
		s.skipSpace()
		if !s.more() || s.peek() != '.' {
			return parts
		}
		s.pos++
	}
}

// keyPart reads one bare or quoted name.
func (s *scanner) keyPart() (keyPart, bool) {
	start := s.pos
	if !s.more() {
		return keyPart{}, false
	}
	if c := s.peek(); c == '"' || c == '\'' {
		s.pos++
		closed := s.skipString(c)
		name := strings.TrimSuffix(s.text[start+1:s.pos], string(c))
		if c == '"' {
			name = unescape(name)
		}
		return keyPart{name, start}, closed
	}
	for s.more() && !strings.ContainsRune(" \t\r\n.=[]{},#\"'", rune(s.peek())) {
		s.pos++
	}
	return keyPart{s.text[start:s.pos], start}, s.pos > start
}

// value reads one value of any type into n.
func (s *scanner) value(n *node, depth int) {
	if depth > maxDepth {
		s.giveUp(s.pos)
	}
	n.value, n.content = s.pos, s.pos
	if !s.more() {
		return
	}
	switch c := s.peek(); c {
	case '"', '\'':
		s.stringValue(n, c)
	case '[':
		s.arrayValue(n, depth)
	case '{':
		s.tableValue(n, depth)
	default:
		for s.more() && !strings.ContainsRune(",]}#\n", rune(s.peek())) {
			s.pos++
		}
	}
}

func (s *scanner) stringValue(n *node, quote byte) {
	triple := strings.Repeat(string(quote), 3)
	if !strings.HasPrefix(s.text[s.pos:], triple) {
		s.pos++
		n.content = s.pos
		s.skipString(quote)
		return
	}
	s.pos += len(triple)
	s.skipPrefix("\r")
	if !s.skipPrefix("\n") && s.text[s.pos-1] == '\r' {
		s.pos-- // a lone carriage return is not a newline
	}
	n.content = s.pos
	s.skipMultiline(quote, triple)
}

func (s *scanner) arrayValue(n *node, depth int) {
	for s.pos++; ; {
		s.skipBlank()
		if !s.more() || s.skipPrefix("]") {
			return
		}
		if s.skipPrefix(",") {
			continue
		}
		element := &node{key: s.pos}
		s.value(element, depth+1)
		if s.pos == element.key {
			s.pos++ // text that no value begins with; the parser refuses it
			continue
		}
		n.array = append(n.array, element)
	}
}

func (s *scanner) tableValue(n *node, depth int) {
	for s.pos++; ; {
		s.skipBlank()
		if !s.more() || s.skipPrefix("}") {
			return
		}
		if !s.skipPrefix(",") {
			s.pair(n, depth)
		}
	}
}

// skipString moves behind the end of a one-line string and says whether it was
// closed.
func (s *scanner) skipString(quote byte) bool {
	for s.more() && s.peek() != '\n' {
		c := s.peek()
		s.pos++
		if c == quote {
			return true
		}
		if c == '\\' && quote == '"' && s.more() && s.peek() != '\n' {
			s.pos++
		}
	}
	return false
}

// skipMultiline moves behind the end of a multi-line string, which up to two
// quotes of its own may precede.
func (s *scanner) skipMultiline(quote byte, triple string) {
	for s.more() {
		if s.skipPrefix(triple) {
			for extra := 0; extra < 2 && s.more() && s.peek() == quote; extra++ {
				s.pos++
			}
			return
		}
		if s.peek() == '\\' && quote == '"' && s.pos+1 < len(s.text) {
			s.pos++
		}
		s.pos++
	}
}

// skipBlank moves over spaces, line ends and comments.
func (s *scanner) skipBlank() {
	for s.more() {
		switch s.peek() {
		case ' ', '\t', '\r', '\n':
			s.pos++
		case '#':
			s.skipLine()
		default:
			return
		}
	}
}

func (s *scanner) skipSpace() {
	for s.more() && (s.peek() == ' ' || s.peek() == '\t') {
		s.pos++
	}
}

func (s *scanner) skipLine() {
	if end := strings.IndexByte(s.text[s.pos:], '\n'); end >= 0 {
		s.pos += end
	} else {
		s.pos = len(s.text)
	}
}

func (s *scanner) skipPrefix(prefix string) bool {
	found := strings.HasPrefix(s.text[s.pos:], prefix)
	if found {
		s.pos += len(prefix)
	}
	return found
}

// giveUp ends the scan because the text nests too deep at the offset at.
func (s *scanner) giveUp(at int) {
	if s.tooDeep < 0 {
		s.tooDeep = at
	}
	s.pos = len(s.text)
}

func (s *scanner) more() bool { return s.pos < len(s.text) }

func (s *scanner) peek() byte { return s.text[s.pos] }

// unescape resolves the escapes of a basic string. What is no escape stays as
// it is: the parser has refused it.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for text != "" {
		if rest, ok := strings.CutPrefix(text, `\e`); ok {
			b.WriteByte('\x1b')
			text = rest
			continue
		}
		r, _, rest, err := strconv.UnquoteChar(text, '"')
		if err != nil {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		b.WriteRune(r)
		text = rest
	}
	return b.String()
}
