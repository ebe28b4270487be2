package normalize

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Call is what a SYSCALL record says. Its texts are places in the record's body.
type Call struct {
	made
	ids       [idCount]uint32
	tty       span
	comm, exe untrustedText
	// process is where the part begins that is about the process, see readProcess.
	process uint32
	// program is the hash that the resolver knows the executable by; 0 where it was not
	// made.
	program uint64
	// half is the number of the text of that part, see callReader; 0 where it has none.
	half uint64
}

// made is what call was made and how it ended.
type made struct {
	arch, number uint32
	success      truth
	items        uint32
	exit         int64
	args         [4]uint64
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
	at := k.readCall(body)
	return at != nowhere && k.readProcess(body, at)
}

// readCall reads what differs from call to call of a process, and who it is. It returns
// where the rest begins, see nowhere.
func (k *Call) readCall(text []byte) (at int) { return k.readMaker(text, k.readMade(text)) }

// readMaker reads which process made the call, which comes at text[at:].
func (k *Call) readMaker(text []byte, at int) int {
	k.ids[idPPID], at = decimalID(text, after(text, at, " ppid="))
	k.ids[idPID], at = decimalID(text, after(text, at, " pid="))
	k.process = uint32(at)
	return at
}

// readMade reads what call was made and how it ended.
func (k *Call) readMade(text []byte) (at int) {
	var n uint64
	if at = after(text, 0, "arch=c000003e syscall="); at != nowhere { // most
		k.arch = archX8664
	} else {
		n, at = hexadecimal(text, after(text, 0, "arch="))
		k.arch = uint32(n)
		at = after(text, at, " syscall=")
	}
	n, at = decimal(text, at, maxCall)
	k.number = uint32(n)
	k.success = yes
	succeeded := after(text, at, " success=yes exit=")
	if succeeded == nowhere {
		k.success, succeeded = no, after(text, at, " success=no exit=")
	}
	k.exit, at = signed(text, succeeded)
	return k.readArguments(text, at)
}

// readProcess reads the rest, which begins at text[at:] and is the same for all calls of
// a process as long as it executes one program for one user.
func (k *Call) readProcess(text []byte, at int) bool {
	at = k.readIDs(text, at)
	k.tty, at = spaced(text, after(text, at, " tty="))
	k.ids[idSession], at = decimalID(text, after(text, at, " ses="))
	k.comm, at = untrustedAt(text, after(text, at, " comm="))
	k.exe, at = untrustedAt(text, after(text, at, " exe="))
	return at != nowhere && endsWithKey(text, at)
}

func (k *Call) readArguments(text []byte, at int) int {
	k.args[0], at = hexadecimal(text, after(text, at, " a0="))
	k.args[1], at = hexadecimal(text, after(text, at, " a1="))
	k.args[2], at = hexadecimal(text, after(text, at, " a2="))
	k.args[3], at = hexadecimal(text, after(text, at, " a3="))
	var items uint64
	items, at = decimal(text, after(text, at, " items="), maxCall)
	k.items = uint32(items)
	return at
}

