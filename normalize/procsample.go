package normalize

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"tripline/internal/recvbatch"
)

const (
	// procSampleOf is of how many messages one is in the sample, on average. About
	// as many wait when somebody asks, for which the answer waits some 0.2 ms.
	procSampleOf = 512
	// procSampleShare is how many samples the receive buffer must have room for, so
	// that it does not overflow before one of them comes, and procSampleTaken what a
	// message takes of it in bytes, the kernel's bookkeeping included.
	procSampleShare = 64
	procSampleTaken = 1024
	// procSampleShift skips the lowest bits of a time in nanoseconds: clocks that
	// advance by timer ticks, or seldom, leave up to nine of them zero.
	procSampleShift = 10
)

// procSample is a second socket to which the process connector's group is sent, with
// a filter that lets one of many messages pass. What is in it says that as many wait on
// the first, so that nobody need be woken by every fork, or look again and again, and
// no burst of forks comes unnoticed.
type procSample struct {
	fd    int
	batch *recvbatch.Batch
}

// openProcSample opens the socket, for a first one with a receive buffer of so many
// bytes. The kernel sends to all members of the group once one of them asked.
func openProcSample(buffer int) (*procSample, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &procSample{fd: fd, batch: recvbatch.New(1, unix.NLMSG_HDRLEN)}
	if err := attachProcFilter(fd, procSampleFilter(procSampleRate(buffer))); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc}); err != nil {
		return nil, errors.Join(fmt.Errorf("bind: %w", err), s.close())
	}
	return s, nil
}

// clear takes what is in the sample.
func (s *procSample) clear() {
	for {
		_, err := s.batch.Receive(s.fd)
		if err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (s *procSample) close() error {
	if err := unix.Close(s.fd); err != nil {
		return fmt.Errorf("closing a socket of the process connector: %w", err)
	}
	return nil
}

// procFilter lets the kernel drop what is neither fork nor exit before it costs us
// anything.
func procFilter() []unix.SockFilter {
	return []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: cnWhatAt},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: procNetworkOrder(cnEventFork), Jt: 1},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: procNetworkOrder(cnEventExit), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 1 << 16},
		{Code: unix.BPF_RET | unix.BPF_K},
	}
}

// procSampleRate is of how many messages one is in the sample, a power of two.
func procSampleRate(buffer int) uint32 {
	rate := uint32(1)
	for rate < procSampleOf && int(rate)*2*procSampleShare*procSampleTaken <= buffer {
		rate *= 2
	}
	return rate
}

// procSampleFilter is procFilter for the sample: of forks and exits, those in whose
// time some bits are zero. Nobody can choose the times of many.
func procSampleFilter(rate uint32) []unix.SockFilter {
	return append([]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: procLowWord(cnTimestampAt)},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: procNetworkOrder((rate - 1) << procSampleShift), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K},
	}, procFilter()...)
}

// procLowWord is where the lower half of a number of 64 bits is.
func procLowWord(at uint32) uint32 {
	if procNetworkOrder(1) == 1 { // the higher half is first
		return at + 4
	}
	return at
}

// procNetworkOrder is what a filter sees of a number in this machine's order.
func procNetworkOrder(number uint32) uint32 {
	var bytes [4]byte
	binary.NativeEndian.PutUint32(bytes[:], number)
	return binary.BigEndian.Uint32(bytes[:])
}

// attachProcFilter attaches a filter to a socket of the process connector.
func attachProcFilter(fd int, program []unix.SockFilter) error {
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}
