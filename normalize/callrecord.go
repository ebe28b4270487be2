package normalize

import "bytes"

// callKeys are the numbers of a process in the order in which the kernel writes
// them into a SYSCALL record (kernel/auditsc.c: audit_log_exit and
// audit_log_task_info), which is the same from 2.6.32 on.
var callKeys = [...]struct {
	key   string
	which int
}{
	{" ppid=", idPPID},
	{" pid=", idPID},
	{" auid=", idAUID},
	{" uid=", idUID},
	{" gid=", idGID},
	{" euid=", idEUID},
	{" suid=", idSUID},
	{" fsuid=", idFSUID},
	{" egid=", idEGID},
	{" sgid=", idSGID},
	{" fsgid=", idFSGID},
}

// Call is what a SYSCALL record says. Its texts are places in the record's body.
type Call struct {
	arch, number   uint32
	success        truth
	exit           int64
	args           [4]uint64
	ids            [idCount]uint32
	tty, comm, exe span
}

// span is a place in a text.
type span struct{ start, end uint32 }

// of is the text at the place.
func (s span) of(text []byte) []byte { return text[s.start:s.end:s.end] }

// ReadCall reads a SYSCALL record into call before its event is put together,
// which may then be done by another goroutine while this one reads on. Of a record
// of another type or form it reads nothing. The record keeps call, which must not
// change before the record was added.
func (r *Record) ReadCall(call *Call) {
	if r.Type == TypeSyscall && call.read(r.Body) {
		r.call = call
	}
}

// read reads a SYSCALL record whose pairs are all there, in the kernel's order and
// form, as nearly every one is: no key is looked up and no value looked at twice.
// Where anything is otherwise it returns false, and the record is to be read pair by
// pair, which for a record of this form comes to the same.
func (k *Call) read(body []byte) bool {
	c := callCursor{text: body}
	k.arch = uint32(c.hex("arch="))
	k.number = uint32(c.decimal(" syscall=", maxCall))
	switch {
	case c.skip(" success=yes"):
		k.success = yes
	case c.skip(" success=no"):
		k.success = no
	default:
		return false
	}
	k.exit = c.signed(" exit=")
	k.args = [4]uint64{c.hex(" a0="), c.hex(" a1="), c.hex(" a2="), c.hex(" a3=")}
	c.decimal(" items=", maxCall)
	for i := range callKeys {
		k.ids[callKeys[i].which] = uint32(c.decimal(callKeys[i].key, unset))
	}
	k.tty = c.word(" tty=")
	k.ids[idSession] = uint32(c.decimal(" ses=", unset))
	k.comm = c.quoted(" comm=")
	k.exe = c.quoted(" exe=")
	return !c.failed && c.endsWithKey()
}

// takeKernelCall takes what a whole record with this body said.
func (d *details) takeKernelCall(call *Call, body []byte) {
	d.arch, d.number, d.success, d.exit = call.arch, call.number, call.success, call.exit
	d.nargs = copy(d.args[:], call.args[:])
	d.ids, d.present = call.ids, 1<<idCount-1
	d.comm, d.exe = call.comm.of(body), call.exe.of(body)
	if tty := call.tty.of(body); string(tty) != none && string(tty) != null {
		d.tty = tty
	}
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

// skip passes over a text if it is what comes next.
func (c *callCursor) skip(next string) bool {
	end := c.at + len(next)
	if end > len(c.text) || string(c.text[c.at:end]) != next {
		return false
	}
	c.at = end
	return true
}

// expect passes over a key.
func (c *callCursor) expect(key string) {
	if !c.skip(key) {
		c.failed = true
	}
}

// decimal reads the decimal number of at most limit that follows a key; limit is
// below 2^32.
func (c *callCursor) decimal(key string, limit uint64) uint64 {
	c.expect(key)
	start, n := c.at, uint64(0)
	for c.at < len(c.text) && c.text[c.at]-'0' <= 9 {
		n = n*10 + uint64(c.text[c.at]-'0')
		c.at++
	}
	const most = 10 // digits; more might not fit into n
	if c.at == start || c.at-start > most || n > limit || !c.atSpace() {
		c.failed = true
	}
	return n
}

// signed reads the decimal number, which may be negative, that follows a key.
func (c *callCursor) signed(key string) int64 {
	c.expect(key)
	negative := c.skip("-")
	start, n := c.at, int64(0)
	for c.at < len(c.text) && c.text[c.at]-'0' <= 9 {
		n = n*10 + int64(c.text[c.at]-'0')
		c.at++
	}
	const most = 18 // digits; more might not fit into n
	if c.at == start || c.at-start > most || !c.atSpace() {
		c.failed = true
	}
	if negative {
		return -n
	}
	return n
}

// hex reads the hexadecimal number of at most 64 bits that follows a key.
func (c *callCursor) hex(key string) uint64 {
	c.expect(key)
	start, n := c.at, uint64(0)
	for c.at < len(c.text) {
		digit := nibbles[c.text[c.at]]
		if digit > 0xf {
			break
		}
		n = n<<4 | uint64(digit)
		c.at++
	}
	const most = 16 // digits
	if c.at == start || c.at-start > most || !c.atSpace() {
		c.failed = true
	}
	return n
}

// word reads the value that follows a key, which has no quotation mark and is not
// empty or one of the words for nothing that pair.missing knows but "(none)" and
// "(null)".
func (c *callCursor) word(key string) span {
	c.expect(key)
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

// quoted reads the text in quotation marks that follows a key and is not empty.
func (c *callCursor) quoted(key string) span {
	c.expect(key)
	if !c.skip(`"`) {
		c.failed = true
		return span{}
	}
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

// atSpace says that a value ends here.
func (c *callCursor) atSpace() bool { return c.at < len(c.text) && c.text[c.at] == ' ' }

// endsWithKey says that nothing is left but the security label and the key of the
// rule that matched, which say nothing of the call.
func (c *callCursor) endsWithKey() bool {
	if c.skip(" subj=") {
		c.at -= len(" subj=")
		c.word(" subj=")
	}
	if c.skip(` key="`) {
		return bytes.IndexByte(c.text[c.at:], '"') == len(c.text)-c.at-1
	}
	c.word(" key=")
	return !c.failed && c.at == len(c.text)
}
