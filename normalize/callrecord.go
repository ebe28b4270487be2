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

// readKernelCall reads a SYSCALL record whose pairs are all there, in the kernel's
// order and form, as nearly every one is: no key is looked up and no value looked at
// twice. Where anything is otherwise it takes nothing and returns false, and the
// record is to be read pair by pair, which for a record of this form comes to the
// same.
func (e *Event) readKernelCall(d *details, body []byte) bool {
	c := callCursor{text: body}
	d.arch = uint32(c.hex("arch="))
	number := c.decimal(" syscall=", maxCall)
	switch {
	case c.skip(" success=yes"):
		d.success = yes
	case c.skip(" success=no"):
		d.success = no
	default:
		c.failed = true
	}
	d.exit = c.signed(" exit=")
	d.args = [6]uint64{c.hex(" a0="), c.hex(" a1="), c.hex(" a2="), c.hex(" a3=")}
	c.decimal(" items=", maxCall)
	for i := range callKeys {
		d.ids[callKeys[i].which] = uint32(c.decimal(callKeys[i].key, unset))
	}
	tty := c.word(" tty=")
	d.ids[idSession] = uint32(c.decimal(" ses=", unset))
	comm := c.quoted(" comm=")
	exe := c.quoted(" exe=")
	if c.failed || !c.endsWithKey() {
		d.forgetCall()
		return false
	}
	d.number, d.nargs, d.present = uint32(number), 4, 1<<idCount-1
	if string(tty) != none && string(tty) != null {
		d.tty = tty
	}
	d.comm, d.exe = comm, exe
	return true
}

// The kernel's words for no value.
const (
	none = "(none)"
	null = "(null)"
)

// maxCall bounds the small numbers of a record.
const maxCall = 1<<31 - 1

// forgetCall undoes what was read of a record.
func (d *details) forgetCall() {
	d.arch, d.success, d.exit = 0, unknown, 0
	d.args, d.ids = [6]uint64{}, [idCount]uint32{}
}

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
func (c *callCursor) word(key string) []byte {
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
	return rest[:end]
}

// quoted reads the text in quotation marks that follows a key and is not empty.
func (c *callCursor) quoted(key string) []byte {
	c.expect(key)
	if !c.skip(`"`) {
		c.failed = true
		return nil
	}
	rest := c.text[c.at:]
	end := bytes.IndexByte(rest, '"')
	if end <= 0 {
		c.failed = true
		return nil
	}
	c.at += end + 1
	return rest[:end:end]
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
