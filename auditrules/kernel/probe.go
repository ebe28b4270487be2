package kernel

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// The feature bitmap of struct audit_status (AUDIT_FEATURE_BITMAP_* in
// linux/audit.h). Linux 3.14 to 3.18 have there a version number, 2, which is
// the bit of the one feature that they have.
const (
	bitExecutable = 0x04
	bitSessionID  = 0x10
	bitLostReset  = 0x20
)

// asker is what the features are found by. Every method asks the running system
// and none leaves a change behind.
type asker interface {
	// status is the audit status and the length of the kernel's struct.
	status() (Status, int, error)
	// deleteRule asks to delete a rule that nobody has.
	deleteRule(rule []byte) error
	// multicast asks whether records are multicast.
	multicast() Support
	// ioUring and x32 ask whether programs can use these.
	ioUring() Support
	x32() Support
	// receiveBuffer asks for a large receive buffer.
	receiveBuffer() (forced Support, size int)
}

// Features finds out what the kernel's audit can do. It adds no rule and
// changes no setting. Where auditing is enabled the kernel may record a failed
// removal of a rule (type CONFIG_CHANGE, key "tripline-trial") for each of up to
// four fields that its feature bitmap does not tell of. What cannot be asked,
// without privilege or where the configuration is locked, is Unknown. Answers
// that are certain are asked for once in a Client's life.
func (c *Client) Features() Features {
	c.probing.Lock()
	defer c.probing.Unlock()
	if c.features.Release == "" {
		c.features.Release, c.features.Machine = names()
	}
	c.features.learn(liveAsker{c})
	return c.features
}

// learn asks for what is not yet certain.
func (f *Features) learn(kernel asker) {
	status, size, err := kernel.status()
	mayTry := false
	if err == nil {
		f.StatusSize = size
		f.readBitmap(status, size)
		mayTry = !status.Locked()
	}
	if mayTry {
		for _, trial := range []struct {
			answer *Support
			rule   func() []byte
		}{
			{&f.SaddrFamily, trialSaddrFamily},
			{&f.Executable, trialExecutable},
			{&f.SessionID, trialSessionID},
			{&f.IOUringFilter, trialIOUring},
		} {
			if *trial.answer == Unknown {
				*trial.answer = understands(kernel.deleteRule(trial.rule()))
			}
		}
	}
	if f.Multicast == Unknown {
		f.Multicast = kernel.multicast()
	}
	if f.IOUring == Unknown {
		f.IOUring = kernel.ioUring()
	}
	if f.X32 == Unknown {
		f.X32 = kernel.x32()
	}
	if f.ForceReceiveBuffer != Supported {
		f.ForceReceiveBuffer, f.ReceiveBuffer = kernel.receiveBuffer()
	}
}

// readBitmap takes from the status what it tells. A set bit is certain. A bit
// that is missing is certain for the settings alone: fields of rules were
// carried back by distributions, and are asked for by trying.
func (f *Features) readBitmap(status Status, size int) {
	var bitmap uint32
	if size >= sizeWithBitmap {
		bitmap = status.Features
	}
	bit := func(mask uint32) bool { return bitmap&mask != 0 }
	if f.BacklogWaitTime == Unknown {
		f.BacklogWaitTime = supportIf(bit(FeatureBacklogWaitTime) && size >= sizeWithWaitTime)
	}
	if f.LostReset == Unknown {
		f.LostReset = supportIf(bit(bitLostReset))
	}
	if f.Executable == Unknown && bit(bitExecutable) {
		f.Executable = Supported
	}
	if f.SessionID == Unknown && bit(bitSessionID) {
		f.SessionID = Supported
	}
}

func supportIf(there bool) Support {
	if there {
		return Supported
	}
	return Unsupported
}

// names are the release and the machine of uname(2); empty where it fails, which
// it has no reason to.
func names() (release, machine string) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", ""
	}
	text := func(field []byte) string {
		before, _, _ := bytes.Cut(field, []byte{0})
		return string(before)
	}
	return text(name.Release[:]), text(name.Machine[:])
}

// UnauditedFeatures are those that can be asked for where audit is not there or
// may not be used.
func UnauditedFeatures() Features {
	var f Features
	f.Release, f.Machine = names()
	f.IOUring, f.X32 = liveAsker{}.ioUring(), askX32()
	return f
}

// liveAsker asks the running kernel.
type liveAsker struct{ client *Client }

func (a liveAsker) status() (Status, int, error) { return a.client.readStatus() }
func (a liveAsker) deleteRule(rule []byte) error { return a.client.DeleteRule(rule) }
func (liveAsker) multicast() Support             { return bindsUnasked() }
func (liveAsker) ioUring() Support               { return askIOUring("/proc/sys/kernel/io_uring_disabled") }
func (liveAsker) x32() Support                   { return askX32() }
