package source

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Omitter is a Source that can have the kernel leave records out before they cost
// the receiver anything.
type Omitter interface {
	// Omit has the kernel leave out messages of some types for this receiver alone
	// from now on, in place of those that it was asked to leave out before; none to
	// have them all. Only the goroutine that receives may call it.
	Omit(types ...uint16) error
	// Omits says whether records may have been left out among what the latest
	// Receive returned: until all that waited when Omit was called without types
	// has been received.
	Omits() bool
}

var _ Omitter = (*Kernel)(nil)

// Omit implements Omitter, by a socket filter (socket(7), SO_ATTACH_FILTER): what it
// drops is neither queued for the receiver nor counted as lost. Others who listen
// get it as before.
func (k *Kernel) Omit(types ...uint16) error { return k.socket.omit(types) }

// Omits implements Omitter.
func (k *Kernel) Omits() bool { return k.socket.omitted || k.socket.omitting }

// omit attaches a filter, or detaches it.
func (s *socket) omit(types []uint16) error {
	if len(types) == 0 {
		if !s.omitting {
			return nil
		}
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); err != nil {
			return fmt.Errorf("detaching the filter of the audit netlink socket: %w", err)
		}
		s.omitting = false
		return nil
	}
	program := omitProgram(types)
	err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("attaching a filter to the audit netlink socket: %w", err)
	}
	s.omitting, s.omitted = true, true
	return nil
}

// omitProgram drops messages of some types, which is the second field of struct
// nlmsghdr (netlink(7)), and lets all others pass whole.
func omitProgram(types []uint16) []unix.SockFilter {
	const typeAt = 4
	program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: typeAt}}
	for i, one := range types {
		program = append(program, unix.SockFilter{
			Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: networkOrder(one), Jt: uint8(len(types) - i),
		})
	}
	return append(program,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 1<<32 - 1},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0})
}

// networkOrder is what a filter sees of a number in this machine's order.
func networkOrder(number uint16) uint32 {
	var bytes [2]byte
	binary.NativeEndian.PutUint16(bytes[:], number)
	return uint32(binary.BigEndian.Uint16(bytes[:]))
}
