package source

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
	"tripline/internal/recvbatch"
)

const (
	// slotSize is the room for one message. The longest that the kernel makes
	// is MAX_AUDIT_MESSAGE_LENGTH of linux/audit.h, 8970 bytes, and the netlink
	// header.
	slotSize = 9216
	// slots is how many messages one receive call can return.
	slots = 256
	// busyBatch is how many messages since the last wait make it worth
	// letting more of them gather before the next receive call.
	busyBatch = 16
	// gatherTime is how long they gather. It is the price in latency, in a
	// flood only, for a fraction of the system calls and wake-ups.
	gatherTime = 400 * time.Microsecond
	// floodTime is how long they gather while records are left out, when there
	// are so many that it makes a difference.
	floodTime = 2 * time.Millisecond
)

// socket is an audit netlink socket with the buffers it receives into.
type socket struct {
	fd    int
	waker *waker

	batch     *recvbatch.Batch
	messages  []Message
	sinceWait int // messages since the last wait
	// alone says that Go code runs on one processor only.
	alone bool
	// omitting says that the kernel leaves messages out, omitted that some may have
	// been left out among those that were received last: see Omitter.
	omitting, omitted bool

	// acknowledge is called for netlink answers among the records.
	acknowledge func(kind uint16, sequence uint32, data []byte)

	count counters
}

// counters are Stats that one goroutine writes and others read.
type counters struct {
	messages, bytes, overruns, truncated, foreign, failures atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Messages: c.messages.Load(), Bytes: c.bytes.Load(), Overruns: c.overruns.Load(),
		Truncated: c.truncated.Load(), Foreign: c.foreign.Load(), Failures: c.failures.Load(),
	}
}

// openSocket opens an audit netlink socket bound to the given multicast groups
// (a bit mask, 0 for none) with a receive buffer of about receiveBuffer bytes.
func openSocket(groups uint32, receiveBuffer int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, fmt.Errorf("opening the audit netlink socket: %w", err)
	}
	s := newSocket(fd)
	if s.waker, err = newWaker(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := growReceiveBuffer(fd, receiveBuffer); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return nil, errors.Join(fmt.Errorf("binding the audit netlink socket to groups %#x: %w", groups, err), s.close())
	}
	return s, nil
}

// newSocket makes the buffers for a socket.
func newSocket(fd int) *socket {
	return &socket{
		fd: fd, batch: recvbatch.New(slots, slotSize), messages: make([]Message, 0, slots),
		alone: runtime.GOMAXPROCS(0) == 1,
	}
}

// growReceiveBuffer asks for the buffer past the system's limit
// (SO_RCVBUFFORCE, needs CAP_NET_ADMIN) and settles for that limit otherwise.
func growReceiveBuffer(fd, size int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size); err == nil {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size); err != nil {
		return fmt.Errorf("setting the audit socket's receive buffer to %d bytes: %w", size, err)
	}
	return nil
}

// receiveBufferSize is what the kernel really gave, in bytes, its own
// bookkeeping included (socket(7), SO_RCVBUF).
func (s *socket) receiveBufferSize() (int, error) {
	size, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0, fmt.Errorf("reading the audit socket's receive buffer size: %w", err)
	}
	return size, nil
}

// receive implements Source.Receive.
func (s *socket) receive(wait time.Duration) ([]Message, error) {
	deadline := deadlineAfter(wait)
	for !s.waker.interrupted.Load() {
		n, err := s.batch.Receive(s.fd)
		switch {
		case err == nil:
			if messages := s.collect(n); len(messages) > 0 {
				return messages, nil
			}
		case errors.Is(err, unix.EAGAIN):
			s.omitted = s.omitting
			if over, err := s.await(deadline); err != nil || over && !s.waker.interrupted.Load() {
				return nil, err
			}
		case errors.Is(err, unix.ENOBUFS):
			s.count.overruns.Add(1)
		case errors.Is(err, unix.EINTR):
		case isOurs(err):
			return nil, fmt.Errorf("receiving from the audit netlink socket: %w", err)
		default:
			// Out of memory, a message that is too long and whatever else: it
			// passes, and a sensor that ended would see nothing more at all.
			s.count.failures.Add(1)
			if over, err := s.waitAfterFailure(deadline); err != nil || over && !s.waker.interrupted.Load() {
				return nil, err
			}
		}
	}
	return nil, ErrInterrupted
}

