package normalize

import (
	"net/netip"
	"time"

	"tripline/detect"
)

// endPatience is how long who reads a field of source.* waits for it.
const endPatience = 4 * time.Millisecond

// endpoints is a Resolver that can find the own end of a running process's socket.
// Without it, as for a recorded log, events don't have it.
type endpoints interface {
	// LocalEnd begins to look for a socket's own address, and does not wait; nil
	// where it does not.
	LocalEnd(q SocketQuery) *LocalEnd
}

// SocketQuery names a socket that was connected.
type SocketQuery struct {
	// PID is a process or thread, Descriptor the socket's in it.
	PID        uint32
	Descriptor uint64
	// Transport is the socket's, in ECS terms.
	Transport string
	// Peer is what it was connected to. A socket with another peer is another
	// one.
	Peer netip.AddrPort
}

// LocalEnd is an answer that may be on its way.
type LocalEnd struct {
	// done is closed when addr is set.
	done chan struct{}
	addr netip.AddrPort
	// took is told how long was waited.
	took func(time.Duration)
}

// get waits for the answer for a short while. The address is not valid where there
// is none.
func (l *LocalEnd) get() netip.AddrPort {
	if l == nil {
		return netip.AddrPort{}
	}
	select {
	case <-l.done:
		return l.addr
	default:
	}
	began := time.Now()
	timer := time.NewTimer(endPatience)
	defer timer.Stop()
	defer func() { l.took(time.Since(began)) }()
	select {
	case <-l.done:
		return l.addr
	case <-timer.C:
		return netip.AddrPort{}
	}
}

// seekSource begins to look for the own end of the socket that the event
// connected, once. A socket that was refused has none any more.
func (e *Event) seekSource() {
	d := e.known()
	if d.soughtSource {
		return
	}
	d.soughtSource = true
	resolver, able := e.owner.options.Resolver.(endpoints)
	pid, ok := d.id(idPID)
	if !able || !ok || d.shown != kindConnect || !d.address.inet() || d.nargs == 0 || d.call == callUringEnter {
		return
	}
	if exit, known := d.result(); !known || d.success == no && exit != einprogress && exit != erestartsys && exit != eintr {
		return
	}
	transport := e.socketTransport()
	d.source = resolver.LocalEnd(SocketQuery{PID: pid, Descriptor: d.args[0], Transport: transport, Peer: d.address.addr})
}

// source is the own end of the socket that the event connected; not valid where it
// is not known. It is asked for when it is first read.
func (e *Event) source() netip.AddrPort {
	d := e.known()
	if d.readSource {
		return d.sourceAddr
	}
	d.readSource = true
	e.seekSource()
	// Of a descriptor that was given to a new socket since, nobody knows of
	// which one the answer is.
	if addr := d.source.get(); addr.IsValid() && !e.owner.sockets.madeAfter(e, d.ids[idPID], d.args[0]) {
		d.sourceAddr = addr
	}
	d.source = nil
	return d.sourceAddr
}

// sourceIP is in the form of destination.ip.
func (e *Event) sourceIP() detect.Value {
	addr := e.source()
	if !addr.IsValid() {
		return detect.Value{}
	}
	return detect.String(e.address(addr.Addr(), 0))
}

func (e *Event) sourcePort() detect.Value {
	addr := e.source()
	if !addr.IsValid() {
		return detect.Value{}
	}
	return detect.Int(int64(addr.Port()))
}
