package normalize

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"

	"tripline/detect"
)

// truth is a yes or no that may be unknown.
type truth uint8

const (
	unknown truth = iota
	yes
	no
)

// The numbers of a process that its records give, as indexes of details.ids.
const (
	idPID = iota
	idPPID
	idAUID
	idUID
	idGID
	idEUID
	idSUID
	idFSUID
	idEGID
	idSGID
	idFSGID
	idSession
	idCount
)

// details are what an event's records say, worked out once.
type details struct {
	done, judged, collected bool

	// From the record that tells what happened.
	typ RecordType
	// beside is the type of another such record beside a SYSCALL record: LOGIN,
	// CONFIG_CHANGE, AVC; 0 when there is none.
	beside  RecordType
	arch    uint32
	number  uint32
	name    string // of the system call or the io_uring operation
	call    call
	exit    int64
	success truth
	args    [6]uint64
	nargs   int             // how many of args are known
	items   uint32          // how many PATH records are announced
	ids     [idCount]uint32 // see has
	present uint16          // which of ids are there
	syscall bool            // there is a SYSCALL record
	uring   bool            // there is a URINGOP record
	uringOp uint64

	// Views into the event's memory; nil when missing.
	comm, exe, tty []byte
	program        uint64 // see Call

	address sockaddr
	kind    kind
	shown   kind // what the records show, see judge

	// source is on its way from seekSource to sourceAddr.
	soughtSource, readSource bool
	source                   *LocalEnd
	sourceAddr               netip.AddrPort

	// Texts of the records that are read for several fields, see readArguments and
	// readPaths.
	readArgs, readPaths bool
	arguments, paths    detect.Value

	origin      origin
	askedParent bool
	askedFamily bool
	family      *Family
	parentExe   string
}

// id reads one of the numbers.
func (d *details) id(which int) (uint32, bool) {
	return d.ids[which], d.present&(1<<which) != 0
}

// known works out the details on the first call.
func (e *Event) known() *details {
	d := &e.details
	if !d.done {
		d.done = true
		e.sortRecords()
		e.readRecords(d)
		d.shown = d.judge()
	}
	return d
}

// sortRecords puts the records in order. They are few and come nearly in order.
func (e *Event) sortRecords() {
	if len(e.records) > fewRecords {
		slices.SortStableFunc(e.records, func(a, b rawRecord) int { return e.compare(&a, &b) })
		return
	}
	for i := 1; i < len(e.records); i++ {
		for j := i; j > 0 && e.compare(&e.records[j-1], &e.records[j]) > 0; j-- {
			e.records[j-1], e.records[j] = e.records[j], e.records[j-1]
		}
	}
}

// fewRecords is how many records are sorted by moving each to its place.
const fewRecords = 16

// readRecords reads those records that say what happened.
func (e *Event) readRecords(d *details) {
	var syscall, other, socketcall, address *rawRecord
	for i := range e.records {
		one := &e.records[i]
		switch typ := one.typ; {
		case typ == TypeProctitle, typ == TypePath, typ == TypeCwd:
		case typ == TypeSyscall:
			syscall = first(syscall, one)
		case typ == TypeSockaddr:
			address = first(address, one)
		case typ == TypeSocketcall:
			socketcall = first(socketcall, one)
		case typ == TypeUringop:
			d.readUringop(e.body(one))
			other = first(other, one)
		case !typ.auxiliary():
			if d.beside == 0 {
				d.beside = typ
			}
			other = first(other, one)
		}
	}
	primary := first(syscall, other)
	if d.syscall = syscall != nil; !d.syscall {
		d.beside = 0
	}
	switch {
	case primary != nil:
		d.typ = primary.typ
		e.readPrimary(d, primary)
	case len(e.records) > 0:
		d.typ = e.records[0].typ
	}
	if socketcall != nil && d.syscall {
		d.readSocketcall(e.body(socketcall))
	}
	if address != nil {
		e.readSockaddr(d, e.body(address))
	}
}

// first is a record, if there is one, else another.
func first(record, other *rawRecord) *rawRecord {
	if record != nil {
		return record
	}
	return other
}

// compare puts records into an order that does not depend on that of their
// arrival.
func (e *Event) compare(a, b *rawRecord) int {
	if a.typ != b.typ {
		return cmp.Compare(a.typ, b.typ)
	}
	return bytes.Compare(e.body(a), e.body(b))
}

// readPrimary reads the record that tells what happened.
func (e *Event) readPrimary(d *details, primary *rawRecord) {
	var call Call
	body := e.body(primary)
	switch {
	case e.callAt == primary.start+1:
		e.takeKernelCall(d, e.call, body)
	case primary.typ == TypeSyscall && call.read(body):
		e.takeKernelCall(d, &call, body)
	default:
		e.owner.counters.unreadable.Add(e.readPairs(d, body))
	}
	d.resolve()
	if !d.syscall {
		d.call = callOther // what a program says of one is none
	}
}

// readPairs reads the record that tells what happened, pair by pair, and returns how many
// of the values could not be read.
func (e *Event) readPairs(d *details, body []byte) (unreadable uint64) {
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		ok := true
		switch {
		case p.quote == '"':
			e.takeText(d, &p)
		case p.nested():
			s.rest = p.value
		case p.old:
		default:
			if which := idIndex(p.key); which >= 0 {
				ok = d.takeID(which, &p)
			} else if ok = d.takeCall(&p); ok {
				e.takeText(d, &p)
			}
		}
		if !ok {
			unreadable++
		}
	}
	return unreadable
}

