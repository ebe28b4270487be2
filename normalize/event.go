package normalize

import (
	"unsafe"

	"tripline/detect"
)

// Event is one audit event as ECS describes it. It implements detect.Event.
// Fields are worked out when they are read for the first time. A correlator
// reuses the event and its memory after Emit has returned and every Retain has
// met its Release.
type Event struct {
	owner *Correlator
	host  *HostFacts
	waiting
	state

	// buffer and records are what the event consists of: memory of its own, or parts of a
	// block, see viewed.
	buffer  []byte
	records []rawRecord
	// call is what a SYSCALL record says that was read ahead, see callAt: the block's
	// in a view, else ownCall.
	call    *Call
	ownCall Call
	// ownBuffer and ownRecords are the event's own memory while they are parts of a
	// block.
	ownBuffer  []byte
	ownRecords []rawRecord

	// What has been worked out, see details.
	details details
	arena   []byte // decoded texts
	values  []detect.Value
	memo    []memo
	// memoized has the bits of the fields in memo.
	memoized [maxFields / 64]uint64
	pairs    []dataPair
	pieces   []piece
}

// state is what a correlator knows of an event whose records are together.
type state struct {
	incomplete bool
	// viewed says that the records are those of a LogBlock, which the event is not to
	// outlast.
	viewed bool
	// callAt is one more than where the SYSCALL record starts that was read ahead; 0
	// where none was.
	callAt uint32
	// size is how many bytes of records are kept.
	size       uint32
	references int
	// kept stands for the event where it was kept.
	kept *keptEvent
	// likeness is what Likeness says.
	likeness uint64
	answers
}

// answers is what has been found out about an event elsewhere than in its records.
type answers struct {
	identified bool
	identity   Identity
	// unnamed is a process without an entity id yet, and first its first event.
	unnamed bool
	first   firstEvent

	transported bool
	transport   string
}

// rawRecord is a record in an event's buffer, or in a block's: its body and what auditd
// added to it.
type rawRecord struct {
	typ                         RecordType
	start, end, names, namesEnd uint32
}

var _ detect.Event = (*Event)(nil)

// maxIdleBuffer is the largest buffer that an unused event keeps.
const maxIdleBuffer = 16 << 10

// reset makes the event ready for reuse.
func (e *Event) reset() {
	if !e.viewed {
		e.ownBuffer, e.ownRecords = e.buffer, e.records
		if cap(e.ownBuffer) > maxIdleBuffer {
			e.ownBuffer = nil
		}
	}
	if len(e.arena) > 0 {
		if e.arena = e.arena[:0]; cap(e.arena) > maxIdleBuffer {
			e.arena = nil
		}
	}
	if len(e.values)+len(e.memo)+len(e.pairs)+len(e.pieces) > 0 {
		clear(e.values)
		clear(e.memo)
		clear(e.pairs)
		clear(e.pieces)
		e.memoized = [len(e.memoized)]uint64{}
		e.values, e.memo, e.pairs, e.pieces = e.values[:0], e.memo[:0], e.pairs[:0], e.pieces[:0]
	}
	if e.details.done {
		e.details = details{}
	}
	e.call, e.waiting, e.state = nil, waiting{}, state{}
}

// add appends a copy of a record, and of call if it was read ahead.
func (e *Event) add(typ RecordType, body, enriched []byte, call *Call) {
	start := len(e.buffer)
	e.buffer = append(e.buffer, body...)
	end := len(e.buffer)
	if len(enriched) > 0 {
		e.buffer = append(e.buffer, enriched...)
	}
	if call != nil && e.callAt == 0 {
		e.ownCall, e.callAt = *call, uint32(start)+1
		e.call = &e.ownCall
	}
	e.size += uint32(len(body) + len(enriched))
	e.records = append(e.records, rawRecord{typ, uint32(start), uint32(end), uint32(end), uint32(len(e.buffer))})
}

// body is a record's body.
func (e *Event) body(record *rawRecord) []byte { return e.buffer[record.start:record.end] }

// enriched is what auditd added to a record.
func (e *Event) enriched(record *rawRecord) []byte { return e.buffer[record.names:record.namesEnd] }

// record finds the first record of a type, nil when there is none.
func (e *Event) record(typ RecordType) *rawRecord {
	for i := range e.records {
		if e.records[i].typ == typ {
			return &e.records[i]
		}
	}
	return nil
}

// Time is the kernel's time of the event in nanoseconds since the Unix epoch; the
// kernel gives milliseconds.
func (e *Event) Time() int64 { return e.time * 1e6 }

// Tiebreaker is the audit sequence number, the field event.sequence.
func (e *Event) Tiebreaker() (int64, bool) { return int64(e.sequence), true }

// Retain implements detect.Event. The event may be read long after its process has
// ended: what /proc says of that is read now.
func (e *Event) Retain() {
	e.settle()
	if e.viewed {
		e.own()
	}
	e.references++
}

// Release implements detect.Event.
func (e *Event) Release() {
	e.references--
	if e.references == 0 {
		e.owner.recycle(e)
	}
}

