package normalize

import "encoding/binary"

// singular says that the event has one record, which says what happened and is not of a
// system call.
func (e *Event) singular() bool {
	d := e.known()
	return len(e.records) == 1 && !e.records[0].typ.auxiliary() && !d.syscall && !d.uring
}

// appendRecord appends the members of the document of a singular event.
func (r *logEncoder) appendRecord(dst []byte, w *documentWriter) []byte {
	kind, users := r.kindTexts(w.event), r.userTexts(w.event)
	for i := range r.recordParts {
		part := &r.recordParts[i]
		switch part.basis {
		case basisTime:
			dst = r.appendTime(dst, w.event.time)
		case basisData:
			dst = w.pairs(part.write(dst, w), nil)
		case basisHost:
			dst = w.text(dst, part.object, part.text)
		case basisKind:
			dst = w.text(dst, part.object, kind.text(kindPieces+part.number))
		case basisUsers:
			dst = w.text(dst, part.object, users.text(part.number))
		default:
			dst = part.write(dst, w)
		}
	}
	return dst
}

// userTexts are the texts about users, which are made of their numbers and of the names
// that auditd added.
func (r *logEncoder) userTexts(e *Event) *madeTexts {
	d := e.known()
	var numbers [4*(idFSGID-idAUID+1) + 2]byte
	for i, id := range d.ids[idAUID : idFSGID+1] {
		binary.LittleEndian.PutUint32(numbers[4*i:], id)
	}
	binary.LittleEndian.PutUint16(numbers[len(numbers)-2:], d.present)
	return partTexts(r.users, e, numbers[:], e.enriched(&e.records[0]), r.recordParts, basisUsers)
}
