package normalize

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tripline/detect"
)

// AppendJSON appends the event as one JSON document with nested objects, without
// a line ending, and returns the extended slice. The order of the fields is always
// the same. Bytes that are no UTF-8 are shown as U+FFFD each. host gives the
// fields host.* and agent.id, in place of Options.Host when it is not nil.
func (e *Event) AppendJSON(dst []byte, host *HostFacts) []byte {
	if host != nil {
		defer func(before *HostFacts) { e.host = before }(e.host)
		e.host = host
	}
	w := documentWriter{dst: append(dst, '{'), event: e}
	for id := range registry {
		one := &registry[id]
		if one.pair {
			continue
		}
		if value := e.Value(detect.FieldID(id)); value.Kind() != detect.KindMissing {
			w.pairs(one.name)
			if one.list == "" {
				w.field(one, value)
			} else if one.list != w.list {
				w.ancestors(one.list)
			}
		}
	}
	w.pairs("")
	w.close("")
	return append(w.dst, '}')
}

// documentWriter writes fields, sorted by the parts of their names, into nested
// objects.
type documentWriter struct {
	dst   []byte
	event *Event
	// open is the path of the object that is being written, "process.parent", and
	// fresh says that it has no member yet.
	open  string
	fresh bool
	begun bool   // the document has a member
	shown int    // how many of the event's data pairs have been written
	list  string // the list of objects that was written last
}

// pairs writes the pairs of auditd.data that come before the field of the given
// name, or before the end where it is empty.
func (w *documentWriter) pairs(before string) {
	key, inside := strings.CutPrefix(before, dataPrefix)
	if !inside && before != "" && before < dataPrefix {
		return
	}
	pairs := w.event.data()
	for w.shown < len(pairs) && (!inside || text(pairs[w.shown].key) < key) {
		one := pairs[w.shown]
		w.enter(dataPrefix[:len(dataPrefix)-1])
		w.member(text(one.key))
		w.dst = appendString(w.dst, text(one.value))
		w.shown++
	}
}

// field writes one field.
func (w *documentWriter) field(one *field, value detect.Value) {
	name := one.name
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		w.enter(name[:dot])
		name = name[dot+1:]
	} else {
		w.close("")
	}
	w.member(name)
	if one.array && value.Kind() != detect.KindList {
		w.dst = append(w.dst, '[')
		w.dst = append(appendScalar(w.dst, one, value), ']')
		return
	}
	w.dst = appendValue(w.dst, one, value)
}

// ancestors writes the list of the process's ancestors.
func (w *documentWriter) ancestors(name string) {
	dot := strings.LastIndexByte(name, '.')
	w.enter(name[:dot])
	w.member(name[dot+1:])
	w.dst = w.event.appendAncestors(w.dst)
	w.list = name
}

// member begins a member of the object that is open.
func (w *documentWriter) member(name string) {
	if w.open == "" && w.begun || w.open != "" && !w.fresh {
		w.dst = append(w.dst, ',')
	}
	w.begun, w.fresh = true, false
	w.dst = append(appendString(w.dst, name), ':')
}

// enter closes the open object and opens others until the one of the path is
// open.
func (w *documentWriter) enter(path string) {
	if w.open == path {
		return
	}
	w.close(path)
	for w.open != path {
		rest := path
		if w.open != "" {
			rest = path[len(w.open)+1:]
		}
		name, _, _ := strings.Cut(rest, ".")
		w.member(name)
		w.dst = append(w.dst, '{')
		w.fresh = true
		w.open = path[:len(path)-len(rest)+len(name)]
	}
}

// close closes objects until the open one contains the path.
func (w *documentWriter) close(path string) {
	for w.open != "" && !within(path, w.open) {
		w.dst = append(w.dst, '}')
		w.fresh = false
		w.open = w.open[:max(0, strings.LastIndexByte(w.open, '.'))]
	}
}

// within says that a path is that of an object or of one inside it.
func within(path, object string) bool {
	rest, ok := strings.CutPrefix(path, object)
	return ok && (rest == "" || rest[0] == '.')
}

// appendValue appends a field's value.
func appendValue(dst []byte, one *field, value detect.Value) []byte {
	if value.Kind() != detect.KindList {
		return appendScalar(dst, one, value)
	}
	dst = append(dst, '[')
	for i, element := range value.Elements() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendScalar(dst, one, element)
	}
	return append(dst, ']')
}

// appendScalar appends a value that is no list.
func appendScalar(dst []byte, one *field, value detect.Value) []byte {
	switch value.Kind() {
	case detect.KindString:
		return appendString(dst, value.Text())
	case detect.KindBool:
		return strconv.AppendBool(dst, value.Bool())
	case detect.KindInt:
		if one.typ == detect.TypeDate {
			return appendTime(dst, value.Int())
		}
		return strconv.AppendInt(dst, value.Int(), 10)
	default:
		return append(dst, "null"...)
	}
}

// appendTime appends nanoseconds since the Unix epoch as RFC 3339 in UTC, with
// milliseconds.
func appendTime(dst []byte, nanos int64) []byte {
	dst = append(dst, '"')
	dst = time.Unix(0, nanos).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

// appendString appends a text as a JSON string.
func appendString(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' && b < 0x7f {
			i++
			continue
		}
		size := 1
		if b >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[done:i]...)
		switch {
		case b >= utf8.RuneSelf:
			dst = append(dst, "\ufffd"...)
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
		}
		i += size
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}
