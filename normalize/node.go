package normalize

// node is what a correlator knows of one host in a log of several. A log without
// node names has one, whose name is empty.
type node struct {
	name   string
	number uint64 // counts the nodes
	// offset is what this node's clock is ahead of the correlator's, see align.
	offset int64
	seen   bool
	// The latest time and the last sequence number of an emitted event.
	newest   int64
	sequence uint64
}

// maxNodes bounds the nodes that are known at a time.
const maxNodes = 256

// nodes finds nodes by name.
type nodes struct {
	last  *node
	known map[string]*node
	all   []*node
	next  int // the slot that is reused next when all are taken
	count uint64
}

// find finds or makes the node of a name.
func (n *nodes) find(name []byte) *node {
	if n.last != nil && n.last.name == string(name) {
		return n.last
	}
	host := n.known[string(name)]
	if host == nil {
		host = &node{name: string(name), number: n.count}
		n.count++
		n.insert(host)
	}
	n.last = host
	return host
}

// insert adds a node in place of the one that was added first when there are too
// many. Pending events keep theirs.
func (n *nodes) insert(host *node) {
	if n.known == nil {
		n.known = make(map[string]*node)
	}
	if len(n.all) < maxNodes {
		n.all = append(n.all, host)
	} else {
		delete(n.known, n.all[n.next].name)
		n.all[n.next] = host
		n.next = (n.next + 1) % maxNodes
	}
	n.known[host.name] = host
}

// maxSkew is how far a node's time may differ from the correlator's, in
// milliseconds, before it is another clock rather than the same one.
const maxSkew = 3_600_000

// align finds an event's place in an ordered correlator's time. That time is the
// highest that any record had. It does not go back where a log does: a host whose
// clock is wrong, or a file that is replayed after a newer one, is shifted so
// that it goes on where the log stands. A system call that blocked is recorded
// when it ends under the time when it began, which is no reason for a shift.
func (c *Correlator) align(w *waiting) {
	host := w.node
	if !c.started {
		c.clock, c.started = w.time, true
	}
	w.place = w.time - host.offset
	if w.place < c.clock-maxSkew || !host.seen && w.place > c.clock+maxSkew {
		host.offset = w.time - c.clock
		w.place = c.clock
	}
	host.seen = true
	w.due = max(w.place, c.clock) + c.tolerance
	c.clock = max(c.clock, w.place)
}

// A restart of a host shows itself by sequence numbers that begin again after a
// pause. A sequence number that went from the highest to 0 shows none.
const (
	restartPause = 2000 // milliseconds
	restartDrop  = 16
	wrapDrop     = 1 << 31
)

// restarts says whether the event, which is the next of the node to be emitted and
// begins with a record of a type, shows that the host was restarted.
func (n *node) restarts(first RecordType, time int64, sequence uint64) bool {
	if first.daemon() {
		return false
	}
	restarted := first == typeSystemBoot || first == typeKernel
	if sequence < n.sequence && time-n.newest >= restartPause {
		drop := n.sequence - sequence
		restarted = restarted || drop > restartDrop && drop < wrapDrop
	}
	if restarted {
		n.newest = time
	}
	n.newest = max(n.newest, time)
	n.sequence = sequence
	return restarted
}
