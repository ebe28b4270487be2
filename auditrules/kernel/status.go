package kernel

import (
	"encoding/binary"
	"fmt"
	"syscall"

	libaudit "github.com/elastic/go-libaudit/v2"
	"golang.org/x/sys/unix"
)

// The lengths in bytes of struct audit_status (linux/audit.h) as it has grown:
// without the feature bitmap up to Linux 3.13, with it alone in RHEL 7, with the
// wait time since 3.14, and with the time actually waited since 5.9.
const (
	sizeOldest       = 32
	sizeWithBitmap   = 36
	sizeWithWaitTime = 40
)

// Status is the kernel's audit status (struct audit_status in linux/audit.h).
type Status struct {
	// Enabled is 0 off, 1 on, 2 on and locked until the next boot.
	Enabled uint32
	// Failure is what the kernel does when it loses a record: 0 nothing, 1 a
	// line in its log, 2 panic.
	Failure uint32
	// PID is the process that receives records by unicast, 0 for none.
	PID uint32
	// RateLimit is the most records a second, 0 for no limit.
	RateLimit uint32
	// BacklogLimit is how many records may wait for the receiver.
	BacklogLimit uint32
	// Lost counts records that the kernel has lost since boot.
	Lost uint32
	// Backlog is how many records wait now.
	Backlog uint32
	// BacklogWaitTime is how long, in jiffies, an audited process waits for
	// room when the backlog is full. It means something only where the kernel
	// has FeatureBacklogWaitTime.
	BacklogWaitTime uint32
	// Features is the kernel's feature bitmap (AUDIT_FEATURE_BITMAP_*), 0 where
	// its status has none.
	Features uint32
}

// FeatureBacklogWaitTime is set in Status.Features where the backlog's wait
// time can be set (AUDIT_FEATURE_BITMAP_BACKLOG_WAIT_TIME, Linux 3.14).
const FeatureBacklogWaitTime = libaudit.AuditFeatureBitmapBacklogWaitTime

// Locked says whether rules and settings cannot be changed until the next boot.
func (s Status) Locked() bool { return s.Enabled == 2 }

// Status asks for the kernel's audit status.
func (c *Client) Status() (Status, error) {
	status, _, err := c.readStatus()
	return status, err
}

// readStatus asks for the status, and returns the length of the kernel's struct
// beside it.
func (c *Client) readStatus() (Status, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	status, size, err := c.askStatus()
	if err != nil {
		return Status{}, 0, fmt.Errorf("asking for the audit status: %w", err)
	}
	return status, size, nil
}

// askStatus asks without wanting an acknowledgement: the answer is the status, or
// an error.
func (c *Client) askStatus() (Status, int, error) {
	request := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: libaudit.AuditGet, Flags: unix.NLM_F_REQUEST}}
	if _, err := c.conn.Send(request); err != nil {
		return Status{}, 0, err
	}
	answers, err := c.conn.Receive(false, parseMessage)
	if err != nil {
		return Status{}, 0, err
	}
	kind, data := answers[0].Header.Type, answers[0].Data
	if kind != libaudit.AuditGet {
		if err := AckError(kind, data); err != nil {
			return Status{}, 0, err
		}
		return Status{}, 0, ErrNoAnswer
	}
	status, err := parseStatus(data)
	return status, len(data), err
}

// parseStatus reads the fields that the kernel's answer has. What a later kernel
// appends is passed over, and so is the mask, which is garbage on 2.6.32.
func parseStatus(data []byte) (Status, error) {
	if len(data) < sizeOldest {
		return Status{}, fmt.Errorf("the kernel's audit status has %d bytes, less than the %d of the oldest kernel", len(data), sizeOldest)
	}
	field := func(index int) uint32 {
		if offset := 4 * index; len(data) >= offset+4 {
			return binary.NativeEndian.Uint32(data[offset:])
		}
		return 0
	}
	return Status{
		Enabled: field(1), Failure: field(2), PID: field(3), RateLimit: field(4), BacklogLimit: field(5),
		Lost: field(6), Backlog: field(7), Features: field(8), BacklogWaitTime: field(9),
	}, nil
}
