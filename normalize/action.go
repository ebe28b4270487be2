package normalize

// kind says what happened in an event, as far as rules depend on it.
type kind uint8

const (
	kindOther      kind = iota
	kindAttempt         // a connection was attempted
	kindPeer            // a datagram or raw socket got a peer
	kindDisconnect      // a socket's peer was removed
	kindNetwork         // anything else done to a socket
	kindSession         // a process became a session leader
	kindExec            // a program was executed
	kindExit            // a thread or process ended
	kindFile            // something done to a file
	kindProcess         // any other system call
	kindRecord          // a record of another type than SYSCALL and URINGOP
	kindConnect         // an attempt, unless the socket's transport says otherwise
)

// Errors of connect by their negative numbers, which are the same on all
// architectures that Tripline knows; from asm-generic/errno.h.
const (
	eintr        = -4
	ebadf        = -9
	efault       = -14
	einval       = -22
	epipe        = -32
	enosys       = -38
	enotsock     = -88
	eopnotsupp   = -95
	eafnosupport = -97
	eisconn      = -106
	ealready     = -114
	einprogress  = -115
	erestartsys  = -512
)

// msgFastopen is MSG_FASTOPEN of linux/socket.h.
const msgFastopen = 0x20000000

// refused says that a connect that ended so never reached the network: the kernel
// may not even have read the address.
func refused(exit int64) bool {
	switch exit {
	case efault, ebadf, enotsock, einval, eafnosupport, enosys:
		return true
	}
	return false
}

// attempted says that a connect that ended so tried to reach the peer.
func attempted(exit int64) bool {
	return !refused(exit) && exit != ealready && exit != eisconn
}

// connecting says that the call connects a socket: connect, a send with
// MSG_FASTOPEN, or io_uring's connect. A SOCKADDR record beside io_uring_enter
// without a URINGOP record, all that kernel 5.10 gives, is taken for a connect.
func (d *details) connecting() bool {
	switch d.call {
	case callConnect:
		return true
	case callSendto, callSendmmsg:
		return d.nargs > 3 && d.args[3]&msgFastopen != 0
	case callSendmsg:
		return d.nargs > 2 && d.args[2]&msgFastopen != 0
	case callUringEnter:
		return !d.uring || d.uringOp == uringConnect
	}
	return d.uring && d.uringOp == uringConnect
}

// result is the result of the connecting call. io_uring does not tell it: what
// its records call exit is something else.
func (d *details) result() (exit int64, ok bool) {
	if d.uring || d.call == callUringEnter {
		return 0, false
	}
	return d.exit, true
}

// judge says what the records show without asking the resolver.
func (d *details) judge() kind {
	switch {
	case !d.syscall && !d.uring:
		return kindRecord
	case d.connecting():
		return d.judgeConnect()
	case d.call == callSetsid && d.success == yes:
		return kindSession
	case d.call == callExec && d.success == yes:
		return kindExec
	case d.call == callExit:
		return kindExit
	case d.call == callSendto || d.call == callSendmsg || d.call == callSendmmsg || d.call == callSocket || d.call == callNetwork:
		return kindNetwork
	case d.call == callFile:
		return kindFile
	}
	return kindProcess
}

// judgeConnect tells apart what a connecting call does to different addresses.
func (d *details) judgeConnect() kind {
	exit, known := d.result()
	switch {
	case !d.address.known && d.call == callUringEnter && !d.uring:
		return kindProcess
	case d.address.known && d.address.family == familyUnspec && d.call == callConnect && d.success == yes:
		return kindDisconnect
	case !d.address.inet(), known && !attempted(exit):
		return kindNetwork
	case d.call != callConnect && known && (exit == eopnotsupp || exit == epipe):
		return kindNetwork // a kernel that does not do fast open, or is told not to
	}
	return kindConnect
}

// happened says what the event is. It asks the resolver for the socket's
// transport where that decides.
func (e *Event) happened() kind {
	d := e.known()
	if d.judged {
		return d.kind
	}
	d.judged = true
	if d.kind = d.shown; d.kind != kindConnect {
		return d.kind
	}
	d.kind = kindAttempt
	if !connects(e.socketTransport()) {
		d.kind = kindPeer
		if d.call != callConnect && !d.uring {
			d.kind = kindNetwork
		}
	}
	return d.kind
}

// connects says that connecting a socket of the transport reaches out to the
// peer. A transport that is not known is taken for one that does.
func connects(transport string) bool {
	return transport == "" || transport == "tcp" || transport == "sctp"
}

// socketTransport asks for the transport of the socket that a connecting call was
// given, once.
func (e *Event) socketTransport() string {
	if e.transported {
		return e.transport
	}
	e.transported = true
	d := e.known()
	pid, ok := d.id(idPID)
	if !ok || d.nargs == 0 || d.call == callUringEnter || !d.connecting() || d.shown != kindConnect {
		return ""
	}
	// Where a descriptor was closed and opened again since, the kernel answers for
	// another socket; and a descriptor that was not made by socket(2) is another
	// than the records say. Where either says so, the connect was an attempt.
	made := e.owner.sockets.transport(e, pid, d.ids[idPPID], d.args[0])
	if made != "" && connects(made) {
		e.transport = made
		return made
	}
	e.transport = e.owner.options.Resolver.Transport(pid, d.args[0])
	if e.transport == "" {
		e.transport = made
	}
	return e.transport
}

// outcome is event.outcome. A connection in progress is neither a success nor a
// failure yet.
func (e *Event) outcome() string {
	d := e.known()
	if d.uring || d.call == callUringEnter {
		return "unknown"
	}
	if d.connecting() && (d.exit == einprogress || d.exit == erestartsys || d.exit == eintr) {
		return "unknown"
	}
	switch d.success {
	case yes:
		return "success"
	case no:
		return "failure"
	default:
		return "unknown"
	}
}
