package normalize

import (
	"bytes"
	"hash/maphash"
)

// pathReader finds the names in PATH records. What follows an inode's number is the same
// text in most records, and is read once. One goroutine uses it.
type pathReader struct {
	seed  maphash.Seed
	known [knownTails]pathTail
}

// knownTails is how many such texts are kept, each up to a length of maxTail bytes.
const (
	knownTails = 256
	maxTail    = 512
)

// pathTail is what a PATH record says behind the number of the inode.
type pathTail struct {
	text []byte
	// named says that there is another name, parent that the path is that of a
	// directory which only holds another.
	named, parent bool
}

// read finds the name in the body of a PATH record, with its quotation marks, and
// whether it is a directory's that only holds another; false for a record of another
// form than the kernel's.
func (r *pathReader) read(body []byte) (name []byte, parent, ok bool) {
	const item, inode = "item=", " inode="
	rest, ok := bytes.CutPrefix(body, []byte(item))
	if !ok {
		return nil, false, false
	}
	rest, ok = bytes.CutPrefix(digitsCut(rest), []byte(" name="))
	if !ok || len(rest) == 0 {
		return nil, false, false
	}
	switch rest[0] {
	case '\'', '{':
		return nil, false, false
	case '"':
		name = rest[:bytes.IndexByte(rest[1:], '"')+2]
	default:
		name = rest[:max(bytes.IndexByte(rest, ' '), 0)]
	}
	rest = rest[len(name):]
	if after, found := bytes.CutPrefix(rest, []byte(inode)); found {
		rest = digitsCut(after)
	}
	if len(name) < 2 || len(rest) == 0 || rest[0] != ' ' || len(rest) > maxTail {
		return nil, false, false
	}
	tail := r.tail(rest)
	return name, tail.parent, !tail.named
}

// digitsCut is a text without the digits that it begins with.
func digitsCut(text []byte) []byte {
	for len(text) > 0 && text[0]-'0' <= 9 {
		text = text[1:]
	}
	return text
}

// tail is what a tail says.
func (r *pathReader) tail(text []byte) *pathTail {
	known := &r.known[maphash.Bytes(r.seed, text)%knownTails]
	if bytes.Equal(known.text, text) {
		return known
	}
	*known = pathTail{text: append(known.text[:0], text...)}
	s := scanner{rest: text}
	var p pair
	for s.next(&p) {
		switch string(p.key) {
		case "name":
			known.named = true
		case "nametype", "objtype":
			known.parent = string(p.value) == "PARENT"
		}
	}
	return known
}
