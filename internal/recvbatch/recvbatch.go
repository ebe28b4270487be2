// Package recvbatch receives the messages of netlink sockets, many with one call and
// without allocating.
package recvbatch

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Batch has slots for messages, which one call fills. One goroutine uses it at a time.
type Batch struct {
	size    int
	data    []byte
	headers []header
	vectors []unix.Iovec
	senders []unix.RawSockaddrNetlink
	unnamed bool // senders are not asked for
	one     bool // the kernel has no recvmmsg(2), which came with 2.6.33
}

// header is struct mmsghdr of recvmmsg(2).
type header struct {
	header   unix.Msghdr
	received uint32
}

// Message is a message in a slot.
type Message struct {
	// Data is its beginning, netlink header included, as far as the slot has room. It
	// is a view into the Batch, valid until the next Receive.
	Data []byte
	// Sender is the port of who sent it; the kernel's is 0, as is everybody's once
	// FromKernel was called.
	Sender uint32
	// Truncated says that the slot had no room for all of it.
	Truncated bool
}

// New makes a Batch of so many slots, with room for size bytes each.
func New(slots, size int) *Batch {
	b := &Batch{
		size: size, data: make([]byte, slots*size), headers: make([]header, slots),
		vectors: make([]unix.Iovec, slots), senders: make([]unix.RawSockaddrNetlink, slots),
	}
	for i := range b.headers {
		b.vectors[i].Base = &b.data[i*size]
		b.vectors[i].SetLen(size)
		one := &b.headers[i].header
		one.Iov = &b.vectors[i]
		one.SetIovlen(1)
		one.Name = (*byte)(unsafe.Pointer(&b.senders[i]))
	}
	return b
}

// FromKernel connects a netlink socket to the kernel, which then refuses what others
// send to it, and no longer asks for each message who sent it. A socket that is in a
// multicast group has messages of others all the same.
func (b *Batch) FromKernel(fd int) error {
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("connecting a netlink socket to the kernel: %w", err)
	}
	clear(b.senders)
	for i := range b.headers {
		b.headers[i].header.Name, b.headers[i].header.Namelen = nil, 0
	}
	b.unnamed = true
	return nil
}

// Receive fills the slots with the messages that wait, and says how many; it never
// waits. The error is that of recvmmsg(2) as it is: EAGAIN where nothing waits.
func (b *Batch) Receive(fd int) (int, error) {
	if !b.unnamed {
		for i := range b.headers {
			b.headers[i].header.Namelen = unix.SizeofSockaddrNetlink
		}
	}
	if !b.one {
		// The call never waits, so the scheduler need not be told of it.
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&b.headers[0])), uintptr(len(b.headers)), unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			return int(n), nil
		}
		if errno != unix.ENOSYS {
			return 0, errno
		}
		b.one = true
	}
	return b.receiveOne(fd)
}

func (b *Batch) receiveOne(fd int) (int, error) {
	n, from, err := unix.Recvfrom(fd, b.data[:b.size], unix.MSG_DONTWAIT|unix.MSG_TRUNC)
	if err != nil {
		return 0, err
	}
	first := &b.headers[0]
	first.received = uint32(min(n, b.size))
	first.header.Flags = 0
	if n > b.size {
		first.header.Flags = unix.MSG_TRUNC
	}
	b.senders[0] = unix.RawSockaddrNetlink{}
	if sender, ok := from.(*unix.SockaddrNetlink); ok {
		b.senders[0].Pid = sender.Pid
	}
	return 1, nil
}

// Message is the message in a slot that the latest Receive filled.
func (b *Batch) Message(slot int) Message {
	return Message{
		Data:      b.data[slot*b.size : slot*b.size+int(b.headers[slot].received)],
		Sender:    b.senders[slot].Pid,
		Truncated: b.headers[slot].header.Flags&unix.MSG_TRUNC != 0,
	}
}
