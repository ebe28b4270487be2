package normalize

import (
	"net/netip"
	"strconv"

	"tripline/detect"
)

func networkFields() []field {
	return []field{
		words("destination.address", (*Event).destinationAddress),
		address(words("destination.ip", (*Event).destinationIP)),
		whole("destination.port", (*Event).destinationPort),
		asked(words("source.address", (*Event).sourceIP)),
		asked(address(words("source.ip", (*Event).sourceIP))),
		asked(whole("source.port", (*Event).sourcePort)),
		words("network.type", (*Event).networkType),
		asked(words("network.transport", (*Event).networkTransport)),
		words("network.direction", (*Event).networkDirection),
	}
}

// peer is the address that a call on a socket was given; nil when there is none.
func (e *Event) peer() *sockaddr {
	if d := e.known(); d.address.known {
		return &d.address
	}
	return nil
}

// destinationIP is the peer's address. An IPv4 address that an IPv6 socket was
// given is in the form of IPv6, "::ffff:192.0.2.1"; an IPv6 address is given
// without its scope, which destination.address has.
func (e *Event) destinationIP() detect.Value {
	peer := e.peer()
	if peer == nil || !peer.inet() {
		return detect.Value{}
	}
	return detect.String(e.address(peer.addr.Addr(), 0))
}

// destinationAddress is destination.ip, with "%INDEX" when the address is bound to
// an interface; of a Unix socket it is the path.
func (e *Event) destinationAddress() detect.Value {
	peer := e.peer()
	switch {
	case peer == nil:
		return detect.Value{}
	case peer.inet():
		return detect.String(e.address(peer.addr.Addr(), peer.scope))
	case peer.family == familyUnix:
		return optional(text(peer.path))
	default:
		return detect.Value{}
	}
}

// address is an address as text in the event's memory.
func (e *Event) address(addr netip.Addr, scope uint32) string {
	start := len(e.arena)
	e.arena = addr.AppendTo(e.arena)
	if scope != 0 {
		e.arena = strconv.AppendUint(append(e.arena, '%'), uint64(scope), 10)
	}
	return text(e.arena[start:len(e.arena):len(e.arena)])
}

func (e *Event) destinationPort() detect.Value {
	peer := e.peer()
	if peer == nil || !peer.inet() {
		return detect.Value{}
	}
	return detect.Int(int64(peer.addr.Port()))
}

// networkType is that of the packets: those to a mapped IPv4 address are IPv4.
func (e *Event) networkType() detect.Value {
	peer := e.peer()
	switch {
	case peer == nil:
		return detect.Value{}
	case peer.inet() && peer.addr.Addr().Unmap().Is4():
		return detect.String("ipv4")
	case peer.inet():
		return detect.String("ipv6")
	case peer.family == familyUnix:
		return detect.String("unix")
	default:
		return detect.Value{}
	}
}

func (e *Event) networkTransport() detect.Value { return optional(e.socketTransport()) }

// networkDirection is that of a connection as this host sees it.
func (e *Event) networkDirection() detect.Value {
	if peer := e.peer(); peer == nil || !peer.inet() || !e.known().connecting() {
		return detect.Value{}
	}
	return detect.String("egress")
}
