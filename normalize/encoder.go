package normalize

import (
	"bytes"

	"tripline/detect"
)

// Encoder writes events as Event.AppendJSON does, and keeps what is the same in
// many of them: the facts of the host, what their processes descend from, and what
// recorded events say again and again. One goroutine uses it.
type Encoder struct {
	host  *HostFacts
	parts []encoderPart
	// alone are the parts of an event at whose process nobody can look.
	alone []encoderPart
	// ancestors are the lists of ancestors that were met before, by where the first is:
	// siblings have the same.
	ancestors map[**ProcessFacts][]byte
	// recorded writes the events of logs; nil until there is one.
	recorded *logEncoder
	// members are those of the latest document of AppendMembers.
	members []int
}

// encoderPart is a field, or neighbours that are the same in every event.
type encoderPart struct {
	first *member // of them
	same  string
}

// maxAncestorTexts bounds how many lists of ancestors an Encoder keeps.
const maxAncestorTexts = 64

// NewEncoder makes an Encoder for the facts of a host, which may not change any
// more; where they are nil the facts are those of each event's Options.Host.
func NewEncoder(host *HostFacts) *Encoder {
	r := &Encoder{host: host, ancestors: make(map[**ProcessFacts][]byte)}
	blank := &Event{host: host}
	for i := range documentLayout.members {
		one := &documentLayout.members[i]
		if !one.field.fixed || host == nil {
			r.parts = append(r.parts, encoderPart{first: one})
			continue
		}
		value := one.field.get(blank)
		if value.Kind() == detect.KindMissing {
			continue
		}
		same := string(appendField(nil, one.field, value))
		if n := len(r.parts); n > 0 && r.parts[n-1].same != "" && r.parts[n-1].first.object == one.object && one.object != 0 {
			r.parts[n-1].same += one.key + same
			continue
		}
		r.parts = append(r.parts, encoderPart{first: one, same: same})
	}
	for _, part := range r.parts {
		if !part.first.field.kin && part.first.field.list == "" {
			r.alone = append(r.alone, part)
		}
	}
	return r
}

// Append appends the document of an event to dst and returns the extended slice,
// see Event.AppendJSON.
func (r *Encoder) Append(dst []byte, e *Event) []byte {
	return r.append(dst, documentWriter{event: e})
}

// AppendMembers is Append, and says where in the returned slice each member of the
// document begins, with the brace or comma before its name: for who needs some of them
// by themselves, without a search. They are valid until the next call, and none where they
// are not known, as for most events of logs.
func (r *Encoder) AppendMembers(dst []byte, e *Event) (grown []byte, members []int) {
	r.members = r.members[:0]
	grown = r.append(dst, documentWriter{event: e, members: &r.members})
	return grown, r.members
}

// append appends the document of the writer's event.
func (r *Encoder) append(dst []byte, w documentWriter) []byte {
	e := w.event
	before := e.host
	if r.host != nil {
		e.host = r.host
	}
	start, done := len(dst), false
	w.family = e.family()
	switch {
	case w.family != nil:
		dst = r.appendParts(dst, &w, r.parts)
	case e.recorded():
		w.members = nil
		if r.recorded == nil || r.recorded.host != e.host {
			r.recorded = newLogEncoder(e.host)
		}
		if dst, done = r.recorded.append(dst, &w); done {
			break
		}
		fallthrough
	default:
		dst = r.appendParts(dst, &w, r.alone)
	}
	e.host = before
	return w.end(dst, start)
}

// appendParts appends some parts.
func (r *Encoder) appendParts(dst []byte, w *documentWriter, parts []encoderPart) []byte {
	for i := range parts {
		if one := &parts[i]; one.same != "" {
			dst = append(w.begin(dst, one.first), one.same...)
		} else {
			dst = w.member(dst, one.first, r.appendAncestors)
		}
	}
	return dst
}

// appendAncestors is Event.appendAncestors with a memory.
func (r *Encoder) appendAncestors(e *Event, dst []byte) []byte {
	list := &e.family().Ancestors[0]
	known, ok := r.ancestors[list]
	if !ok {
		if len(r.ancestors) >= maxAncestorTexts {
			clear(r.ancestors)
		}
		start := len(dst)
		dst = e.appendAncestors(dst)
		r.ancestors[list] = bytes.Clone(dst[start:])
		return dst
	}
	return append(dst, known...)
}
