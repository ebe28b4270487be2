package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// fakeKernel answers as a kernel does.
type fakeKernel struct {
	bitmap    uint32
	size      int
	statusErr error
	enabled   uint32
	fields    []uint32 // the fields and
	lists     []uint32 // the lists that its rules understand
	groups    Support  // whether it multicasts
	tried     int
	joined    int
}

func (k *fakeKernel) status() (Status, int, error) {
	return Status{Enabled: k.enabled, Features: k.bitmap}, k.size, k.statusErr
}

// deleteRule decodes as audit_data_to_entry in kernel/auditfilter.c does.
func (k *fakeKernel) deleteRule(rule []byte) error {
	k.tried++
	word := func(offset int) uint32 { return binary.NativeEndian.Uint32(rule[offset:]) }
	if k.enabled == 2 {
		return answerError(unix.EPERM)
	}
	if !slices.Contains(k.lists, word(0)) || word(4) != actionAlways {
		return unix.EINVAL
	}
	text := rule[ruleHeaderSize : ruleHeaderSize+int(word(ruleTextLength))]
	for i := range int(word(ruleCountOffset)) {
		field, value := word(ruleFields+4*i), int(word(ruleValues+4*i))
		if !slices.Contains(k.fields, field) {
			return unix.EINVAL
		}
		if field == fieldKey || field == fieldExecutable {
			if value > len(text) || bytes.IndexByte(text[:value], 0) >= 0 {
				return unix.EINVAL
			}
			text = text[value:]
		}
	}
	return answerError(unix.ENOENT)
}

func (k *fakeKernel) multicast() Support {
	k.joined++
	return k.groups
}
func (*fakeKernel) ioUring() Support              { return Supported }
func (*fakeKernel) x32() Support                  { return Unsupported }
func (*fakeKernel) receiveBuffer() (Support, int) { return Supported, 2 * probeBuffer }

// TestLearnKernels learns what the kernels of the field can do: the values are
// those that were measured on each.
func TestLearnKernels(t *testing.T) {
	plain := []uint32{fieldPID, fieldKey}
	for _, test := range []struct {
		name   string
		kernel fakeKernel
		want   Features
	}{
		{"2.6.32 of RHEL 6", fakeKernel{size: 32, bitmap: 0xffffffff, enabled: 1, fields: plain, lists: []uint32{listExit}, groups: Unsupported}, Features{
			StatusSize: 32, BacklogWaitTime: Unsupported, LostReset: Unsupported, Multicast: Unsupported,
			SaddrFamily: Unsupported, Executable: Unsupported, SessionID: Unsupported, IOUringFilter: Unsupported,
		}},
		{"3.10.0-1160 of RHEL 7", fakeKernel{size: 36, bitmap: 0x15, enabled: 1, fields: plain, lists: []uint32{listExit}, groups: Unsupported}, Features{
			StatusSize: 36, BacklogWaitTime: Unsupported, LostReset: Unsupported, Multicast: Unsupported,
			SaddrFamily: Unsupported, Executable: Supported, SessionID: Supported, IOUringFilter: Unsupported,
		}},
		{"3.16 has a version in place of the bitmap", fakeKernel{size: 40, bitmap: 2, enabled: 1, fields: plain, lists: []uint32{listExit}, groups: Supported}, Features{
			StatusSize: 40, BacklogWaitTime: Supported, LostReset: Unsupported, Multicast: Supported,
			SaddrFamily: Unsupported, Executable: Unsupported, SessionID: Unsupported, IOUringFilter: Unsupported,
		}},
		{"4.18.0 of RHEL 8 has saddr_fam carried back", fakeKernel{
			size: 40, bitmap: 0x7f, fields: append([]uint32{fieldExecutable, fieldSessionID, fieldSaddrFamily}, plain...), lists: []uint32{listExit}, groups: Supported,
		}, Features{
			StatusSize: 40, BacklogWaitTime: Supported, LostReset: Supported, Multicast: Supported,
			SaddrFamily: Supported, Executable: Supported, SessionID: Supported, IOUringFilter: Unsupported,
		}},
		{"a field without its bit", fakeKernel{
			size: 40, bitmap: 0x03, enabled: 1, fields: append([]uint32{fieldExecutable, fieldSessionID}, plain...), lists: []uint32{listExit}, groups: Supported,
		}, Features{
			StatusSize: 40, BacklogWaitTime: Supported, LostReset: Unsupported, Multicast: Supported,
			SaddrFamily: Unsupported, Executable: Supported, SessionID: Supported, IOUringFilter: Unsupported,
		}},
		{"6.12", fakeKernel{
			size: 44, bitmap: 0x7f, enabled: 1, fields: append([]uint32{fieldExecutable, fieldSessionID, fieldSaddrFamily}, plain...), lists: []uint32{listExit, listURingExit}, groups: Supported,
		}, Features{
			StatusSize: 44, BacklogWaitTime: Supported, LostReset: Supported, Multicast: Supported,
			SaddrFamily: Supported, Executable: Supported, SessionID: Supported, IOUringFilter: Supported,
		}},
		{"6.12, locked", fakeKernel{size: 44, bitmap: 0x7f, enabled: 2, groups: Supported}, Features{
			StatusSize: 44, BacklogWaitTime: Supported, LostReset: Supported, Multicast: Supported,
			SaddrFamily: Unknown, Executable: Supported, SessionID: Supported, IOUringFilter: Unknown,
		}},
		{"no privilege", fakeKernel{statusErr: ErrPermission}, Features{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.IOUring, test.want.X32 = Supported, Unsupported
			test.want.ForceReceiveBuffer, test.want.ReceiveBuffer = Supported, 2*probeBuffer
			var got Features
			got.learn(&test.kernel)
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if test.kernel.enabled == 2 && test.kernel.tried > 0 {
				t.Error("a locked kernel was tried, which it records")
			}
		})
	}
}