func (k *Call) readIDs(text []byte, at int) int {
	k.ids[idAUID], at = decimalID(text, after(text, at, " auid="))
	const ofRoot = " uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0"
	if end := after(text, at, ofRoot+" "); end != nowhere {
		clear(k.ids[idUID : idFSGID+1])
		return end - 1
	}
	k.ids[idUID], at = decimalID(text, after(text, at, " uid="))
	k.ids[idGID], at = decimalID(text, after(text, at, " gid="))
	k.ids[idEUID], at = decimalID(text, after(text, at, " euid="))
	k.ids[idSUID], at = decimalID(text, after(text, at, " suid="))
	k.ids[idFSUID], at = decimalID(text, after(text, at, " fsuid="))
	k.ids[idEGID], at = decimalID(text, after(text, at, " egid="))
	k.ids[idSGID], at = decimalID(text, after(text, at, " sgid="))
	k.ids[idFSGID], at = decimalID(text, after(text, at, " fsgid="))
	return at
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

// nowhere is where a text goes on that is not of the form that was expected. What is
// looked for there is not there either, so that it is enough to ask at the end.
const nowhere = math.MaxInt32

// after is where a text goes on after a key at text[at:]. It is inlined, so that a text
// that does not vary is compared in a few instructions.
func after(text []byte, at int, key string) int {
	if len(text)-at < len(key) || string(text[at:at+len(key)]) != key {
		return nowhere
	}
	return at + len(key)
}

// decimalID reads a decimal number of 32 bits at text[at:] up to a space.
func decimalID(text []byte, at int) (id uint32, next int) {
	n, next := decimal(text, at, unset)
	return uint32(n), next
}

// decimal reads a decimal number of at most limit, which is not below seven digits, at
// text[at:] up to a space.
func decimal(text []byte, at int, limit uint64) (n uint64, next int) {
	if at < len(text)-word {
		rest := text[at : at+word+1]
		if n, length := fewDigits(binary.LittleEndian.Uint64(rest)); rest[length] == ' ' && length > 0 {
			return n, at + length
		}
	}
	n, length := manyDigits(text, at, limit)
	if length == 0 {
		return 0, nowhere
	}
	return n, at + length
}

// manyDigits is decimal for a number of any length; length is 0 where there is none.
func manyDigits(text []byte, at int, limit uint64) (n uint64, length int) {
	if at >= len(text) {
		return 0, 0
	}
	rest := text[at:]
	n, length = allDigits(rest)
	const most = 18 // digits; more might not fit into n
	if length > most || n > limit || length >= len(rest) || rest[length] != ' ' {
		return 0, 0
	}
	return n, length
}

// signed reads a decimal number that may be negative.
func signed(text []byte, at int) (n int64, next int) {
	digits := at
	if at < len(text) && text[at] == '-' {
		digits++
	}
	magnitude, next := decimal(text, digits, math.MaxInt64)
	if digits > at {
		return -int64(magnitude), next
	}
	return int64(magnitude), next
}

// hexadecimal reads a hexadecimal number of at most 64 bits at text[at:] up to a space.
// Most have a digit or two, or twelve.
func hexadecimal(text []byte, at int) (n uint64, next int) {
	if at >= len(text) {
		return 0, nowhere
	}
	rest, length := text[at:], 0
	for length < len(rest) {
		digit := nibbles[rest[length]]
		if digit == 0 {
			break
		}
		n = n<<4 | uint64(digit-1)
		length++
	}
	const most = 16 // digits
	if length == 0 || length > most || length == len(rest) || rest[length] != ' ' {
		return 0, nowhere
	}
	return n, at + length
}

// spaced is a value without quotation marks. Of the words for nothing that
// pair.missing knows it takes those that the kernel writes.
func spaced(text []byte, at int) (place span, next int) {
	end := at
	for end < len(text) && text[end] != ' ' {
		end++
	}
	if end == at || at == nowhere {
		return span{}, nowhere
	}
	switch value := text[at:end]; value[0] {
	case '"', '\'', '{', '?':
		return span{}, nowhere
	case '(':
		if string(value) != none && string(value) != null {
			return span{}, nowhere
		}
	}
	return span{uint32(at), uint32(end)}, end
}

// untrustedAt is a text that is not empty, between quotation marks or as hexadecimal
// digits.
func untrustedAt(text []byte, at int) (place untrustedText, next int) {
	if quoted := after(text, at, `"`); quoted != nowhere {
		place.span, next = quotedText(text, quoted)
		return place, next
	}
	if place.span, next = spaced(text, at); next == nowhere || !isHex(place.of(text)) {
		return untrustedText{}, nowhere
	}
	place.hex = true
	return place, next
}

// quotedText is a text that is not empty, up to the quotation mark that ends it.
func quotedText(text []byte, at int) (place span, next int) {
	if at == nowhere {
		return span{}, nowhere
	}
	length := bytes.IndexByte(text[at:], '"')
	if length <= 0 {
		return span{}, nowhere
	}
	return span{uint32(at), uint32(at + length)}, at + length + 1
}

// endsWithKey says that nothing is left at text[at:] but the security label and the key
// of the rule that matched, which say nothing of the call.
func endsWithKey(text []byte, at int) bool {
	if label := after(text, at, " subj="); label != nowhere {
		if _, at = spaced(text, label); at == nowhere {
			return false
		}
	}
	if key := after(text, at, ` key="`); key != nowhere {
		return bytes.IndexByte(text[key:], '"') == len(text)-key-1
	}
	_, at = spaced(text, after(text, at, " key="))
	return at == len(text)
}
