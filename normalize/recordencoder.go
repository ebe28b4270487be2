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
	texts := basisTexts{basisHost: &r.others.host, basisKind: r.kindTexts(w.event), basisUsers: r.userTexts(w.event)}
	return r.appendParts(dst, w, &r.others, &texts, nil)
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
	return r.others.texts(r.users, e, numbers[:], e.enriched(&e.records[0]), basisUsers)
}
