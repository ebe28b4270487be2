package kernel

import (
	"errors"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestSocketErrors(t *testing.T) {
	for _, test := range []struct {
		errno unix.Errno
		want  error
		says  string
	}{
		{unix.EPROTONOSUPPORT, ErrNoAudit, "audit=0"},
		{unix.EAFNOSUPPORT, ErrNoAudit, "CONFIG_AUDIT"},
		{unix.EPERM, ErrPermission, "permission"},
		{unix.EMFILE, unix.EMFILE, "too many open files"},
	} {
		err := socketError(test.errno)
		if !errors.Is(err, test.want) || !errors.Is(err, test.errno) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v became %v", test.errno, err)
		}
	}
}

func TestAckErrors(t *testing.T) {
	ack := func(code int32) []byte {
		return append([]byte(nil), (*[4]byte)(unsafe.Pointer(&code))[:]...)
	}
	for _, test := range []struct {
		name string
		kind uint16
		data []byte
		want error
	}{
		{"success", unix.NLMSG_ERROR, ack(0), nil},
		{"locked or no privilege", unix.NLMSG_ERROR, ack(-int32(unix.EPERM)), ErrPermission},
		{"another namespace", unix.NLMSG_ERROR, ack(-int32(unix.ECONNREFUSED)), ErrPermission},
		{"a rule that is there", unix.NLMSG_ERROR, ack(-int32(unix.EEXIST)), ErrExists},
		{"a rule that is not there", unix.NLMSG_ERROR, ack(-int32(unix.ENOENT)), ErrNotFound},
		{"a rule that it does not understand", unix.NLMSG_ERROR, ack(-int32(unix.EINVAL)), unix.EINVAL},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := AckError(test.kind, test.data); !errors.Is(err, test.want) {
				t.Errorf("it became %v", err)
			}
		})
	}
	for name, err := range map[string]error{
		"another message": AckError(1300, ack(0)), "too short": AckError(unix.NLMSG_ERROR, []byte{0, 0}),
	} {
		if err == nil {
			t.Errorf("%s counts as success", name)
		}
	}
}

func TestSettingNames(t *testing.T) {
	status := Status{Enabled: 1, BacklogLimit: 2, BacklogWaitTime: 3, Failure: 4}
	for setting, want := range map[Setting]struct {
		name  string
		value uint32
	}{
		SettingEnabled: {"enabled", 1}, SettingBacklogLimit: {"backlog_limit", 2}, SettingBacklogWaitTime: {"backlog_wait_time", 3},
		SettingFailure: {"failure", 4},
	} {
		if setting.String() != want.name || setting.Of(status) != want.value {
			t.Errorf("%s is %d", setting, setting.Of(status))
		}
	}
}
