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

// passes lets a recorded event pass that nobody wants, and does what is done for every
// event; false for an event that is wanted, or that does not show what it is without
// being looked at closely.
func (c *Correlator) passes(w *waiting) bool {
	if c.options.Wants == nil || w.event != nil || w.block == nil {
		return false
	}
	block := w.block
	run := &block.runs[w.run]
	if run.call == 0 || run.beside {
		return false
	}
	made := &block.calls[run.call-1]
	known := c.passing.find(made)
	if !known.known || known.arch != made.arch || known.number != made.number || known.success != made.success {
		*known = c.judgePassing(made)
	}
	if !known.passes {
		return false
	}
	if known.call == callExec && made.success == yes && !run.arguments {
		c.counters.incomplete.Add(1)
	}
	c.recognize(w, made, known.call == callExec && made.success == yes)
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
		one.passes = !c.options.Wants(described.category, described.action)
	}
	return one
}

// recognize tells the resolver of a process that made a call, as Event.identity does,
// and does not ask who it is.
func (c *Correlator) recognize(w *waiting, made *Call, executes bool) {
	run := &w.block.runs[w.run]
	first := w.block.records[run.first].typ
	resolver, inferring := c.options.Resolver.(*LogResolver)
	if !inferring {
		return
	}
	if w.node.restarts(first, w.time, w.sequence) {
		resolver.Reset(w.node.name)
	}
	body := w.block.text[run.callAt-1:]
	resolver.know(&ProcessQuery{
		Node: w.node.name, PID: made.ids[idPID], PPID: made.ids[idPPID], AUID: made.ids[idAUID], Session: made.ids[idSession],
		Executable: text(made.exe.of(body)), program: made.program,
		Executes: executes, Time: w.time, Sequence: w.sequence,
	})
}
