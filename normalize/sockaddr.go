package normalize

import (
	"encoding/binary"
	"net/netip"
)

// Address families of sockaddr, from linux/socket.h.
const (
	familyUnspec = 0
	familyUnix   = 1
	familyInet   = 2
	familyInet6  = 10
)

// sockaddr is what a SOCKADDR record says.
type sockaddr struct {
	// known is false when there was no record or it held no address.
	known  bool
	family uint16
	// addr and port are those of an INET or INET6 address. An IPv4 address mapped
	// into IPv6 stays mapped.
	addr netip.AddrPort
	// scope is the interface index of a link-local IPv6 address.
	scope uint32
	// path is that of a Unix socket, "@name" for one in the abstract namespace.
	path []byte
}

// parseSockaddr reads the hexadecimal bytes of a struct sockaddr. The byte order
// of the family is the host's, which the record does not tell: every family in
// use is less than 256, so the byte that is not 0 is it. Decoded bytes are
// appended to arena, which is returned; path is a view into it.
func parseSockaddr(arena, text []byte) (sockaddr, []byte) {
	var memory [sockaddrInet6]byte
	raw := memory[:decodeHex(memory[:sockaddrInet], text)]
	if len(raw) < 2 {
		return sockaddr{}, arena
	}
	s := sockaddr{known: true, family: uint16(raw[0]) | uint16(raw[1])<<8}
	if raw[0] == 0 {
		s.family = uint16(raw[1])
	}
	switch s.family {
	case familyInet:
		if len(raw) < sockaddrInet {
			return sockaddr{}, arena
		}
		s.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), binary.BigEndian.Uint16(raw[2:]))
	case familyInet6:
		if raw = memory[:decodeHex(memory[:], text)]; len(raw) < 24 {
			return sockaddr{}, arena
		}
		s.addr = netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])), binary.BigEndian.Uint16(raw[2:]))
		if len(raw) == sockaddrInet6 {
			s.scope = scopeID(raw[24:28], raw[0] == 0)
		}
	case familyUnix:
		start := len(arena)
		s.path, arena = unixPath(appendHex(arena, text), start+2)
	}
	return s, arena
}

// How many bytes of an address of IPv4 and IPv6 are read: what follows in a struct
// sockaddr_in is padding.
const (
	sockaddrInet  = 8
	sockaddrInet6 = 28
)

// scopeID reads the interface index in the host's byte order.
func scopeID(raw []byte, bigEndian bool) uint32 {
	if bigEndian {
		return binary.BigEndian.Uint32(raw)
	}
	return binary.LittleEndian.Uint32(raw)
}

// unixPath finds the path of a Unix socket in arena[at:]. A name in the abstract
// namespace begins with a NUL and may hold others; they are shown as "@".
func unixPath(arena []byte, at int) (path, grown []byte) {
	path = arena[at:]
	if len(path) == 0 {
		return nil, arena
	}
	if path[0] != 0 {
		for i, b := range path {
			if b == 0 {
				return path[:i], arena
			}
		}
		return path, arena
	}
	end := len(path)
	for end > 0 && path[end-1] == 0 {
		end--
	}
	path = path[:end]
	for i, b := range path {
		if b == 0 {
			path[i] = '@'
		}
	}
	return path, arena
}

// inet says that the address is one of IPv4 or IPv6.
func (s *sockaddr) inet() bool {
	return s.known && (s.family == familyInet || s.family == familyInet6)
}
