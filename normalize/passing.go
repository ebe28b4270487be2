package normalize

// passingCalls remembers which system calls' events nobody wants.
type passingCalls struct {
	known [256]passingCall
}

// passingCall is a call that succeeded or not, and whether its events pass.
type passingCall struct {
	known, passes bool
	success       truth
	call          call
	arch, number  uint32
	category      string
}

// find is where a call is, or would be, kept.
func (p *passingCalls) find(made *Call) *passingCall {
	return &p.known[(made.number^uint32(made.success)<<7)%uint32(len(p.known))]
}

// callOf is what is known of the call of a recorded event that is a view; nil where its
// records say more than that a call was made, with which address, arguments and paths.
func (c *Correlator) callOf(w *waiting) *passingCall {
	if w.block == nil || w.event != nil {
		return nil
	}
	run := &w.block.runs[w.run]
	if run.call == 0 || run.beside {
		return nil
	}
	made := &w.block.calls[run.call-1]
	known := c.passing.find(made)
	if !known.known || known.arch != made.arch || known.number != made.number || known.success != made.success {
		*known = c.judgePassing(made)
	}
	return known
}

// passes lets a recorded event pass that nobody wants, and does what is done for every
// event; false for an event that is wanted, or that does not show what it is without
// being looked at closely.
func (c *Correlator) passes(w *waiting, known *passingCall) bool {
	if known == nil || !known.passes {
		return false
	}
	run := &w.block.runs[w.run]
	if run.address != 0 {
		return false
	}
	made := &w.block.calls[run.call-1]
	if lacks(run, made, known) {
		c.counters.incomplete.Add(1)
	}
	c.recognize(w, made, known)
	c.counters.events.Add(1)
	c.options.Passed(known.category, w.time*1e6)
	return true
}

// judgePassing says whether the events of a call pass. Those about sockets do not:
// what they are is in their other records, or is to be remembered.
func (c *Correlator) judgePassing(made *Call) passingCall {
	d := details{syscall: true, success: made.success, arch: made.arch, number: made.number}
	d.name, d.call = syscallOf(made.arch, made.number)
	one := passingCall{known: true, success: made.success, call: d.call, arch: made.arch, number: made.number}
	switch d.call {
	case callOther, callSetsid, callExec, callExit, callNetwork, callFile:
		described := d.describe(d.judge())
		one.category = described.category
		one.passes = c.options.Wants != nil && !c.options.Wants(described.category, described.action)
	}
	return one
}

// lacks says of an event of a call what Event.lacks does.
func lacks(run *logRun, made *Call, known *passingCall) bool {
	return run.address == 0 && !run.arguments && made.as(known.call).lacks()
}

// recognize tells the resolver of a process that made a call, as Event.identity does,
// and does not ask who it is. It returns what is known of the process, nil where the
// resolver is not that of a log.
func (c *Correlator) recognize(w *waiting, made *Call, known *passingCall) *logProcess {
	if c.recorded == nil {
		return nil
	}
	run := &w.block.runs[w.run]
	first := w.block.records[run.first].typ
	if w.node.restarts(first, w.time, w.sequence) {
		c.recorded.Reset(w.node.name)
	}
	body := w.block.text[run.callAt-1:]
	return c.recorded.know(&ProcessQuery{
		Node: w.node.name, PID: made.ids[idPID], PPID: made.ids[idPPID], AUID: made.ids[idAUID], Session: made.ids[idSession],
		Executable: text(made.exe.of(body)), program: made.program,
		Executes: known.call == callExec && made.success == yes, Time: w.time, Sequence: w.sequence,
	})
}
