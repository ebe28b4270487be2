package normalize

// resetter is a Resolver that wants to know of a host's restart.
type resetter interface {
	Reset(node string)
}

// identity says which process caused the event, once.
func (e *Event) identity() *Identity {
	d := e.known()
	if d.identified {
		if d.unnamed {
			e.nameProcess(d)
		}
		return &d.identity
	}
	d.identified = true
	if pid, ok := d.id(idPID); ok {
		d.identity = e.owner.options.Resolver.Identify(e.query(d, pid))
	}
	return &d.identity
}

// recognize is identity for the resolver of a log, which leaves the making of a new
// process's id to who reads it.
func (e *Event) recognize(resolver *LogResolver) {
	d := e.known()
	pid, ok := d.id(idPID)
	if d.identified = true; !ok {
		return
	}
	query := e.query(d, pid)
	known := resolver.know(&query)
	d.identity = Identity{EntityID: known.entityID, PID: known.pid, Inferred: true}
	if d.unnamed = known.entityID == ""; d.unnamed {
		d.first = known.first
	}
}

// nameProcess makes the id of a process that the resolver recognized.
func (e *Event) nameProcess(d *details) {
	d.unnamed = false
	d.identity.EntityID = d.first.entityID(e.node.name, d.identity.PID)
	if resolver, ok := e.owner.options.Resolver.(*LogResolver); ok {
		resolver.name(e.node.name, d.ids[idPID], d.first, d.identity.EntityID)
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
	if id, ok := d.id(idAUID); ok {
		query.AUID = id
	}
	if id, ok := d.id(idSession); ok {
		query.Session = id
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
