package normalize

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// procEndReaders is how many lists of sockets are read at a time.
	procEndReaders = 2
	// procEndTime is how much processor time within procEndWindow may go into
	// reading lists, and how long may be waited for that.
	procEndTime   = 20 * time.Millisecond
	procEndWindow = time.Second
	// procEndLines is after how many lines of a list the time is looked at.
	procEndLines = 64
	// procEndSettled is for how long a descriptor must have been the same socket: a
	// program that connects anew all the time takes less for it.
	procEndSettled = time.Millisecond
)

// procEnds finds the own ends of sockets in the lists of /proc/PID/net, see
// proc(5), on goroutines of its own.
//
// The lists are read because nothing happens to the socket by that, whatever its
// process does with it, and because every kernel has them, for the network
// namespace of every process. To take a copy of the descriptor (pidfd_getfd) is a
// thousand times as fast but keeps a connection open that its process closes
// meanwhile, and waits for whoever holds the socket's lock; to ask by netlink
// (sock_diag) loads modules into the kernel and reaches one namespace only.
type procEnds struct {
	root string
	// device is the file system of root, see procFiles.
	device uint64
	slots  chan struct{}
	now    func() time.Time
	used   func() time.Duration // by the calling thread

	mu sync.Mutex
	// read and waited are how long was read and waited since window.
	read, waited time.Duration
	window       time.Time
	// skipped counts the sockets that were not looked for.
	skipped atomic.Uint64
}

func newProcEnds(files *procFiles) *procEnds {
	return &procEnds{root: files.root, device: files.device, slots: make(chan struct{}, procEndReaders), now: time.Now, used: procThreadTime}
}

// LocalEnd implements endpoints.
func (r *ProcResolver) LocalEnd(q SocketQuery) *LocalEnd {
	if r.sockets == nil || r.ends == nil {
		return nil
	}
	return r.ends.look(q)
}

// look begins to look for a socket; nil where too much time goes into that already.
func (p *procEnds) look(q SocketQuery) *LocalEnd {
	list := procListOf(q)
	if list == "" {
		return nil
	}
	if !p.take(0, 0) {
		p.skipped.Add(1)
		return nil
	}
	select {
	case p.slots <- struct{}{}:
	default:
		p.skipped.Add(1)
		return nil
	}
	end := &LocalEnd{done: make(chan struct{}), took: func(waited time.Duration) { p.take(0, waited) }}
	go func() {
		defer func() { <-p.slots }()
		defer close(end.done)
		end.addr = p.find(q, list)
	}()
	return end
}

// take notes time that was taken and says whether more may be.
func (p *procEnds) take(read, waited time.Duration) bool {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := now.Sub(p.window); age > procEndWindow || age < 0 {
		p.window, p.read, p.waited = now, 0, 0
	}
	p.read += read
	p.waited += waited
	return max(p.read, p.waited) < procEndTime
}

// procListOf is the file that lists sockets of a kind; empty where there is none.
func procListOf(q SocketQuery) string {
	if q.Transport != "tcp" && q.Transport != "udp" {
		return ""
	}
	if q.Peer.Addr().Is4() {
		return "net/" + q.Transport
	}
	return "net/" + q.Transport + "6"
}

// find finds the own end of a socket; the zero value where there is none, where the
// descriptor is another socket by now, and where it takes too long.
func (p *procEnds) find(q SocketQuery, list string) netip.AddrPort {
	began := p.now()
	link := append(strconv.AppendUint(procAppendPath(nil, p.root, q.PID, "fd/"), q.Descriptor, 10), 0)
	var target [64]byte
	inode, ok := procSocketInode(link, target[:])
	if !ok {
		return netip.AddrPort{}
	}
	local, remote := p.listed(q.PID, list, inode)
	if !local.IsValid() || !isPeer(q.Peer, local, remote) {
		return netip.AddrPort{}
	}
	time.Sleep(procEndSettled - p.now().Sub(began))
	if again, ok := procSocketInode(link, target[:]); !ok || again != inode {
		return netip.AddrPort{}
	}
	return local
}

// listed reads a list of sockets until it comes to one, or has taken too long.
func (p *procEnds) listed(pid uint32, list string, inode uint64) (local, remote netip.AddrPort) {
	fd, err := procOpenOn(p.device, append(procAppendPath(nil, p.root, pid, list), 0), unix.O_RDONLY)
	if err != nil {
		return local, remote
	}
	file := os.NewFile(uintptr(fd), list)
	defer file.Close() //nolint:errcheck // nothing was written
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := p.used()
	defer func() { p.take(p.used()-began, 0) }()
	word := strconv.AppendUint([]byte{' '}, inode, 10)
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		if bytes.Contains(lines.Bytes(), word) {
			var found uint64
			if local, remote, found = procParseSocket(lines.Bytes()); found == inode {
				return local, remote
			}
		}
		if number%procEndLines == 0 && p.used()-began > procEndTime {
			p.skipped.Add(1)
			break
		}
	}
	return netip.AddrPort{}, netip.AddrPort{}
}

// procThreadTime is how much processor time the calling thread has used.
func procThreadTime() time.Duration {
	var used unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used) // 2.6.12 and later have it
	return time.Duration(used.Nano())
}

// isPeer says whether a socket's other end is what a call was given. A connect to
// the unspecified address goes to this host.
func isPeer(given, local, remote netip.AddrPort) bool {
	if given.Port() != remote.Port() {
		return false
	}
	to, from := remote.Addr().Unmap(), local.Addr().Unmap()
	if given.Addr().Unmap().IsUnspecified() {
		return to.IsLoopback() || to == from
	}
	return given.Addr().Unmap() == to
}

// procParseSocket reads a line of a list of sockets; inode is 0 where it is no such
// line or the socket has no process.
func procParseSocket(line []byte) (local, remote netip.AddrPort, inode uint64) {
	const localField, remoteField, inodeField = 1, 2, 9
	var ok bool
	field := 0
	for word := range bytes.FieldsSeq(line) {
		switch field {
		case localField:
			local, ok = procParseEnd(word)
		case remoteField:
			remote, ok = procParseEnd(word)
		case inodeField:
			if inode, ok = procParseUint(word); !ok {
				return local, remote, 0
			}
			return local, remote, inode
		default:
			ok = true
		}
		if !ok {
			break
		}
		field++
	}
	return local, remote, 0
}

// procParseEnd reads "ADDRESS:PORT": an address as words of 32 bits in this
// machine's byte order, in hexadecimal, and the port's number.
func procParseEnd(text []byte) (end netip.AddrPort, ok bool) {
	words, number, _ := bytes.Cut(text, []byte(":"))
	var raw [16]byte
	if len(words) != 8 && len(words) != 32 {
		return end, false
	}
	n, err := hex.Decode(raw[:], words)
	port, isPort := parseHex(number)
	if err != nil || !isPort || port > 0xffff {
		return end, false
	}
	for at := 0; at < n; at += 4 {
		binary.NativeEndian.PutUint32(raw[at:], binary.BigEndian.Uint32(raw[at:]))
	}
	addr, _ := netip.AddrFromSlice(raw[:n])
	return netip.AddrPortFrom(addr, uint16(port)), true
}
