package normalize

import "bytes"

// Call is what a SYSCALL record says. Its texts are places in the record's body.
type Call struct {
	arch, number uint32
	success      truth
	exit         int64
	args         [4]uint64
	items        uint32
	ids          [idCount]uint32
	tty          span
	comm, exe    untrustedText
	// process is where the part begins that is about the process, see readProcess.
	process uint32
	// program is the hash that the resolver knows the executable by; 0 where it was not
	// made.
	program uint64
}

// span is a place in a text.
type span struct{ start, end uint32 }

// of is the text at the place.
func (s span) of(text []byte) []byte { return text[s.start:s.end:s.end] }

// untrustedText is the place of a text that a process chose, without quotation marks.
type untrustedText struct {
	span
	// hex says that it is there as hexadecimal digits.
	hex bool
}

// moved is span.moved.
func (t untrustedText) moved(by uint32) untrustedText { return untrustedText{t.span.moved(by), t.hex} }

// behind is what a record's body has behind the text.
func (t untrustedText) behind(body []byte) []byte {
	if t.hex {
		return body[t.end:]
	}
	return body[t.end+1:]
}

// ReadCall reads a SYSCALL record into call before its event is put together,
// which may then be done by another goroutine while this one reads on. Of a record
// of another type or form it reads nothing. The record keeps call, which must not
// change before the record was added.
func (r *Record) ReadCall(call *Call) {
	if r.Type == TypeSyscall && call.read(r.Body) {
		r.call = call
	}
}

// read reads a SYSCALL record whose pairs are all there, in the order and form in
// which the kernel writes them (kernel/auditsc.c: audit_log_exit and
// audit_log_task_info), the same from 2.6.32 on: no key is looked up and no value
// looked at twice. Where anything is otherwise it returns false, and the record is to
// be read pair by pair, which for a record of this form comes to the same.
func (k *Call) read(body []byte) bool {
	c := callCursor{text: body}
	return k.readCall(&c) && k.readProcess(&c)
}

// readCall reads what differs from call to call of a process, and who it is.
func (k *Call) readCall(c *callCursor) bool {
	if c.skip("arch=c000003e syscall=") { // most
		k.arch = archX8664
	} else {
		c.expect("arch=")
		k.arch = uint32(c.hex())
		c.expect(" syscall=")
	}
	k.number = uint32(c.decimal(maxCall))
	switch {
	case c.skip(" success=yes"):
		k.success = yes
	case c.skip(" success=no"):
		k.success = no
	default:
		return false
	}
	c.expect(" exit=")
	k.exit = c.signed()
	k.readArguments(c)
	c.expect(" ppid=")
	k.ids[idPPID] = c.id()
	c.expect(" pid=")
	k.ids[idPID] = c.id()
	k.process = uint32(c.at)
	return !c.failed
}

// readProcess reads the rest, which is the same for all calls of a process as long
// as it executes one program for one user.
func (k *Call) readProcess(c *callCursor) bool {
	k.readIDs(c)
	c.expect(" tty=")
	k.tty = c.word()
	c.expect(" ses=")
	k.ids[idSession] = c.id()
	c.expect(" comm=")
	k.comm = c.untrusted()
	c.expect(" exe=")
	k.exe = c.untrusted()
	return !c.failed && c.endsWithKey()
}

func (k *Call) readArguments(c *callCursor) {
	c.expect(" a0=")
	k.args[0] = c.hex()
	c.expect(" a1=")
	k.args[1] = c.hex()
	c.expect(" a2=")
	k.args[2] = c.hex()
	c.expect(" a3=")
	k.args[3] = c.hex()
	c.expect(" items=")
	k.items = uint32(c.decimal(maxCall))
}

func (k *Call) readIDs(c *callCursor) {
	c.expect(" auid=")
	k.ids[idAUID] = c.id()
	if c.skip(" uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 ") { // root's
		clear(k.ids[idUID : idFSGID+1])
		c.at--
		return
	}
	c.expect(" uid=")
	k.ids[idUID] = c.id()
	c.expect(" gid=")
	k.ids[idGID] = c.id()
	c.expect(" euid=")
	k.ids[idEUID] = c.id()
	c.expect(" suid=")
	k.ids[idSUID] = c.id()
	c.expect(" fsuid=")
	k.ids[idFSUID] = c.id()
	c.expect(" egid=")
	k.ids[idEGID] = c.id()
	c.expect(" sgid=")
	k.ids[idSGID] = c.id()
	c.expect(" fsgid=")
	k.ids[idFSGID] = c.id()
}

// takeKernelCall takes what a whole record with this body said.
func (e *Event) takeKernelCall(d *details, call *Call, body []byte) {
	d.arch, d.number, d.success, d.exit = call.arch, call.number, call.success, call.exit
	d.nargs, d.items = copy(d.args[:], call.args[:]), call.items
	d.ids, d.present = call.ids, 1<<idCount-1
	d.comm, d.exe, d.program = e.untrustedText(call.comm, body), e.untrustedText(call.exe, body), call.program
	if tty := call.tty.of(body); string(tty) != none && string(tty) != null {
		d.tty = tty
	}
}

