package kernel

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	libaudit "github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"
)

// answerTimeout bounds how long one answer of the kernel is awaited. Under a
// flood of events the kernel answers late, not never: requests queue for the
// same mutex that rule changes hold.
const answerTimeout = 5 * time.Second

// answerSize is larger than every answer of the kernel: a rule with its path
// and key strings is the longest, at most about 5 KiB (struct audit_rule_data
// in linux/audit.h, PATH_MAX, AUDIT_MAX_KEY_LEN).
const answerSize = 32 << 10

// conn is a netlink socket for audit requests and their answers. It implements
// go-libaudit's NetlinkSendReceiver in place of that library's own client: it
// waits with poll(2) rather than in steps of 50 ms, and passes over answers to
// requests that were given up.
type conn struct {
	fd       int
	portID   uint32
	sequence atomic.Uint32
	buffer   []byte
}

var _ libaudit.NetlinkSendReceiver = (*conn)(nil)

// dial opens the control socket. A kernel without audit, or one booted with
// audit=0 or inside a network namespace that has none, gives ErrNoAudit.
func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, socketError(err)
	}
	c := &conn{fd: fd, buffer: make([]byte, answerSize)}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, errors.Join(fmt.Errorf("binding the audit control socket: %w", err), c.Close())
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading the audit control socket's address: %w", err), c.Close())
	}
	if own, ok := address.(*unix.SockaddrNetlink); ok {
		c.portID = own.Pid
	}
	return c, nil
}

// Send sends one request to the kernel and returns its netlink sequence number.
func (c *conn) Send(message syscall.NetlinkMessage) (uint32, error) {
	message.Header.Pid = c.portID
	message.Header.Seq = c.sequence.Add(1)
	request := Encode(message.Header, message.Data)
	if err := unix.Sendto(c.fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return 0, fmt.Errorf("sending audit request %d: %w", message.Header.Type, err)
	}
	return message.Header.Seq, nil
}

// SendNoWait is Send: the socket never blocks.
func (c *conn) SendNoWait(message syscall.NetlinkMessage) (uint32, error) { return c.Send(message) }

// Receive waits for the next answer to the newest request and hands it to
// parse. The data is valid until the next Receive. The wait is bounded also
// where the caller would block. Without an answer the error is ErrNoAnswer,
// whatever kept it away: the kernel may have done what was asked.
func (c *conn) Receive(_ bool, parse libaudit.NetlinkParser) ([]syscall.NetlinkMessage, error) {
	deadline := time.Now().Add(answerTimeout)
	for {
		n, err := c.receiveBefore(deadline)
		if err != nil {
			return nil, err
		}
		if n < unix.NLMSG_HDRLEN {
			continue
		}
		header := (*unix.NlMsghdr)(unsafe.Pointer(&c.buffer[0]))
		if header.Seq != c.sequence.Load() {
			continue
		}
		return parse(c.buffer[:n])
	}
}

// receiveBefore reads one datagram that the kernel sent.
func (c *conn) receiveBefore(deadline time.Time) (int, error) {
	for {
		n, from, err := unix.Recvfrom(c.fd, c.buffer, 0)
		switch {
		case err == nil:
			if sender, ok := from.(*unix.SockaddrNetlink); ok && sender.Pid == 0 {
				return n, nil
			}
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			wait := time.Until(deadline)
			if wait <= 0 {
				return 0, fmt.Errorf("waiting for the kernel's answer: %w", ErrNoAnswer)
			}
			poll := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
			if _, err := unix.Poll(poll, int(wait.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
				return 0, fmt.Errorf("polling the audit control socket: %w (%w)", ErrNoAnswer, err)
			}
		default:
			return 0, fmt.Errorf("receiving the kernel's answer: %w (%w)", ErrNoAnswer, err)
		}
	}
}

// Close closes the socket.
func (c *conn) Close() error {
	if err := unix.Close(c.fd); err != nil {
		return fmt.Errorf("closing the audit control socket: %w", err)
	}
	return nil
}

// Encode lays out one netlink message (struct nlmsghdr in linux/netlink.h and
// the data) and sets its length.
func Encode(header syscall.NlMsghdr, data []byte) []byte {
	header.Len = uint32(unix.NLMSG_HDRLEN + len(data))
	message := make([]byte, header.Len)
	*(*syscall.NlMsghdr)(unsafe.Pointer(&message[0])) = header
	copy(message[unix.NLMSG_HDRLEN:], data)
	return message
}
