package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"
)

// table is one of the kernel's lists of sockets, a file below /proc/PID/net.
type table struct {
	name  string
	parse func(line []byte) (tableSocket, bool)
}

// tableSocket is one line of such a list.
type tableSocket struct {
	Socket
	inode  uint64
	listen bool
}

// tables lists the files, see proc_pid_net(5).
func tables() []table {
	var all []table
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6", "raw", "raw6"} {
		all = append(all, table{name, func(line []byte) (tableSocket, bool) { return parseInternet(name, line) }})
	}
	return append(all, table{"packet", parsePacket}, table{"unix", parseUnix})
}

// readTable calls found for each socket of a list until it says false.
func readTable(ctx context.Context, folder string, one table, found func(tableSocket) bool) error {
	file, err := os.Open(folder + "/" + one.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the kernel has no such protocol
	}
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	lines := bufio.NewReaderSize(file, 16<<10)
	for first := true; ; first = false {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file.Name(), err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s is not read to its end: no time was left", file.Name())
		}
		if first { // the headings
			continue
		}
		if socket, ok := one.parse(line); ok && !found(socket) {
			return nil
		}
	}
}

// tcpStates are the names of the states in the kernel's include/net/tcp_states.h,
// by number.
func tcpState(number uint64) string {
	names := [...]string{
		"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
		"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV",
	}
	if number >= uint64(len(names)) {
		return strconv.FormatUint(number, 10)
	}
	return names[number]
}

const (
	stateEstablished = 1
	stateClose       = 7
	stateListen      = 10
)

// parseInternet reads a line of tcp, udp, raw and the same of IPv6.
func parseInternet(protocol string, line []byte) (tableSocket, bool) {
	fields := bytes.Fields(line)
	if len(fields) < 10 {
		return tableSocket{}, false
	}
	local, okLocal := parseAddress(fields[1])
	peer, okPeer := parseAddress(fields[2])
	state, errState := strconv.ParseUint(string(fields[3]), 16, 8)
	inode, errInode := strconv.ParseUint(string(fields[9]), 10, 64)
	if !okLocal || !okPeer || errState != nil || errInode != nil {
		return tableSocket{}, false
	}
	one := tableSocket{inode: inode}
	one.Protocol, one.LocalIP, one.LocalPort = protocol, local.Addr().String(), uint32(local.Port())
	if peer.Port() != 0 || !peer.Addr().IsUnspecified() {
		one.PeerIP, one.PeerPort = peer.Addr().String(), uint32(peer.Port())
	}
	switch {
	case protocol[0] == 't':
		one.State, one.listen = tcpState(state), state == stateListen
	case state == stateEstablished:
		one.State = "ESTABLISHED"
	default:
		one.State, one.listen = "UNCONNECTED", state == stateClose
	}
	return one, true
}

// parseAddress reads ADDRESS:PORT, where the address is words of 32 bits in the
// byte order of the machine and the port is a number.
func parseAddress(text []byte) (netip.AddrPort, bool) {
	address, port, ok := bytes.Cut(text, []byte(":"))
	number, err := strconv.ParseUint(string(port), 16, 16)
	raw := make([]byte, hex.DecodedLen(len(address)))
	if _, errHex := hex.Decode(raw, address); !ok || err != nil || errHex != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	ip, _ := netip.AddrFromSlice(raw) // its length is right
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), true
}

// parsePacket reads a line of packet: sk RefCnt Type Proto Iface R Rmem User Inode.
func parsePacket(line []byte) (tableSocket, bool) {
	fields := bytes.Fields(line)
	if len(fields) < 9 {
		return tableSocket{}, false
	}
	inode, err := strconv.ParseUint(string(fields[8]), 10, 64)
	return tableSocket{Socket: Socket{Protocol: "packet"}, inode: inode, listen: true}, err == nil
}

// parseUnix reads a line of unix: Num RefCount Protocol Flags Type St Inode Path.
func parseUnix(line []byte) (tableSocket, bool) {
	fields := bytes.Fields(line)
	if len(fields) < 7 {
		return tableSocket{}, false
	}
	inode, errInode := strconv.ParseUint(string(fields[6]), 10, 64)
	flags, errFlags := strconv.ParseUint(string(fields[3]), 16, 32)
	if errInode != nil || errFlags != nil {
		return tableSocket{}, false
	}
	one := tableSocket{Socket: Socket{Protocol: "unix"}, inode: inode}
	const accepts, connected = 1 << 16, "03" // SO_ACCEPTCON and SS_CONNECTED
	switch {
	case flags&accepts != 0:
		one.State, one.listen = "LISTEN", true
	case string(fields[5]) == connected:
		one.State = "ESTABLISHED"
	default:
		one.State = "UNCONNECTED"
	}
	if len(fields) > 7 {
		one.Path = string(bytes.ToValidUTF8(bytes.Join(fields[7:], []byte(" ")), []byte("\ufffd")))
	}
	return one, true
}