// readCall reads what a SYSCALL record says of the call and no more.
func (d *details) readCall(body []byte) {
	s := scanner{rest: body}
	var p pair
	for s.next(&p) && string(p.key) != "pid" {
		d.takeCall(&p)
	}
	d.resolve()
}

// takeCall takes what describes the system call; false when the value is not of
// the key's form.
func (d *details) takeCall(p *pair) (ok bool) {
	ok = true
	switch string(p.key) {
	case "arch":
		var n uint64
		n, ok = parseHex(p.value)
		d.arch = uint32(n)
	case "syscall":
		var n int64
		n, ok = parseDecimal(p.value)
		d.number = uint32(n)
	case "exit":
		d.exit, ok = parseDecimal(p.value)
	case "success", "res", "result":
		ok = d.takeSuccess(p.value)
	case "a0", "a1", "a2", "a3":
		at := int(p.key[1] - '0')
		d.args[at], ok = parseHex(p.value)
		d.nargs = max(d.nargs, at+1)
	case "items":
		if n, counts := parseID(p.value); counts {
			d.items = n
		}
	}
	return ok
}

// takeSuccess reads the outcome in one of the words that the kernel and programs
// use for it.
func (d *details) takeSuccess(value []byte) bool {
	switch string(value) {
	case "yes", "1", "success":
		d.success = yes
	case "no", "0", "failed", "fail":
		d.success = no
	default:
		return len(value) == 0 || value[0] == '?' || value[0] == '('
	}
	return true
}

// takeID takes a number of the process; false when the value is no number. The
// first of several counts: a user record begins with what the kernel vouches for
// and goes on with what the program says.
func (d *details) takeID(which int, p *pair) bool {
	if d.present&(1<<which) != 0 {
		return true
	}
	id, ok := parseID(p.value)
	if ok {
		d.ids[which], d.present = id, d.present|1<<which
	}
	return ok || p.missing()
}

// idIndex finds the index of a key in details.ids, -1 when it has none.
func idIndex(key []byte) int {
	switch string(key) {
	case "pid":
		return idPID
	case "ppid":
		return idPPID
	case "auid":
		return idAUID
	case "uid":
		return idUID
	case "gid":
		return idGID
	case "euid":
		return idEUID
	case "suid":
		return idSUID
	case "fsuid":
		return idFSUID
	case "egid":
		return idEGID
	case "sgid":
		return idSGID
	case "fsgid":
		return idFSGID
	case "ses":
		return idSession
	}
	return -1
}

// takeText takes the texts that describe the process.
func (e *Event) takeText(d *details, p *pair) {
	switch string(p.key) {
	case "comm":
		if !p.missing() {
			d.comm = e.decode(p)
		}
	case "exe":
		if !p.missing() {
			d.exe = e.decode(p)
		}
	case "tty", "terminal":
		if d.tty == nil && !p.missing() {
			d.tty = p.value
		}
	}
}

// decode is the text of a value that may be hexadecimal. Decoded texts are kept
// in the event's arena.
func (e *Event) decode(p *pair) []byte {
	if !p.encoded() {
		return p.value
	}
	return e.decodeHex(p.value)
}

// decodeHex appends what hexadecimal digits stand for to the arena.
func (e *Event) decodeHex(digits []byte) []byte {
	start := len(e.arena)
	e.arena = appendHex(e.arena, digits)
	return e.arena[start:len(e.arena):len(e.arena)]
}

// resolve finds the system call's name and meaning.
func (d *details) resolve() {
	if !d.syscall && d.arch == 0 {
		if d.uring {
			d.name = uringOpName(d.uringOp)
		}
		return
	}
	d.name, d.call = syscallOf(d.arch, d.number)
	if d.call == callSocketcall {
		d.name, d.call = socketcallOf(d.args[0])
		d.nargs = 0
	}
}

// readSocketcall reads the arguments of the call that a socketcall stands for.
func (d *details) readSocketcall(body []byte) {
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		if len(p.key) != 2 || p.key[0] != 'a' || p.key[1]-'0' > 5 {
			continue
		}
		at := int(p.key[1] - '0')
		value, ok := parseHex(p.value)
		if ok {
			d.args[at], d.nargs = value, max(d.nargs, at+1)
		}
	}
}

// readUringop reads a URINGOP record. Of several operations of one event the
// connect counts.
func (d *details) readUringop(body []byte) {
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		if string(p.key) != "uring_op" {
			continue
		}
		if op, ok := parseDecimal(p.value); ok && op >= 0 && (!d.uring || op == uringConnect) {
			d.uringOp, d.uring = uint64(op), true
		}
		return
	}
}

// readSockaddr reads a SOCKADDR record.
func (e *Event) readSockaddr(d *details, body []byte) {
	const key = "saddr="
	if len(body) > len(key) && string(body[:len(key)]) == key && nibble(body[len(key)]) <= 0xf && bytes.IndexByte(body, ' ') < 0 {
		if d.address, e.arena = parseSockaddr(e.arena, body[len(key):]); d.address.known {
			return // the record as the kernel writes it
		}
	}
	s := scanner{rest: body}
	var p pair
	for s.next(&p) {
		if string(p.key) == "saddr" {
			d.address, e.arena = parseSockaddr(e.arena, p.value)
			if !d.address.known {
				e.owner.counters.unreadable.Add(1)
			}
			return
		}
	}
}
