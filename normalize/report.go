package normalize

import (
	"bytes"
	"hash/maphash"
)

// Programs, and the audit daemon, write records that are events of their own. Most rules
// are about none of them, and a log may have little else: what the resolver has to know
// of their processes is then read, and the rest is not.

// reports reads such records. What it read of a program's part it does not read again: the
// same program says the same of many logins and jobs. Its memory is at most some 1.1 MiB, and a
// fifth of that for usual lengths.
type reports struct {
	types [lastNamedType - firstNamedType + 1]reportType
	known [knownReports]knownReport
	// scratch reads what is not known.
	scratch Event
}

// reportType says of a type of record whether nobody wants its events.
type reportType struct {
	known, passes bool
}

// knownReports is how many texts are kept, each up to a length of maxKnownReport bytes.
const (
	knownReports   = 512
	maxKnownReport = 1024
)

// knownReport is what follows the session in a record, and what it says of the process.
type knownReport struct {
	hash    uint64
	text    []byte
	ppid    uint32
	exe     []byte
	program uint64
	// plain says that all of it can be read.
	plain bool
}

// passesReport lets a recorded event pass that is one record of a program or of the audit
// daemon, or a login by itself, which nobody wants, and does what is done for every event;
// false for an event that is wanted, or that is to be looked at closely.
func (c *Correlator) passesReport(w *waiting) bool {
	if w.block == nil || w.event != nil || c.recorded == nil {
		return false
	}
	run := &w.block.runs[w.run]
	if run.call != 0 || run.last != run.first+1 {
		return false
	}
	record := &w.block.records[run.first]
	if !record.typ.alone() && record.typ != TypeLogin {
		return false
	}
	if !c.reportPasses(record.typ) {
		return false
	}
	query := ProcessQuery{Node: w.node.name, Time: w.time, Sequence: w.sequence}
	if body := w.block.body(record); record.typ == TypeLogin {
		if !query.readPlainLogin(body) {
			return false
		}
	} else if !c.reports.read(body, &query, c.recorded.seed) {
		return false
	}
	if w.node.restarts(record.typ, w.time, w.sequence) {
		c.recorded.Reset(w.node.name)
	}
	c.recorded.know(&query)
	c.counters.events.Add(1)
	category, _ := categorize(record.typ)
	c.options.Passed(category, w.time*1e6)
	return true
}

// reportPasses says whether nobody wants the events of a type of record.
func (c *Correlator) reportPasses(typ RecordType) bool {
	one := &c.reports.types[typ-firstNamedType]
	if !one.known {
		described := describeRecord(typ)
		one.known, one.passes = true, c.options.Wants != nil && !c.options.Wants(described.category, described.action)
	}
	return one.passes
}

// read reads what a record says of its process; false for one that does not begin as the
// kernel begins those of programs (kernel/audit.c: audit_log_common_recv_msg), or of which
// something cannot be read. Old kernels, as RHEL 6's, write "user" before it.
func (r *reports) read(body []byte, query *ProcessQuery, seed maphash.Seed) bool {
	var uid uint32
	rest, _ := bytes.CutPrefix(body, []byte("user "))
	for _, one := range [...]struct {
		key string
		id  *uint32
	}{{"pid=", &query.PID}, {" uid=", &uid}, {" auid=", &query.AUID}, {" ses=", &query.Session}} {
		var ok bool
		if rest, ok = bytes.CutPrefix(rest, []byte(one.key)); !ok {
			return false
		}
		n, end, ok := number(rest, 0, unset)
		if !ok || end < len(rest) && rest[end] != ' ' {
			return false
		}
		*one.id, rest = uint32(n), rest[end:]
	}
	said := r.find(rest, seed)
	if said == nil || !said.plain {
		return false
	}
	query.PPID, query.Executable, query.program = said.ppid, text(said.exe), said.program
	return true
}

// find finds what a text says, and reads it if it is not known; nil for one that is too
// long.
func (r *reports) find(rest []byte, seed maphash.Seed) *knownReport {
	if len(rest) > maxKnownReport {
		return nil
	}
	hash := maphash.Bytes(seed, rest)
	known := &r.known[hash%knownReports]
	if known.hash != hash || !bytes.Equal(known.text, rest) {
		known.hash, known.text = hash, append(known.text[:0], rest...)
		r.learn(known, seed)
	}
	return known
}

// learn reads a text that follows the ids which the kernel gives.
func (r *reports) learn(known *knownReport, seed maphash.Seed) {
	var d details
	d.present = 1<<idPID | 1<<idUID | 1<<idAUID | 1<<idSession
	r.scratch.arena = r.scratch.arena[:0]
	unreadable := r.scratch.readPairs(&d, known.text)
	known.plain = unreadable == 0
	known.ppid, known.exe, known.program = d.ids[idPPID], append(known.exe[:0], d.exe...), 0
	if len(known.exe) > 0 {
		known.program = maphash.Bytes(seed, known.exe)
	}
}