// Value implements detect.Event: it reads a field of Schema. Texts in the value
// are views into the event.
func (e *Event) Value(id detect.FieldID) detect.Value {
	if id < 0 || int(id) >= len(registry) {
		return detect.Value{}
	}
	word, bit := &e.memoized[id/64], uint64(1)<<(id%64)
	if *word&bit != 0 {
		for i := range e.memo {
			if e.memo[i].id == id {
				return e.memo[i].value
			}
		}
	}
	arena, values := len(e.arena), len(e.values)
	value := registry[id].get(e)
	if len(e.arena) != arena || len(e.values) != values {
		e.memo = append(e.memo, memo{id, value})
		*word |= bit
	}
	return value
}

// maxFields is how many fields the registry may have.
const maxFields = 448

// memo is a value that took memory of the event to make, so that it is made once
// only.
type memo struct {
	id    detect.FieldID
	value detect.Value
}

// text shows bytes of the event's memory as a string without copying them.
func text(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// complete says that the event has everything that its records announce, as far as
// the records that tell its end are not left out.
func (e *Event) complete(abridged Abridgement) bool {
	return (e.ended || abridged == WithoutTitles && e.decided()) && !e.lacks()
}

// decided says that the records at hand are all that will come but for the title and
// the end. The kernel writes what a call leaves in one order (kernel/auditsc.c:
// audit_log_exit): the call, its arguments, its address, and at last a PATH for each of
// the items that the call counts.
func (e *Event) decided() bool {
	syscall, primary := e.primary()
	switch {
	case primary == nil:
		return false
	case syscall == nil: // a worker of a ring did it, who makes no system call
		return primary.typ == TypeUringop && e.record(TypeSockaddr) != nil && e.itemsOf(primary) == 0
	}
	made := e.callOf(syscall)
	if made.items > 0 {
		return e.count(TypePath) >= made.items
	}
	switch made.call {
	case callSetsid:
		return true
	case callSocket:
		return !made.indirect || e.record(TypeSocketcall) != nil
	case callConnect, callSendto, callSendmsg, callSendmmsg, callUringEnter:
		return e.record(TypeSockaddr) != nil
	default:
		return false
	}
}

// count is how many records of a type there are.
func (e *Event) count(typ RecordType) (count uint32) {
	for i := range e.records {
		if e.records[i].typ == typ {
			count++
		}
	}
	return count
}

// itemsOf is how many items a record counts that tells what happened.
func (e *Event) itemsOf(primary *rawRecord) uint32 {
	var d details
	d.readCall(e.body(primary))
	return d.items
}

// actor is the pid in the record that tells what happened, 0 where it has none. told
// says whether there is such a record yet.
func (e *Event) actor() (pid uint32, told bool) {
	_, primary := e.primary()
	if primary == nil {
		return 0, false
	}
	if e.callAt == primary.start+1 {
		return e.call.ids[idPID], true
	}
	s := scanner{rest: e.body(primary)}
	var p pair
	for s.next(&p) {
		if string(p.key) == "pid" {
			pid, _ := parseID(p.value)
			return pid, true
		}
	}
	return 0, true
}

// madeCall is a system call and how it ended.
type madeCall struct {
	call    call
	exit    int64
	success truth
	// items is how many PATH records it leaves.
	items uint32
	// indirect says that it was made through socketcall, so that its arguments are
	// in another record.
	indirect bool
}

// callOf says what call a SYSCALL record is about.
func (e *Event) callOf(record *rawRecord) madeCall {
	if e.callAt != record.start+1 {
		var d details
		d.readCall(e.body(record))
		return madeCall{d.call, d.exit, d.success, d.items, d.nargs == 0}
	}
	_, which := syscallOf(e.call.arch, e.call.number)
	return e.call.as(which)
}

// as is the call that a SYSCALL record is about, of which the number says which it is.
func (k *Call) as(which call) madeCall {
	made := madeCall{call: which, exit: k.exit, success: k.success, items: k.items}
	if which == callSocketcall {
		_, made.call = socketcallOf(k.args[0])
		made.indirect = true
	}
	return made
}

// lacks says that an event of the call must have had a record which is missing, where it
// has neither an address nor arguments.
func (m madeCall) lacks() bool {
	switch m.call {
	case callConnect:
		return !refused(m.exit)
	case callExec:
		return m.success == yes
	default:
		return false
	}
}

// lacks says that a record is missing which must have been written: the one that
// tells what happened, the address that a connect was given, the arguments of an
// executed program.
func (e *Event) lacks() bool {
	syscall, primary := e.primary()
	if primary == nil {
		return true
	}
	if syscall == nil || e.record(TypeSockaddr) != nil || e.record(TypeExecve) != nil {
		return false
	}
	return e.callOf(syscall).lacks()
}

// primary finds the SYSCALL record, nil when there is none, and the record that
// tells what happened: SYSCALL, URINGOP, or the first that only belongs to an
// event by itself.
func (e *Event) primary() (syscall, primary *rawRecord) {
	for i := range e.records {
		one := &e.records[i]
		switch {
		case one.typ == TypeSyscall:
			return one, one
		case primary == nil && !one.typ.auxiliary():
			primary = one
		}
	}
	return nil, primary
}
