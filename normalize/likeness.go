package normalize

// The events of a log repeat themselves: the same program, run for the same user, makes
// the same call with the same outcome. Whoever knows such an event knows of the next what
// their common fields say, see detect.Alike.

// likenesses numbers them. A number that is forgotten is not used again.
type likenesses struct {
	count uint64
	known [1024]likeness
}

// likeness is all that the fields marked as alike are made of, and its number.
type likeness struct {
	// half is the number of the SYSCALL record's part about the process and its user.
	half uint64
	// call is the system call.
	call uint64
	// result is whether it succeeded; of a connect also how it ended, to what kind of
	// address, and whether its transport is one that connects.
	result uint64
	number uint64
}

// connectOutcome tells apart how a connect ended, as far as it makes a difference.
type connectOutcome uint8

const (
	connectEnded connectOutcome = iota
	connectRefused
	connectNot // it was connected, or is about to be
	connectInProgress
)

// peerKind tells addresses apart.
type peerKind uint8

const (
	peerNone peerKind = iota
	peerInet
	peerUnspec
	peerOther
	peerUnknown // the record holds no address of a known form
)

// Likeness implements detect.Alike.
func (e *Event) Likeness() uint64 { return e.likeness }

// liken finds what number events of a log have that are like this one, whose call is
// known.
func (c *Correlator) liken(e *Event, run *logRun, known *passingCall) {
	made := e.call
	if made.half == 0 {
		return
	}
	call, result := uint64(made.arch)<<32|uint64(made.number), uint64(made.success)
	switch known.call {
	case callConnect:
		peer := peerNone
		if run.address != 0 {
			peer = peerOf(e.body(&e.records[run.address-1-run.first]))
		}
		if peer == peerUnknown {
			return
		}
		outcome := outcomeOf(made.exit)
		e.transported = true
		if peer == peerInet && outcome != connectRefused && outcome != connectNot {
			e.transport = c.sockets.transport(e, made.ids[idPID], made.ids[idPPID], made.args[0])
		}
		result |= uint64(outcome)<<8 | uint64(peer)<<16
		if !connects(e.transport) {
			result |= 1 << 24
		}
	case callOther, callSetsid, callExec, callExit, callNetwork, callFile, callSocket:
	default:
		return // what it is depends on its arguments
	}
	e.likeness = c.likeness.number(made.half, call, result)
}

// number is the number of a likeness.
func (l *likenesses) number(half, call, result uint64) uint64 {
	mixed := half*0x9e3779b97f4a7c15 ^ call*0xff51afd7ed558ccd ^ result*0xc4ceb9fe1a85ec53
	known := &l.known[mixed>>54]
	if known.half != half || known.call != call || known.result != result {
		l.count++
		*known = likeness{half, call, result, l.count}
	}
	return known.number
}

// outcomeOf is how a connect with that result ended.
func outcomeOf(exit int64) connectOutcome {
	switch {
	case exit >= 0:
		return connectEnded
	case refused(exit):
		return connectRefused
	case !attempted(exit):
		return connectNot
	case exit == einprogress || exit == erestartsys || exit == eintr:
		return connectInProgress
	default:
		return connectEnded
	}
}

// peerOf is the kind of address that a SOCKADDR record has, as parseSockaddr reads it.
func peerOf(body []byte) peerKind {
	const key, inet, inet6 = "saddr=", 2 * sockaddrInet, 2 * 24
	if len(body) < len(key)+inet || string(body[:len(key)]) != key || !hexDigits(body[len(key):], inet) {
		return peerUnknown
	}
	digits := body[len(key):]
	switch family := digits[:4]; {
	case string(family) == "0200", string(family) == "0002":
		return peerInet
	case string(family) == "0A00", string(family) == "000A", string(family) == "0a00", string(family) == "000a":
		if len(digits) < inet6 || !hexDigits(digits, inet6) {
			return peerUnknown
		}
		return peerInet
	case string(family) == "0000":
		return peerUnspec
	default:
		return peerOther
	}
}
