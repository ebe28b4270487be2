package normalize

import (
	"bytes"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procSockets tells the protocols of other processes' sockets. It does not
// allocate but for protocols that it has no word for.
type procSockets struct {
	root            string
	path, attribute []byte
	value           [64]byte
	known           [procKnownSockets]procKnownSocket
	answered        procAnswered[procDescriptor, string]
}

// procDescriptor is a descriptor of a process.
type procDescriptor struct {
	pid    uint32
	number uint64
}

// procKnownSockets is how many sockets are remembered.
const procKnownSockets = 256

// procKnownSocket is a socket that was asked for its transport.
type procKnownSocket struct {
	inode     uint64 // 0 for none
	transport string
}

// newProcSockets returns nil where a socket of this process's own cannot be told:
// on kernels before 3.7, where root is a copy and where it shows other pids than
// those of this process's namespace. Kernels before 2.6.39 ignore O_PATH and would
// really open what is no socket, which may block and have effects.
func newProcSockets(root string, batch *procBatch) *procSockets {
	s := &procSockets{
		root:      root,
		path:      make([]byte, 0, len(root)+64),
		attribute: []byte("system.sockprotoname\x00"),
		answered:  procAnswered[procDescriptor, string]{batch: batch},
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	if s.transport(uint32(os.Getpid()), uint64(fd)) != "unix" {
		return nil
	}
	return s
}

// transport names the transport of a socket, see ProcResolver.Transport. The link
// in /proc names the socket by its inode, and a socket keeps both its inode and
// its protocol for life, so a socket that was asked before is known by its link
// alone.
func (s *procSockets) transport(pid uint32, descriptor uint64) string {
	answer, known := s.answered.slot(uint64(pid)<<32^descriptor, procDescriptor{pid, descriptor})
	if !known {
		*answer = s.look(pid, descriptor)
	}
	return *answer
}

// look is transport for a socket that was not asked for since the latest batch.
func (s *procSockets) look(pid uint32, descriptor uint64) string {
	s.path = procAppendPath(s.path[:0], s.root, pid, "fd/")
	s.path = strconv.AppendUint(s.path, descriptor, 10)
	s.path = append(s.path, 0)
	inode, ok := s.inode()
	if !ok {
		return ""
	}
	if known := &s.known[inode%procKnownSockets]; known.inode == inode {
		return known.transport
	}
	return s.ask()
}

// inode reads the number of the socket at s.path; false where there is none.
func (s *procSockets) inode() (uint64, bool) { return procSocketInode(s.path, s.value[:]) }

// procSocketInode reads the number of the socket that a link leads to, by way of a
// buffer; false where it leads to none. The link's path ends with a NUL.
func procSocketInode(link, buffer []byte) (uint64, bool) {
	n, err := procReadlink(link, buffer)
	if err != nil {
		return 0, false
	}
	number, found := bytes.CutPrefix(buffer[:n], []byte("socket:["))
	if !found {
		return 0, false
	}
	number, found = bytes.CutSuffix(number, []byte("]"))
	if !found {
		return 0, false
	}
	return procParseUint(number)
}

// ask asks the kernel about the socket at s.path and remembers the answer.
//
// Only a socket may be asked for its protocol: a file of a FUSE or network file
// system could leave the question unanswered for ever, and a process may put one
// in the socket's place at any moment. With O_PATH the file itself is not opened,
// so that neither opening nor closing it reaches a file system's code, and the
// descriptor keeps to what was there.
func (s *procSockets) ask() string {
	fd, err := procOpen(s.path, unix.O_PATH)
	if err != nil {
		return ""
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written that could be lost
	s.path = append(s.path[:0], "/proc/self/fd/"...)
	s.path = strconv.AppendInt(s.path, int64(fd), 10)
	s.path = append(s.path, 0)
	inode, ok := s.inode()
	if !ok {
		return ""
	}
	n, err := procGetxattr(s.path, s.attribute, s.value[:])
	if err != nil {
		return ""
	}
	transport := procTransportName(bytes.TrimRight(s.value[:n], "\x00"))
	s.known[inode%procKnownSockets] = procKnownSocket{inode: inode, transport: transport}
	return transport
}

// procTransportName gives the word of network.transport for the kernel's name of
// a protocol.
func procTransportName(protocol []byte) string {
	protocol, ipv6 := bytes.CutSuffix(protocol, []byte("v6"))
	switch string(protocol) {
	case "TCP", "MPTCP", "SMC":
		return "tcp"
	case "UDP":
		return "udp"
	case "UDP-Lite", "UDPLITE":
		return "udplite"
	case "RAW":
		return "raw"
	case "PING":
		if ipv6 {
			return "ipv6-icmp"
		}
		return "icmp"
	case "SCTP":
		return "sctp"
	case "UNIX", "UNIX-STREAM":
		return "unix"
	default:
		return strings.ToLower(string(protocol))
	}
}
