package normalize

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"
)

// callReader reads SYSCALL records as Call.read does. What it read of the processes
// that made the last calls it does not read again: the second half of a record, from
// auid= on, is the same text in all records of a program that runs for a user. One
// goroutine uses it. Its memory is at most some 700 KiB, and a third of that for usual
// lengths.
type callReader struct {
	known [knownHalves]knownHalf
	made  [knownMades]knownMade
	// seed is that of the resolver which the calls' programs are for, if seeded.
	seed   maphash.Seed
	seeded bool
	// decoded is memory for a text.
	decoded []byte
	// halves counts those that were ever kept, by all readers for a correlator.
	halves *atomic.Uint64
}

// knownHalves is how many second halves are kept, each up to a length of
// maxKnownHalf bytes.
const (
	knownHalves  = 512
	maxKnownHalf = 1024
)

// knownMades is how many beginnings are kept, each up to a length of maxKnownMade bytes.
const (
	knownMades   = 128
	maxKnownMade = 128
)

// knownHalf is the second half of a record and what it says. Places in it count
// from its own beginning.
type knownHalf struct {
	text      []byte
	ids       [idCount]uint32 // pid and ppid are not in this half
	tty       span
	comm, exe untrustedText
	program   uint64
	// number is no other half's.
	number uint64
}

// read reads the body of a SYSCALL record into call; false for one that is of another
// form than the kernel's.
func (r *callReader) read(body []byte, call *Call) bool {
	at := call.readMaker(body, r.readMade(body, call))
	if at == nowhere {
		return false
	}
	half := body[at:]
	known := r.find(half)
	if known != nil && bytes.Equal(known.text, half) {
		known.tell(call, uint32(at))
		return true
	}
	if !call.readProcess(body, at) {
		return false
	}
	call.program, call.half = 0, 0
	if r.seeded {
		call.program = maphash.Bytes(r.seed, r.decode(call.exe, body))
	}
	if known != nil {
		known.keep(half, call, uint32(at))
		known.number = r.halves.Add(1)
	}
	return true
}

// decode is a text of a record's body, valid until the next call.
func (r *callReader) decode(at untrustedText, body []byte) []byte {
	if !at.hex {
		return at.of(body)
	}
	r.decoded = appendHex(r.decoded[:0], at.of(body))
	return r.decoded
}

// knownMade is the beginning of a record, up to where it says who made the call, and what
// it says.
type knownMade struct {
	text []byte
	made
}

// readMade reads the beginning of a record as Call.readMade does. A process that goes on
// doing the same makes its calls with the same arguments.
func (r *callReader) readMade(body []byte, call *Call) (at int) {
	const middle = 40 // where most records have their arguments
	if len(body) < middle+2*word {
		return call.readMade(body)
	}
	mixed := binary.LittleEndian.Uint64(body[middle:]) ^ binary.LittleEndian.Uint64(body[middle+word:])*0x9e3779b97f4a7c15
	known := &r.made[mixed*0xff51afd7ed558ccd>>56%knownMades]
	if at = len(known.text); at > 0 && at < len(body) && bytes.Equal(body[:at], known.text) && body[at] == ' ' {
		call.made = known.made
		return at
	}
	if at = call.readMade(body); at <= maxKnownMade {
		known.text, known.made = append(known.text[:0], body[:at]...), call.made
	}
	return at
}

// find is where a text is, or would be, kept; nil for one that is not.
func (r *callReader) find(half []byte) *knownHalf {
	if len(half) < 4*word || len(half) > maxKnownHalf {
		return nil
	}
	// Users are told by the beginning, programs by what is around the middle and
	// before the rule's key.
	begin, middle, end := half[word:], half[len(half)/2:], half[len(half)-3*word:]
	mixed := binary.LittleEndian.Uint64(begin) ^ binary.LittleEndian.Uint64(middle)*0x9e3779b97f4a7c15
	mixed = (mixed ^ binary.LittleEndian.Uint64(end) ^ uint64(len(half))) * 0xff51afd7ed558ccd
	return &r.known[mixed>>53%knownHalves]
}

// keep remembers what a text that begins at start of a record says.
func (k *knownHalf) keep(text []byte, call *Call, start uint32) {
	k.text = append(k.text[:0], text...)
	k.ids, k.program = call.ids, call.program
	k.tty, k.comm, k.exe = call.tty.moved(-start), call.comm.moved(-start), call.exe.moved(-start)
}

// tell sets in call what the text says, which begins at start.
func (k *knownHalf) tell(call *Call, start uint32) {
	pid, ppid := call.ids[idPID], call.ids[idPPID]
	call.ids, call.program, call.half = k.ids, k.program, k.number
	call.ids[idPID], call.ids[idPPID] = pid, ppid
	call.tty, call.comm, call.exe = k.tty.moved(start), k.comm.moved(start), k.exe.moved(start)
}

// moved is the place in a text that has so many bytes more before it; fewer where
// by is negative, as unsigned numbers are.
func (s span) moved(by uint32) span { return span{s.start + by, s.end + by} }