// TestLearnOnce asks again only for what was not certain.
func TestLearnOnce(t *testing.T) {
	kernel := &fakeKernel{size: 44, bitmap: 0x7f, enabled: 2, groups: Supported}
	var features Features
	features.learn(kernel)
	kernel.enabled = 1
	kernel.fields = []uint32{fieldPID, fieldKey, fieldSaddrFamily}
	kernel.lists = []uint32{listExit}
	features.learn(kernel)
	features.learn(kernel)
	if features.SaddrFamily != Supported || features.IOUringFilter != Unsupported {
		t.Errorf("after unlocking: %+v", features)
	}
	if kernel.tried != 2 || kernel.joined != 1 {
		t.Errorf("%d rules and %d times multicast were tried", kernel.tried, kernel.joined)
	}
}

func TestUnderstands(t *testing.T) {
	for _, test := range []struct {
		answer error
		want   Support
	}{
		{answerError(unix.ENOENT), Supported},
		{nil, Supported},
		{unix.EINVAL, Unsupported},
		{answerError(unix.EPERM), Unknown},
		{ErrNoAnswer, Unknown},
	} {
		if got := understands(test.answer); got != test.want {
			t.Errorf("%v means %v", test.answer, got)
		}
	}
}

func TestNeed(t *testing.T) {
	for _, feature := range AllFeatures() {
		if err := (Features{}).Need(feature); err != nil {
			t.Errorf("an unknown feature is no error, but %v", err)
		}
		if feature.Since() == "?" {
			t.Errorf("feature %d has no description", feature)
		}
	}
	var missing *FeatureError
	err := Features{IOUringFilter: Unsupported}.Need(FeatureIOUringFilter)
	if !errors.As(err, &missing) || missing.Since != "5.16" || err.Error() != "this kernel has no rules on io_uring operations (upstream since Linux 5.16)" {
		t.Errorf("the error is %v", err)
	}
}
