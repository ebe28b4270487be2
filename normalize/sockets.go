package normalize

import "sync/atomic"

// A socket that is closed right after it was connected, as resolvers do to find
// out which source address they would have, is gone before anybody can ask the
// kernel what it was. The records of socket(2) say it beforehand.

// Socket types and protocols of linux/net.h and linux/in.h. They are the same on
// all architectures that Tripline knows.
const (
	socketTypeMask  = 0xf
	socketStream    = 1
	socketDatagram  = 2
	socketRaw       = 3
	socketSequenced = 5
	protocolICMP    = 1
	protocolTCP     = 6
	protocolUDP     = 17
	protocolICMPv6  = 58
	protocolSCTP    = 132
	protocolUDPLite = 136
	protocolMPTCP   = 262
	familySMC       = 43
)

// socketsLimit bounds how many sockets a correlator remembers; socketLife is for
// how long, in milliseconds. What is older is still open when it is connected, or
// its process may be another one.
const (
	socketsLimit = 8192
	socketLife   = 10_000
)

// socketKey is a descriptor of a process.
type socketKey struct {
	node       *node
	pid        uint32
	descriptor uint64
}

type madeSocket struct {
	transport string
	time      int64
	sequence  uint64
	ppid      uint32
}

// madeSockets are the sockets that records told of.
type madeSockets struct {
	table   *procTable[socketKey, madeSocket]
	evicted atomic.Uint64
}

// note remembers the socket that an event made. What a descriptor was before it
// is not any more.
func (s *madeSockets) note(e *Event) {
	d := e.known()
	pid, ok := d.id(idPID)
	if !ok || d.call != callSocket || d.success != yes || d.exit < 0 {
		return
	}
	if s.table == nil {
		s.table = newProcTable[socketKey, madeSocket](socketsLimit, nil)
	}
	key := socketKey{e.node, pid, uint64(d.exit)}
	if d.nargs < 3 {
		s.table.drop(key)
		return
	}
	made := madeSocket{transport: madeTransport(d.args[0], d.args[1], d.args[2]), time: e.time, sequence: e.sequence, ppid: d.ids[idPPID]}
	if s.table.put(key, made) {
		s.evicted.Add(1)
	}
}

// madeAfter says that the process of an event was seen to make another socket in a
// descriptor since.
func (s *madeSockets) madeAfter(e *Event, pid uint32, descriptor uint64) bool {
	if s.table == nil {
		return false
	}
	made := s.table.get(socketKey{e.node, pid, descriptor})
	return made != nil && (made.time > e.time || made.time == e.time && made.sequence > e.sequence)
}

// transport is that of a socket which the process of an event made lately, empty
// where it is not known.
func (s *madeSockets) transport(e *Event, pid, ppid uint32, descriptor uint64) string {
	if s.table == nil {
		return ""
	}
	made := s.table.get(socketKey{e.node, pid, descriptor})
	if made == nil || e.time-made.time > socketLife || e.time < made.time || made.ppid != ppid {
		return ""
	}
	return made.transport
}

// madeTransport names the transport of a socket by the arguments of socket(2).
func madeTransport(family, kind, protocol uint64) string {
	if family != familyInet && family != familyInet6 {
		if family == familySMC && kind&socketTypeMask == socketStream {
			return "tcp"
		}
		return ""
	}
	switch kind & socketTypeMask {
	case socketStream:
		return protocolName(protocol, "tcp", 0, protocolTCP, protocolMPTCP) + protocolName(protocol, "sctp", protocolSCTP)
	case socketSequenced:
		return protocolName(protocol, "sctp", 0, protocolSCTP)
	case socketDatagram:
		return protocolName(protocol, "udp", 0, protocolUDP) + protocolName(protocol, "udplite", protocolUDPLite) +
			protocolName(protocol, "icmp", protocolICMP) + protocolName(protocol, "ipv6-icmp", protocolICMPv6)
	case socketRaw:
		return "raw"
	}
	return ""
}

// protocolName is a name if a protocol is one of some, else empty.
func protocolName(protocol uint64, name string, of ...uint64) string {
	for _, number := range of {
		if number == protocol {
			return name
		}
	}
	return ""
}