// untrustedText is a text of a record's body.
func (e *Event) untrustedText(at untrustedText, body []byte) []byte {
	if at.hex {
		return e.decodeHex(at.of(body))
	}
	return at.of(body)
}

// The kernel's words for no value.
const (
	none = "(none)"
	null = "(null)"
)

// maxCall bounds the small numbers of a record.
const maxCall = 1<<31 - 1

// callCursor goes through a record that is expected to have a certain form. After
// the first thing that is otherwise it has failed and reads nothing more.
type callCursor struct {
	text   []byte
	at     int
	failed bool
}

// skip passes over a text if it is what comes next. It is inlined, so that a text
// that does not vary is compared in a few instructions.
func (c *callCursor) skip(next string) bool {
	if len(c.text)-c.at < len(next) || string(c.text[c.at:c.at+len(next)]) != next {
		return false
	}
	c.at += len(next)
	return true
}

// expect passes over a key.
func (c *callCursor) expect(key string) {
	if !c.skip(key) {
		c.failed = true
	}
}

// id reads a decimal number of 32 bits.
func (c *callCursor) id() uint32 { return uint32(c.decimal(unset)) }

// decimal reads a decimal number of at most limit, which is below 2^32.
func (c *callCursor) decimal(limit uint64) uint64 {
	rest, i, n := c.text[c.at:], 0, uint64(0)
	for i < len(rest) {
		digit := rest[i] - '0'
		if digit > 9 {
			break
		}
		n = n*10 + uint64(digit)
		i++
	}
	c.at += i
	const most = 10 // digits; more might not fit into n
	if i == 0 || i > most || n > limit || i >= len(rest) || rest[i] != ' ' {
		c.failed = true
	}
	return n
}

// signed reads a decimal number that may be negative.
func (c *callCursor) signed() int64 {
	negative := c.skip("-")
	rest := c.text[c.at:]
	i, n := 0, int64(0)
	for i < len(rest) && rest[i]-'0' <= 9 {
		n = n*10 + int64(rest[i]-'0')
		i++
	}
	c.at += i
	const most = 18 // digits; more might not fit into n
	if i == 0 || i >= len(rest) || i > most || rest[i] != ' ' {
		c.failed = true
	}
	if negative {
		return -n
	}
	return n
}

// hex reads a hexadecimal number of at most 64 bits.
func (c *callCursor) hex() uint64 {
	rest, i, n := c.text[c.at:], 0, uint64(0)
	for i < len(rest) {
		digit := nibbles[rest[i]]
		if digit == 0 {
			break
		}
		n = n<<4 | uint64(digit-1)
		i++
	}
	c.at += i
	const most = 16 // digits
	if i == 0 || i > most || i >= len(rest) || rest[i] != ' ' {
		c.failed = true
	}
	return n
}

// word reads a value without quotation marks. Of the words for nothing that
// pair.missing knows it takes those that the kernel writes.
func (c *callCursor) word() span {
	rest := c.text[c.at:]
	end := 0
	for end < len(rest) && rest[end] != ' ' {
		end++
	}
	c.at += end
	if end == 0 || rest[0] == '"' || rest[0] == '\'' || rest[0] == '{' || rest[0] == '?' ||
		rest[0] == '(' && string(rest[:end]) != none && string(rest[:end]) != null {
		c.failed = true
	}
	return c.last(end)
}

// untrusted reads a text that is not empty, between quotation marks or as hexadecimal
// digits.
func (c *callCursor) untrusted() untrustedText {
	if c.skip(`"`) {
		return untrustedText{span: c.quoted()}
	}
	digits := c.word()
	c.failed = c.failed || !isHex(digits.of(c.text))
	return untrustedText{digits, true}
}

// quoted reads a text that is not empty up to the quotation mark that ends it.
func (c *callCursor) quoted() span {
	end := bytes.IndexByte(c.text[c.at:], '"')
	if end <= 0 {
		c.failed = true
		return span{}
	}
	c.at += end
	place := c.last(end)
	c.at++
	return place
}

// last is the place of the last bytes before the cursor.
func (c *callCursor) last(length int) span {
	return span{uint32(c.at - length), uint32(c.at)}
}

// endsWithKey says that nothing is left but the security label and the key of the
// rule that matched, which say nothing of the call.
func (c *callCursor) endsWithKey() bool {
	if c.skip(" subj=") {
		c.word()
	}
	if c.skip(` key="`) {
		return !c.failed && bytes.IndexByte(c.text[c.at:], '"') == len(c.text)-c.at-1
	}
	c.expect(" key=")
	c.word()
	return !c.failed && c.at == len(c.text)
}
