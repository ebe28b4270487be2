package normalize

import "bytes"

// resetter is a Resolver that wants to know of a host's restart.
type resetter interface {
	Reset(node string)
}

// identity says which process caused the event, once.
func (e *Event) identity() *Identity {
	if e.identified {
		if e.unnamed {
			e.nameProcess()
		}
		return &e.answers.identity
	}
	e.identified = true
	d := e.known()
	if pid, ok := d.id(idPID); ok {
		e.answers.identity = e.owner.options.Resolver.Identify(e.query(d, pid))
	}
	return &e.answers.identity
}

// recognize is identity for the resolver of a log, which leaves the making of a new
// process's id to who reads it.
func (e *Event) recognize(resolver *LogResolver) {
	d := e.known()
	pid, ok := d.id(idPID)
	if e.identified = true; !ok {
		return
	}
	query := e.query(d, pid)
	e.isOf(resolver.know(&query))
}

// isOf says which process the event is of.
func (e *Event) isOf(process *logProcess) {
	e.identified = true
	e.answers.identity = Identity{EntityID: process.entityID, PID: process.pid, Inferred: true}
	if e.unnamed = process.entityID == ""; e.unnamed {
		e.first = process.first
	}
}

// nameProcess makes the id of a process that the resolver recognized.
func (e *Event) nameProcess() {
	e.unnamed = false
	identity := &e.answers.identity
	identity.EntityID = e.first.entityID(e.node.name, identity.PID)
	if resolver, ok := e.owner.options.Resolver.(*LogResolver); ok {
		pid := e.known().ids[idPID]
		resolver.name(e.node.name, pid, e.first, identity.EntityID)
	}
}

// query is what the records say of the process. What they do not say counts as
// not set.
func (e *Event) query(d *details, pid uint32) ProcessQuery {
	query := ProcessQuery{
		Node: e.node.name, PID: pid, AUID: unset, Session: unset, Executable: text(d.exe), program: d.program,
		Executes: d.call == callExec && d.success == yes, Time: e.time, Sequence: e.sequence,
	}
	if id, ok := d.id(idPPID); ok {
		query.PPID = id
	}
	auid, login := d.id(idAUID)
	if login {
		query.AUID = auid
	}
	session, in := d.id(idSession)
	if in {
		query.Session = session
	}
	query.NoLogin = !login && !in
	if d.typ == TypeLogin || d.beside == TypeLogin {
		e.readLogin(d, &query)
	}
	return query
}

// readLogin reads in a LOGIN record whether the login user and the session of the process
// were set, and what they were before. Kernels before 3.10 write "old auid=" for "old-auid=".
func (e *Event) readLogin(d *details, query *ProcessQuery) {
	query.LogsIn, query.OldAUID, query.OldSession = true, unset, unset
	s := scanner{rest: e.body(e.record(TypeLogin))}
	var p pair
	for s.next(&p) {
		switch key := string(p.key); {
		case key == "old-auid", key == "auid" && p.old:
			query.OldAUID, _ = parseID(p.value)
		case key == "old-ses", key == "ses" && p.old:
			query.OldSession, _ = parseID(p.value)
		case key == "res":
			query.LogsIn = string(p.value) != "0"
		}
	}
	if !query.LogsIn && !d.syscall {
		query.forgoLogin()
	}
}

// forgoLogin takes back the login that could not be set.
func (q *ProcessQuery) forgoLogin() {
	q.NoLogin, q.AUID, q.Session = true, unset, unset
}

// readPlainLogin reads a LOGIN record that has all that kernels from 3.10 on write, and once
// (kernel/audit.c: audit_log_set_loginuid); false for any other.
func (q *ProcessQuery) readPlainLogin(body []byte) bool {
	var uid, res uint32
	places := [...]struct {
		key string
		id  *uint32 // nil for what is of no interest
	}{
		{"pid=", &q.PID}, {"uid=", &uid}, {"subj=", nil}, {"old-auid=", &q.OldAUID}, {"auid=", &q.AUID},
		{"tty=", nil}, {"old-ses=", &q.OldSession}, {"ses=", &q.Session}, {"res=", &res},
	}
	for _, one := range places {
		rest, found := bytes.CutPrefix(body, []byte(one.key))
		switch {
		case !found && one.id == nil:
			continue
		case !found:
			return false
		}
		value, after, _ := bytes.Cut(rest, []byte(" "))
		if one.id == nil {
			if len(value) == 0 || bytes.IndexByte([]byte(`"'{`), value[0]) >= 0 {
				return false
			}
		} else {
			n, end, ok := number(value, 0, unset)
			if !ok || end < len(value) {
				return false
			}
			*one.id = uint32(n)
		}
		body = after
	}
	if len(body) > 0 || res > 1 {
		return false
	}
	if q.LogsIn = res == 1; !q.LogsIn {
		q.forgoLogin()
	}
	return true
}

// PID is the process that caused the event: the thread group that the resolver
// found, else what the records name, which on kernels before 4.9 may be a thread.
// It is 0 when they name none.
func (e *Event) PID() uint32 {
	if pid := e.identity().PID; pid != 0 {
		return pid
	}
	return e.known().ids[idPID]
}
