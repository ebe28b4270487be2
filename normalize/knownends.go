package normalize

import "bytes"

// What a document of a recorded log's event says from the field process.args on is
// about the process, and the same in all events of a process as long as its records
// say the same of it.

// knownEnds remembers the ends of documents by pid. Its zero value is empty; the
// memory is bounded by endsKept times maxEnd bytes.
type knownEnds struct {
	ends []knownEnd
}

const (
	endsKept = 4096
	maxEnd   = 2048
)

// processText is all that the end of a document is made of.
type processText struct {
	// known says that it is: that the event has no other records that tell of the
	// process, and a resolver that cannot look at it.
	known     bool
	pid, ppid uint32
	identity  Identity
	// half is the SYSCALL record's part about the process, title the PROCTITLE
	// record.
	half, title []byte
}

// knownEnd is an end and what it was made of.
type knownEnd struct {
	pid, ppid uint32
	identity  Identity
	// memory has the half, the title and the end behind one another.
	memory      []byte
	half, title int
}

// processOf finds what the end of an event's document is made of.
func processOf(e *Event) (from processText) {
	d := e.known()
	if _, recorded := e.owner.options.Resolver.(*LogResolver); !recorded || e.callAt == 0 || e.incomplete || d.call == callExit {
		return from
	}
	for i := range e.records {
		one := &e.records[i]
		switch {
		case one.typ == TypeSyscall && one.start+1 == e.callAt && one.names == one.namesEnd:
			from.half = e.body(one)[e.call.process:]
		case one.typ == TypeProctitle && from.title == nil:
			from.title = e.body(one)
		case one.typ != TypeSockaddr:
			return from
		}
	}
	from.known, from.identity = true, *e.identity()
	from.pid, from.ppid = d.ids[idPID], d.ids[idPPID]
	return from
}

// find is where the end of a process is, or would be, kept.
func (k *knownEnds) find(from *processText) *knownEnd {
	if k.ends == nil {
		k.ends = make([]knownEnd, endsKept)
	}
	return &k.ends[from.pid%endsKept]
}

// is says that the end was made of the same.
func (k *knownEnd) is(from *processText) bool {
	return k.pid == from.pid && k.ppid == from.ppid && k.identity == from.identity &&
		k.half == len(from.half) && k.title == len(from.title) && len(k.memory) > 0 &&
		bytes.Equal(k.memory[:k.half], from.half) && bytes.Equal(k.memory[k.half:k.half+k.title], from.title)
}

// text is the end.
func (k *knownEnd) text() []byte { return k.memory[k.half+k.title:] }

// keep remembers an end in the place of what was there.
func (k *knownEnd) keep(from *processText, end []byte) {
	k.memory = k.memory[:0]
	if len(from.half)+len(from.title)+len(end) > maxEnd {
		return
	}
	k.memory = append(append(append(k.memory, from.half...), from.title...), end...)
	k.pid, k.ppid, k.identity = from.pid, from.ppid, from.identity
	k.half, k.title = len(from.half), len(from.title)
}
