package normalize

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// procInboxSlots is how many messages one call receives.
	procInboxSlots = 64
	// procInboxSize is how much of a message is kept, in bytes; what it tells of
	// forks and exits is in the first 76.
	procInboxSize = 128
)

// procInbox receives the messages of a netlink socket, many with one call, and does
// not allocate.
type procInbox struct {
	headers [procInboxSlots]procMessageHeader
	vectors [procInboxSlots]unix.Iovec
	senders [procInboxSlots]unix.RawSockaddrNetlink
	data    [procInboxSlots][procInboxSize]byte
	one     bool // the kernel has no recvmmsg(2), which came with 2.6.33
}

// procMessageHeader is struct mmsghdr of recvmmsg(2).
type procMessageHeader struct {
	header   unix.Msghdr
	received uint32
}

func newProcInbox() *procInbox {
	in := &procInbox{}
	for i := range in.headers {
		in.vectors[i].Base = &in.data[i][0]
		in.vectors[i].SetLen(procInboxSize)
		header := &in.headers[i].header
		header.Iov = &in.vectors[i]
		header.SetIovlen(1)
		header.Name = (*byte)(unsafe.Pointer(&in.senders[i]))
	}
	return in
}

// receive fills the slots with what waits, and says how many; EAGAIN where nothing
// does.
func (in *procInbox) receive(fd int) (int, error) {
	if in.one {
		return in.receiveOne(fd)
	}
	for i := range in.headers {
		in.headers[i].header.Namelen = unix.SizeofSockaddrNetlink
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&in.headers[0])), procInboxSlots, unix.MSG_DONTWAIT, 0, 0)
	switch errno {
	case 0:
		return int(n), nil
	case unix.ENOSYS:
		in.one = true
		return in.receiveOne(fd)
	}
	return 0, errno
}

func (in *procInbox) receiveOne(fd int) (int, error) {
	n, from, err := unix.Recvfrom(fd, in.data[0][:], unix.MSG_DONTWAIT)
	if err != nil {
		return 0, err
	}
	in.headers[0].received = uint32(n)
	in.senders[0] = unix.RawSockaddrNetlink{Pid: 1} // not the kernel
	if sender, ok := from.(*unix.SockaddrNetlink); ok {
		in.senders[0].Pid = sender.Pid
	}
	return 1, nil
}

// message is the message of a slot, nil where it is not one of the kernel: others
// with CAP_NET_ADMIN may write to the socket, too. It is valid until the next
// receive.
func (in *procInbox) message(slot int) []byte {
	size := in.headers[slot].received
	if in.senders[slot].Pid != 0 || size < cnBodyAt+16 || size > procInboxSize {
		return nil
	}
	return in.data[slot][:size]
}
