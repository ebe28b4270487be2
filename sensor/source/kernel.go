package source

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	libaudit "github.com/elastic/go-libaudit/v2"

	"tripline/auditrules/kernel"
)

// readLogGroup is the bit of the multicast group AUDIT_NLGRP_READLOG
// (linux/audit.h, Linux 3.16).
const readLogGroup = 1 << (libaudit.NetlinkGroupReadLog - 1)

// claimTimeout bounds the wait for the kernel's answer to a claim or release of
// the audit socket.
const claimTimeout = 5 * time.Second

// HeldError says that another process receives audit records by unicast.
type HeldError struct {
	// PID and Name are that process's; Name is empty where it cannot be read.
	PID  uint32
	Name string
}

// Error names the holder and what can be done.
func (e *HeldError) Error() string {
	return "the kernel's audit socket is held by " + e.Who() +
		`; set source = "auto" or "multicast" in [kernel] to listen beside it, or stop it first`
}

// Who names the holder; "another process" where there is none to name.
func (e *HeldError) Who() string {
	switch {
	case e == nil:
		return "another process"
	case e.Name == "":
		return fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("process %d (%s)", e.PID, e.Name)
}

// Control is what a kernel source needs of audit's control side;
// *kernel.Client is the real one.
type Control interface {
	Status() (kernel.Status, error)
	Set(setting kernel.Setting, value uint32) error
}

// KernelOptions say how to open a kernel source.
type KernelOptions struct {
	Mode Mode
	// ReceiveBuffer is the size in bytes to ask for.
	ReceiveBuffer int
	// BacklogLimit is how many records the kernel shall queue at least; 0
	// leaves its setting alone.
	BacklogLimit uint32
	// Control reads and changes audit settings.
	Control Control
	// Guard is the program, with its first arguments, that runs a Guard over this
	// process where audited processes might have to wait for it; none when empty.
	Guard []string
	// Waits treats this kernel as one on which they have to wait. It is for tests
	// on a kernel on which they have not.
	Waits bool
	// Notify is told in a sentence what a person should know.
	Notify func(string)
}

// Kernel is a Source on the kernel's audit netlink.
type Kernel struct {
	socket   *socket
	control  Control
	mode     Mode
	owner    bool
	settings settings
	holder   *HeldError
	guard    *guardProcess // nil where nobody waits for this process
	early    []Message
}

var _ Live = (*Kernel)(nil)

// OpenKernel starts to receive audit records. In unicast mode it becomes the
// owner of the audit socket, never taking it from a live process, and adjusts
// the settings that keep the host from waiting; in multicast beside a daemon it
// changes nothing. Close puts everything back.
func OpenKernel(options KernelOptions) (*Kernel, error) {
	status, err := options.Control.Status()
	if err != nil {
		return nil, err
	}
	holder := liveHolder(status)
	k := &Kernel{control: options.Control, holder: holder, settings: settings{control: options.Control}}
	switch options.Mode {
	case Unicast:
		if holder != nil {
			return nil, holder
		}
		err = k.openUnicast(options)
	case Multicast:
		err = k.openMulticast(options)
	default:
		err = k.openAuto(options)
	}
	if err != nil {
		return nil, err
	}
	if err := k.adjust(status, options); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	if k.owner && (options.Waits || waits(status, kernelRelease())) {
		if err := k.startGuard(status, options); err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	return k, nil
}

// startGuard starts a guard, if there is a program for it.
func (k *Kernel) startGuard(status kernel.Status, options KernelOptions) (err error) {
	if len(options.Guard) == 0 {
		return nil
	}
	if status.BacklogLimit == 0 || status.Locked() {
		// Nothing waits where the backlog has no limit, and little can be had
		// where it cannot be changed.
		return nil
	}
	k.guard, err = startGuard(options.Guard, options.Notify)
	if err == nil {
		options.Notify("this kernel makes audited processes wait for a sensor that does not keep up: " +
			"a guard process kills the sensor where that happens")
	}
	return err
}

// openAuto tries unicast where nobody holds the socket, and multicast where
// somebody does, also when they took it at the last moment.
func (k *Kernel) openAuto(options KernelOptions) error {
	if k.holder != nil {
		return k.openMulticast(options)
	}
	err := k.openUnicast(options)
	if !errors.Is(err, kernel.ErrExists) {
		return err
	}
	status, statusErr := k.control.Status()
	if statusErr != nil {
		return errors.Join(err, statusErr)
	}
	k.holder = &HeldError{PID: status.PID}
	return k.openMulticast(options)
}

func (k *Kernel) openUnicast(options KernelOptions) error {
	s, err := openSocket(0, max(options.ReceiveBuffer, int(options.BacklogLimit)*recordMemory/2))
	if err != nil {
		return err
	}
	k.socket, k.mode = s, Unicast
	if err := s.batch.FromKernel(s.fd); err != nil {
		return errors.Join(err, s.close())
	}
	if err := k.claim(uint32(os.Getpid())); err != nil {
		return errors.Join(fmt.Errorf("claiming the kernel's audit socket: %w", err), s.close())
	}
	k.owner = true
	return nil
}

func (k *Kernel) openMulticast(options KernelOptions) error {
	s, err := openSocket(readLogGroup, options.ReceiveBuffer)
	if err != nil {
		return fmt.Errorf("%w; multicast needs Linux 3.16 and CAP_AUDIT_READ", err)
	}
	k.socket, k.mode = s, Multicast
	return nil
}

// claim registers pid as the receiver, or none with 0. The request must come
// from the receiving socket: the kernel sends to the port that asked. Records
// that arrive before the answer are kept for the first Receive.
func (k *Kernel) claim(pid uint32) error {
	status := kernel.EncodeStatus(libaudit.AuditStatus{Mask: libaudit.AuditStatusPID, PID: pid})
	return k.request(libaudit.AuditSet, status, claimTimeout, nil)
}

// request sends a request from the receiving socket and waits for the answer.
// With arrived it also waits until that is true of a record. Records that arrive
// meanwhile are kept for the first Receive.
func (k *Kernel) request(kind uint16, data []byte, patience time.Duration, arrived func(Message) bool) error {
	const requestSequence = 1
	answered, answer := false, error(nil)
	k.socket.acknowledge = func(kind uint16, sequence uint32, data []byte) {
		if sequence == requestSequence {
			answered, answer = true, kernel.AckError(kind, data)
			if arrived != nil && errors.Is(answer, kernel.ErrNotFound) {
				answer = nil // the rule is one that nobody has
			}
		}
	}
	defer func() { k.socket.acknowledge = nil }()
	if err := k.socket.send(kind, requestSequence, data); err != nil {
		return err
	}
	awaited := arrived != nil
	for deadline := time.Now().Add(patience); !answered || awaited && answer == nil; {
		left := time.Until(deadline)
		if left <= 0 {
			return kernel.ErrNoAnswer
		}
		messages, err := k.socket.receive(min(left, time.Millisecond))
		if err != nil {
			return err
		}
		for _, m := range messages {
			if awaited && arrived(m) {
				awaited = false
				continue
			}
			m.Data = append([]byte(nil), m.Data...)
			k.early = append(k.early, m)
		}
	}
	return answer
}

// What the kernel does when it loses a record (AUDIT_FAIL_* in linux/audit.h).
const (
	failureLog   = 1
	failurePanic = 2
)

// adjust sets what a sole receiver must: auditing on, room for bursts, no audited
// process waiting for the receiver (or, where that cannot be, as late as can be),
// and no panic when it is too slow. The settings of a daemon beside us are its
// own, and locked settings cannot be changed.
func (k *Kernel) adjust(status kernel.Status, options KernelOptions) error {
	if status.Locked() || k.holder != nil {
		return nil
	}
	if k.owner {
		if status.Failure == failurePanic {
			if err := k.settings.change(kernel.SettingFailure, status, failureLog); err != nil {
				return err
			}
		}
		if options.Waits || waits(status, kernelRelease()) {
			options.BacklogLimit = max(options.BacklogLimit, waitingBacklog)
			if status.RateLimit == 0 {
				if err := k.settings.change(kernel.SettingRateLimit, status, waitingRate); err != nil {
					return err
				}
			}
		}
		if status.Features&kernel.FeatureBacklogWaitTime != 0 && !options.Waits {
			if err := k.settings.change(kernel.SettingBacklogWaitTime, status, 0); err != nil {
				return err
			}
		}
		if status.BacklogLimit != 0 && status.BacklogLimit < options.BacklogLimit {
			if err := k.settings.change(kernel.SettingBacklogLimit, status, options.BacklogLimit); err != nil {
				return err
			}
		}
	}
	return k.settings.change(kernel.SettingEnabled, status, 1)
}

// Mode says how records arrive.
func (k *Kernel) Mode() Mode { return k.mode }

// Holder is the process that receives by unicast beside this source, nil when
// there is none.
func (k *Kernel) Holder() *HeldError { return k.holder }

// Changes lists the settings that were changed, in order.
func (k *Kernel) Changes() []Change { return k.settings.changes }

// recordMemory is what the kernel charges to a receive buffer for one record at
// most (the truesize of a buffer of AUDIT_BUFSIZ bytes). It doubles the size that
// a buffer is asked to have, socket(7).
const recordMemory = 2304

// ReceiveRoom is how many records the receive buffer holds at least, 0 where that
// cannot be read.
func (k *Kernel) ReceiveRoom() int {
	size, err := k.ReceiveBuffer()
	if err != nil {
		return 0
	}
	return size / recordMemory
}

// ReceiveBuffer is the receive buffer's size in bytes as the kernel accounts it.
func (k *Kernel) ReceiveBuffer() (int, error) { return k.socket.receiveBufferSize() }

// Receive implements Source.
func (k *Kernel) Receive(wait time.Duration) ([]Message, error) {
	if len(k.early) > 0 {
		early := k.early
		k.early = nil
		return early, nil
	}
	return k.socket.receive(wait)
}

// Reclaim registers this process with the kernel again, after it was
// unregistered. It never takes the socket from a live process. Only the goroutine
// that receives may call it.
func (k *Kernel) Reclaim() error {
	if !k.owner {
		return nil
	}
	status, err := k.control.Status()
	if err != nil {
		return err
	}
	if holder := liveHolder(status); holder != nil {
		return holder
	}
	return k.claim(uint32(os.Getpid()))
}

// Interrupt implements Source.
func (k *Kernel) Interrupt() { k.socket.waker.interrupt() }

// Wake makes the current or the next Receive return at once, with no messages if
// there are none. It may be called from any goroutine.
func (k *Kernel) Wake() { k.socket.waker.wake() }

// Stats implements Source.
func (k *Kernel) Stats() Stats { return k.socket.count.stats() }

// Close puts back the settings that were changed and gives up the audit socket
// if this process still owns it.
func (k *Kernel) Close() error {
	failures := []error{k.settings.restore()}
	if k.guard != nil {
		failures = append(failures, k.guard.close())
	}
	if k.owner {
		failures = append(failures, k.release())
	}
	failures = append(failures, k.socket.close())
	return errors.Join(failures...)
}

// release unregisters this process. It asks first who the owner is: Linux 3.13
// lets anyone unregister anyone.
func (k *Kernel) release() error {
	k.owner = false
	status, err := k.control.Status()
	if err != nil {
		return err
	}
	if status.PID != uint32(os.Getpid()) {
		return nil
	}
	k.socket.waker.interrupted.Store(false)
	if err := k.claim(0); err != nil {
		return fmt.Errorf("giving up the kernel's audit socket: %w", err)
	}
	return nil
}

// liveHolder finds the process that receives by unicast, nil when there is none
// or when it is gone: the kernel notices a receiver's death only at the next
// record. The pid is that of the initial namespace.
func liveHolder(status kernel.Status) *HeldError {
	if status.PID == 0 || status.PID == uint32(os.Getpid()) || !kernel.Alive(status.PID) {
		return nil
	}
	name, err := os.ReadFile("/proc/" + strconv.FormatUint(uint64(status.PID), 10) + "/comm")
	if err != nil {
		name = nil // hidden, or ended meanwhile
	}
	return &HeldError{PID: status.PID, Name: trimNewline(name)}
}

func trimNewline(text []byte) string {
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	return string(text)
}
