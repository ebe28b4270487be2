package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	libaudit "github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"
)

const (
	// readLog is the bit of the multicast group AUDIT_NLGRP_READLOG.
	readLog = 1 << (libaudit.NetlinkGroupReadLog - 1)
	// userMessage is the type of a message of a trusted program (AUDIT_USER).
	userMessage = 1005
	// capAuditRead is CAP_AUDIT_READ of linux/capability.h.
	capAuditRead = 37
	// deliveryTime is how long a record may take to be delivered. Only kernels
	// that deliver nothing take it all.
	deliveryTime = 700 * time.Millisecond
)

// ProveMulticast writes a record (type USER, with "tripline" in its text), or where
// it may not write has the kernel write one (CONFIG_CHANGE), and says whether it
// arrives by multicast: the kernel may have it and yet deliver nothing, as to a
// network namespace other than the first. It is Unknown where auditing is off,
// since nothing is recorded then, and without privilege. What it found is among
// Features from then on.
func (c *Client) ProveMulticast() Support {
	c.probing.Lock()
	defer c.probing.Unlock()
	status, err := c.Status()
	if err != nil || status.Enabled == 0 {
		return Unknown
	}
	delivered := c.deliver()
	c.features.MulticastDelivered = delivered
	if delivered == Supported {
		c.features.Multicast = Supported
	}
	return delivered
}

// openReadLog opens a socket that is bound to the multicast group.
func openReadLog() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_AUDIT)
	if err != nil {
		return -1, socketError(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: readLog}); err != nil {
		return -1, errors.Join(fmt.Errorf("binding to audit's multicast group: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// deliver causes a record and says whether it arrives by multicast; Unknown where
// none can be caused or the group not be joined.
func (c *Client) deliver() Support {
	fd, err := openReadLog()
	if err != nil {
		return Unknown
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was sent
	text := fmt.Sprintf("tripline-asks-for-multicast-%d-%d", os.Getpid(), time.Now().UnixNano())
	c.mu.Lock()
	err = c.request(userMessage, append([]byte("op="+text), 0))
	c.mu.Unlock()
	if errors.Is(err, ErrPermission) { // without CAP_AUDIT_WRITE
		if err = c.DeleteRule(UnknownRule(text)); errors.Is(err, ErrNotFound) {
			err = nil
		}
	}
	if err != nil {
		return Unknown
	}
	return supportIf(arrives(fd, []byte(text), time.Now().Add(deliveryTime)))
}

// arrives waits for a message that has the text. A buffer that overran is
// emptied like any other: the record may be behind.
func arrives(fd int, text []byte, deadline time.Time) bool {
	buffer := make([]byte, 16<<10)
	for time.Now().Before(deadline) {
		n, err := unix.Read(fd, buffer)
		if err == nil {
			if bytes.Contains(buffer[:n], text) {
				return true
			}
			continue
		}
		if errors.Is(err, unix.EAGAIN) {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			_, _ = unix.Poll(poll, int(time.Until(deadline).Milliseconds())+1) // the next read tells
		}
	}
	return false
}

// bindsUnasked finds out silently whether records are multicast: kernels that do
// ask who joins the group for CAP_AUDIT_READ, and those that do not let anyone with
// CAP_NET_ADMIN join, and deliver nothing. It joins on a thread that has put
// CAP_AUDIT_READ aside for the moment.
func bindsUnasked() Support {
	answer := make(chan Support, 1)
	go func() {
		runtime.LockOSThread()
		supported, restored := bindWithout(capAuditRead)
		if restored {
			runtime.UnlockOSThread()
		} // a thread that stays locked ends with its goroutine
		answer <- supported
	}()
	return <-answer
}

// bindWithout binds to the group without a capability of the calling thread, and
// says whether the thread has it again.
func bindWithout(capability uint) (supported Support, restored bool) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var before [2]unix.CapUserData
	if err := unix.Capget(&header, &before[0]); err != nil {
		return Unknown, true
	}
	if before[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return Unknown, true // every kernel would refuse
	}
	without := before
	without[capability/32].Effective &^= 1 << (capability % 32)
	if without != before {
		if err := unix.Capset(&header, &without[0]); err != nil {
			return Unknown, true
		}
		defer func() { restored = unix.Capset(&header, &before[0]) == nil }()
	}
	fd, err := openReadLog()
	switch {
	case err == nil:
		_ = unix.Close(fd) // nothing was sent
		return Unsupported, true
	case errors.Is(err, unix.EPERM):
		return Supported, true
	}
	return Unknown, true
}
