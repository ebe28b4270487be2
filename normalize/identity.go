package normalize

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

// PID is the process that caused the event: the thread group that the resolver
// found, else what the records name, which on kernels before 4.9 may be a thread.
// It is 0 when they name none.
func (e *Event) PID() uint32 {
	if pid := e.identity().PID; pid != 0 {
		return pid
	}
	return e.known().ids[idPID]
}
