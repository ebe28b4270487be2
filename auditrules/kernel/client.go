package kernel

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"unsafe"

	libaudit "github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/auparse"
	"golang.org/x/sys/unix"
)

// Client asks and changes the kernel's audit state. Its methods may be called
// from several goroutines; requests are made one after another.
type Client struct {
	mu      sync.Mutex
	conn    *conn
	library libaudit.AuditClient

	probing  sync.Mutex // held while features are asked for, which makes requests
	features Features
}

// Open connects to the kernel's audit control. The caller must Close it.
// Without audit in the kernel the error is ErrNoAudit.
func Open() (*Client, error) {
	c, err := dial()
	if err != nil {
		return nil, err
	}
	return &Client{conn: c, library: libaudit.AuditClient{Netlink: c}}, nil
}

// Close closes the connection and changes nothing in the kernel.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn.Close()
}

// Setting names one field of the audit status that can be set
// (AUDIT_STATUS_* in linux/audit.h).
type Setting uint32

// The settings that Tripline reads or changes. A process claims the audit socket
// for itself through its receiving socket, see package sensor/source; SettingPID
// is for giving up that of a dead process.
const (
	SettingEnabled         = Setting(libaudit.AuditStatusEnabled)
	SettingFailure         = Setting(libaudit.AuditStatusFailure)
	SettingPID             = Setting(libaudit.AuditStatusPID)
	SettingRateLimit       = Setting(libaudit.AuditStatusRateLimit)
	SettingBacklogLimit    = Setting(libaudit.AuditStatusBacklogLimit)
	SettingBacklogWaitTime = Setting(libaudit.AuditStatusBacklogWaitTime)
)

// Settings lists the settings that have a value of their own to be put back:
// all but the owner of the socket.
func Settings() []Setting {
	return []Setting{SettingEnabled, SettingFailure, SettingRateLimit, SettingBacklogLimit, SettingBacklogWaitTime}
}

// String is the name by which `auditctl -s` prints the setting.
func (s Setting) String() string {
	switch s {
	case SettingEnabled:
		return "enabled"
	case SettingFailure:
		return "failure"
	case SettingPID:
		return "pid"
	case SettingRateLimit:
		return "rate_limit"
	case SettingBacklogLimit:
		return "backlog_limit"
	case SettingBacklogWaitTime:
		return "backlog_wait_time"
	}
	return fmt.Sprintf("setting %#x", uint32(s))
}

// Of reads the setting's value from a status.
func (s Setting) Of(status Status) uint32 {
	switch s {
	case SettingEnabled:
		return status.Enabled
	case SettingFailure:
		return status.Failure
	case SettingPID:
		return status.PID
	case SettingRateLimit:
		return status.RateLimit
	case SettingBacklogLimit:
		return status.BacklogLimit
	case SettingBacklogWaitTime:
		return status.BacklogWaitTime
	}
	return 0
}

// Set changes one setting. A kernel ignores a setting that it does not know
// without an error; the wait time, which some lack, is therefore read back, and a
// kernel that kept another value gives a *FeatureError.
func (c *Client) Set(setting Setting, value uint32) error {
	status := libaudit.AuditStatus{Mask: libaudit.AuditStatusMask(setting)}
	switch setting {
	case SettingEnabled:
		status.Enabled = value
	case SettingFailure:
		status.Failure = value
	case SettingPID:
		status.PID = value
	case SettingRateLimit:
		status.RateLimit = value
	case SettingBacklogLimit:
		status.BacklogLimit = value
	case SettingBacklogWaitTime:
		status.BacklogWaitTime = value
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.request(libaudit.AuditSet, EncodeStatus(status))
	if err == nil && setting == SettingBacklogWaitTime {
		err = c.waitTimeIs(value)
	}
	if err != nil {
		return fmt.Errorf("setting audit's %s to %d: %w", setting, value, err)
	}
	return nil
}

// waitTimeIs reads the backlog's wait time back.
func (c *Client) waitTimeIs(value uint32) error {
	status, size, err := c.askStatus()
	if err != nil {
		return fmt.Errorf("reading it back: %w", err)
	}
	if size < sizeWithWaitTime || status.BacklogWaitTime != value {
		return newFeatureError(FeatureWaitTime, nil)
	}
	return nil
}

// EncodeStatus lays out a status as the kernel reads it (struct audit_status
// in linux/audit.h). Older kernels read the first fields and ignore the rest.
func EncodeStatus(status libaudit.AuditStatus) []byte {
	const size = unsafe.Sizeof(status)
	data := make([]byte, size)
	copy(data, (*[size]byte)(unsafe.Pointer(&status))[:])
	return data
}

// Rules lists every rule in the kernel, in its order, each as the kernel's
// bytes (struct audit_rule_data in linux/audit.h).
func (c *Client) Rules() ([][]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rules, err := c.library.GetRules()
	if err != nil {
		return nil, fmt.Errorf("listing the audit rules: %w", wrapErrno(err))
	}
	return rules, nil
}

// AddRule appends a rule. A rule that the kernel already has gives ErrExists.
func (c *Client) AddRule(rule []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.request(uint16(auparse.AUDIT_ADD_RULE), rule)
}

// DeleteRule removes a rule. A rule that the kernel does not have gives
// ErrNotFound.
func (c *Client) DeleteRule(rule []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.request(uint16(auparse.AUDIT_DEL_RULE), rule)
}

// request sends one message and waits for the kernel's acknowledgement. The
// library's own functions for this drop the answer or its errno.
func (c *Client) request(kind uint16, data []byte) error {
	_, err := c.conn.Send(syscall.NetlinkMessage{
		Header: syscall.NlMsghdr{Type: kind, Flags: unix.NLM_F_REQUEST | unix.NLM_F_ACK},
		Data:   data,
	})
	if err != nil {
		return err
	}
	answers, err := c.conn.Receive(false, parseMessage)
	if err != nil {
		return err
	}
	return AckError(answers[0].Header.Type, answers[0].Data)
}

// parseMessage splits one datagram into header and data. Audit's nlmsg_len may
// not be trusted; the datagram's own length is what was received.
func parseMessage(datagram []byte) ([]syscall.NetlinkMessage, error) {
	return []syscall.NetlinkMessage{{
		Header: *(*syscall.NlMsghdr)(unsafe.Pointer(&datagram[0])),
		Data:   datagram[unix.NLMSG_HDRLEN:],
	}}, nil
}

// AckError reads a netlink acknowledgement (struct nlmsgerr in
// linux/netlink.h): nil for success, an error of this package or an errno
// otherwise.
func AckError(kind uint16, data []byte) error {
	if kind != unix.NLMSG_ERROR || len(data) < 4 {
		return fmt.Errorf("the kernel answered with message type %d instead of an acknowledgement", kind)
	}
	code := *(*int32)(unsafe.Pointer(&data[0]))
	if code == 0 {
		return nil
	}
	return answerError(unix.Errno(-code))
}

// wrapErrno turns an errno inside a library's error into one of this package's.
func wrapErrno(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return answerError(errno)
	}
	return err
}
