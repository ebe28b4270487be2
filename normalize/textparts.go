package normalize

import (
	"strings"

	"tripline/detect"
)

// basis is what a part of the document of a recorded event is made of.
type basis uint8

const (
	basisEvent     basis = iota // of what differs from event to event
	basisHost                   // nothing but the host
	basisTime                   // the event's time
	basisData                   // the record's own keys
	basisKind                   // what happened and how it ended, see kindKey
	basisProcess                // the SYSCALL record from auid= on
	basisUsers                  // the numbers of users and groups
	basisArguments              // the records that show arguments
	basisPaths                  // PATH records
	basisAddress                // a SOCKADDR record
	basisNothing                // what no log tells
)

// basisInCall is what a field is made of in the document of a call. The records say of
// its users in the part about the process.
func basisInCall(one *field) basis {
	if basis := basisOf(one); basis != basisUsers {
		return basis
	}
	return basisProcess
}

// basisInRecord is what a field is made of in the document of an event with one record,
// which is not of a system call.
func basisInRecord(one *field) basis {
	switch basis := basisOf(one); basis {
	case basisProcess:
		return basisEvent
	case basisArguments, basisPaths, basisAddress:
		return basisNothing
	default:
		return basis
	}
}

func basisOf(one *field) basis {
	switch name := one.name; {
	case one.kin, one.list != "":
		return basisNothing
	case one.fixed:
		return basisHost
	case strings.HasPrefix(name, dataPrefix):
		return basisData
	default:
		return basisOfName(name)
	}
}

func basisOfName(name string) basis {
	switch name {
	case "@timestamp":
		return basisTime
	case "auditd.message_type", "auditd.node", "auditd.result", "event.action", "event.category", "event.outcome", "event.type":
		return basisKind
	case "process.args", "process.args_count", "process.command_line":
		return basisArguments
	case "auditd.session", "process.executable", "process.name":
		return basisProcess
	case "process.start", "process.parent.executable", "process.parent.name":
		return basisNothing
	}
	for _, of := range []struct {
		prefix string
		basis  basis
	}{
		{"file.", basisPaths},
		{"destination.", basisAddress},
		{"network.", basisAddress},
		{"source.", basisNothing},
		{"process.group.", basisUsers},
		{"process.real_", basisUsers},
		{"process.saved_", basisUsers},
		{"process.user.", basisUsers},
		{"user.", basisUsers},
		{"process.tty.", basisProcess},
		{"tripline.", basisProcess},
	} {
		if strings.HasPrefix(name, of.prefix) {
			return of.basis
		}
	}
	return basisEvent
}

// textParts are the parts of a document of recorded events, in order.
type textParts struct {
	parts []textPart
	// host has the texts of those that are the same in all documents.
	host madeTexts
}

// textPart is a part of a document: neighbouring fields that are made of the same.
type textPart struct {
	basis   basis
	members []*member
	// object is the number of the innermost object that has them all.
	object int
	// number is that of its text among those of the same basis.
	number int
}

// newTextParts divides the document by what its fields are made of.
func newTextParts(host *HostFacts, basisOf func(*field) basis) (p textParts) {
	next := [basisNothing]int{basisKind: kindPieces, basisProcess: processPieces}
	for i := range documentLayout.members {
		one := &documentLayout.members[i]
		basis := basisOf(one.field)
		if basis == basisNothing {
			continue
		}
		if n := len(p.parts); n == 0 || !p.parts[n-1].takes(basis, one) {
			p.parts = append(p.parts, textPart{basis: basis, object: one.object, number: next[basis]})
			next[basis]++
		}
		part := &p.parts[len(p.parts)-1]
		part.members = append(part.members, one)
		part.object = documentLayout.around(part.object, one.object)
	}
	p.addTo(&p.host, &Event{host: host}, basisHost)
	return p
}

// texts are the texts of all parts of a basis, which are made of first and second.
func (p *textParts) texts(memory *textMemory, e *Event, first, second []byte, basis basis) *madeTexts {
	texts, known := memory.find(first, second)
	if known {
		return texts
	}
	p.addTo(texts, e, basis)
	return memory.keep(texts)
}

// addTo adds the texts of all parts of a basis.
func (p *textParts) addTo(texts *madeTexts, e *Event, basis basis) {
	for i := range p.parts {
		if part := &p.parts[i]; part.basis == basis {
			texts.add(func(dst []byte) []byte { return part.append(dst, e) })
		}
	}
}

// takes says that a field may be the next one of a part. What is the same in all
// documents goes well with the rest of its object.
func (p *textPart) takes(basis basis, one *member) bool {
	switch {
	case basis == basisHost && (p.basis == basisHost || p.basis == basisKind || p.basis == basisProcess):
		return p.object == one.object
	default:
		return p.basis == basis
	}
}

// append appends the part as text, with a comma before each member of its object.
func (p *textPart) append(dst []byte, e *Event) []byte {
	w := documentWriter{event: e, open: p.object, told: true}
	return w.leave(p.write(dst, &w), p.object)
}

// write writes the part's fields.
func (p *textPart) write(dst []byte, w *documentWriter) []byte {
	for _, one := range p.members {
		if value := one.field.get(w.event); value.Kind() != detect.KindMissing {
			dst = appendField(w.begin(dst, one), one.field, value)
		}
	}
	return dst
}