// isOurs says whether an error of a receive call is a defect of the caller, which
// trying again does not mend.
func isOurs(err error) bool {
	for _, one := range []error{unix.EBADF, unix.ENOTSOCK, unix.EFAULT, unix.EINVAL, unix.ENOTCONN} {
		if errors.Is(err, one) {
			return true
		}
	}
	return false
}

// failurePause is how long to wait after a receive call that failed.
const failurePause = 10 * time.Millisecond

// waitAfterFailure waits a moment and reports whether the deadline is over.
func (s *socket) waitAfterFailure(deadline time.Time) (over bool, err error) {
	if past(deadline) {
		return true, nil
	}
	_, woken, err := s.waker.wait(-1, sooner(deadline, time.Now().Add(failurePause)))
	return woken, err
}

// collect turns the first n filled slots into messages. The type is in the
// netlink header; its length field is not trusted, because unicast audit
// messages leave the header out of it.
func (s *socket) collect(n int) []Message {
	s.messages = s.messages[:0]
	s.sinceWait += n
	var received uint64
	for i := range n {
		message := s.batch.Message(i)
		if message.Sender != 0 {
			s.count.foreign.Add(1)
			continue
		}
		if message.Truncated {
			s.count.truncated.Add(1)
		}
		data := message.Data
		if len(data) < unix.NLMSG_HDRLEN {
			s.count.truncated.Add(1)
			continue
		}
		header := (*syscall.NlMsghdr)(unsafe.Pointer(&data[0]))
		body := data[unix.NLMSG_HDRLEN:]
		received += uint64(len(body))
		if header.Type < firstRecordType && header.Type != oldUserMessage {
			if s.acknowledge != nil {
				s.acknowledge(header.Type, header.Seq, body)
			}
			continue
		}
		if header.Type == replaceRequest && !bytes.HasPrefix(body, []byte("audit(")) {
			continue
		}
		s.messages = append(s.messages, Message{Type: header.Type, Data: body})
	}
	s.count.messages.Add(uint64(len(s.messages)))
	s.count.bytes.Add(received)
	return s.messages
}

// firstRecordType is the lowest type of an audit record: 1000 to 1099 are
// audit's own requests and answers, below them netlink's (linux/audit.h).
const firstRecordType = 1100

// replaceRequest is the type of the message by which the kernel asks the owner of the
// audit socket whether it lives, when another wants to have it (AUDIT_REPLACE,
// kernel/audit.c: audit_replace). It has the pid of the other in four bytes and is no
// record. Whose the socket is the health watch looks at.
const replaceRequest = 1329

// oldUserMessage is the exception: the type of what "auditctl -m" writes
// (AUDIT_USER).
const oldUserMessage = 1005

// await waits for the next message. In a flood it lets messages gather for a
// moment first, so that one receive call returns many. It reports whether the
// deadline is over.
func (s *socket) await(deadline time.Time) (over bool, err error) {
	if s.sinceWait >= busyBatch {
		s.sinceWait = 0
		gather := gatherTime
		if s.omitting {
			gather = floodTime
		}
		s.pause(gather)
		return false, nil
	}
	s.sinceWait = 0
	if past(deadline) {
		return true, nil
	}
	_, woken, err := s.waker.wait(s.fd, deadline)
	return woken, err
}

// pause waits for a short time. An early return costs one more receive call.
func (s *socket) pause(length time.Duration) {
	timespec := unix.NsecToTimespec(int64(length))
	if s.alone {
		_ = unix.Nanosleep(&timespec, nil)
		return
	}
	// The scheduler is not told: its watching thread would otherwise wake every
	// 0.1 ms to give this thread's place to another, for which there is one.
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&timespec)), 0, 0)
}

// send sends one netlink request to the kernel from this socket.
func (s *socket) send(kind uint16, sequence uint32, data []byte) error {
	request := kernel.Encode(syscall.NlMsghdr{
		Type: kind, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK, Seq: sequence,
	}, data)
	if err := unix.Sendto(s.fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("sending audit request %d: %w", kind, err)
	}
	return nil
}

// close closes the file descriptors.
func (s *socket) close() error {
	var failures []error
	if s.waker != nil {
		failures = append(failures, s.waker.close())
	}
	if err := unix.Close(s.fd); err != nil {
		failures = append(failures, fmt.Errorf("closing the audit netlink socket: %w", err))
	}
	return errors.Join(failures...)
}
