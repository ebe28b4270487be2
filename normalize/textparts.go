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

// textPart is a part of the document of a recorded event: neighbouring fields that are
// made of the same.
type textPart struct {
	basis   basis
	members []*member
	// object is the number of the innermost object that has them all.
	object int
	// number counts the parts of the same basis.
	number int
	// text is the part, where it is the same in all documents.
	text []byte
}

// textParts divides the document by what its fields are made of.
func textParts(host *HostFacts, basisOf func(*field) basis) []textPart {
	var parts []textPart
	var counts [basisNothing]int
	for i := range documentLayout.members {
		one := &documentLayout.members[i]
		basis := basisOf(one.field)
		if basis == basisNothing {
			continue
		}
		n := len(parts)
		if n == 0 || parts[n-1].basis != basis || basis == basisHost && parts[n-1].object != one.object {
			parts = append(parts, textPart{basis: basis, object: one.object, number: counts[basis]})
			counts[basis]++
			n++
		}
		part := &parts[n-1]
		part.members = append(part.members, one)
		part.object = documentLayout.around(part.object, one.object)
	}
	blank := &Event{host: host}
	for i := range parts {
		if part := &parts[i]; part.basis == basisHost {
			part.text = part.append(nil, blank)
		}
	}
	return parts
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
