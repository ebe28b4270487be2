package normalize

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/maphash"
)

// procEntityID is the printable digest of what makes a process unique. The
// parts are told apart by their lengths, so that no two lists of them run into
// the same bytes.
func procEntityID(kind, host, boot string, numbers ...uint64) string {
	text := make([]byte, 0, 160)
	for _, part := range [...]string{"tripline.process", kind, host, boot} {
		text = binary.BigEndian.AppendUint32(text, uint32(len(part)))
		text = append(text, part...)
	}
	for _, number := range numbers {
		text = binary.BigEndian.AppendUint64(text, number)
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// procHints are what an event's records show of its process beside the pid. They
// decide whether two events of a pid belong to one process where nothing better
// is known.
type procHints struct {
	ppid, auid, session uint32
	// executable is a hash of the path, so that the memory of a table does not
	// depend on the lengths of paths; 0 is unknown.
	executable uint64
}

// procHintsOf reads the hints of a query without keeping its views.
func procHintsOf(q *ProcessQuery, seed maphash.Seed) procHints {
	hints := procHints{ppid: q.PPID, auid: q.AUID, session: q.Session}
	if hints.executable = q.program; hints.executable == 0 && q.Executable != "" {
		hints.executable = maphash.String(seed, q.Executable)
	}
	return hints
}

// agree says whether nothing that a and b show speaks against their being of one
// process. The parent must be known. A process whose parent has ended, or that has
// executed another program, is not told from another one.
func (a procHints) agree(b procHints) bool {
	if a.auid != b.auid || a.session != b.session || a.ppid != b.ppid || a.ppid == 0 {
		return false
	}
	return a.executable == b.executable || a.executable == 0 || b.executable == 0
}

// isSilent says that the records do not say all that hints are made of, or that the
// process changed them.
func (q *ProcessQuery) isSilent() bool {
	return q.PPID == 0 || q.NoLogin || q.LogsIn || q.Executable == ""
}

// complete adds to the hints of a query what was known of the process before, and to these
// what the query says and was not known. A login that the query sets is its login from then on.
func (a *procHints) complete(hints procHints, q *ProcessQuery) procHints {
	if q.NoLogin {
		hints.auid, hints.session = a.auid, a.session
	}
	if q.LogsIn && a.auid == q.OldAUID && a.session == q.OldSession {
		a.auid, a.session = hints.auid, hints.session
	}
	if hints.executable == 0 {
		hints.executable = a.executable
	}
	switch {
	case hints.ppid == 0:
		hints.ppid = a.ppid
	case a.ppid == 0 && hints.executable == a.executable:
		a.ppid = hints.ppid
	}
	return hints
}
