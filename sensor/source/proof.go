package source

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"tripline/auditrules/kernel"
)

const (
	// userMessage is the type of a record that a trusted program writes
	// (AUDIT_TRUSTED_APP of libaudit.h).
	userMessage = 1121
	// deleteRule is the type of a request to delete a rule (AUDIT_DEL_RULE of
	// linux/audit.h).
	deleteRule = 1012
	// deliveryTime is how long such a record may take. Only where nothing is
	// delivered it is awaited to the end.
	deliveryTime = time.Second
	// capAuditRead is CAP_AUDIT_READ of linux/capability.h, which came with
	// multicast in Linux 3.16.
	capAuditRead = 37
)

// errAuditOff says that nothing is delivered because nothing is recorded.
var errAuditOff = errors.New("auditing is switched off (auditctl -e 1 switches it on)")

// DeliveryError says that records do not arrive by multicast, although the
// socket was bound to the group: kernels before 3.16 and network namespaces other
// than the first let anybody bind and deliver nothing.
type DeliveryError struct{ Err error }

// Error says so, and why or which kernels deliver.
func (e *DeliveryError) Error() string {
	const text = "no audit record arrives by multicast"
	if e.Err != nil {
		return text + ": " + e.Err.Error()
	}
	return text + " (upstream since Linux 3.16, and in the host's own network namespace alone)"
}

// Unwrap gives the reason, nil where it is not known.
func (e *DeliveryError) Unwrap() error { return e.Err }

// prove writes one record, or without CAP_AUDIT_WRITE has the kernel write one
// about a rule that cannot be deleted, and waits until it arrives here. Records
// that arrive meanwhile are kept.
func (k *Kernel) prove() error {
	status, err := k.control.Status()
	if err != nil {
		return err
	}
	if status.Enabled == 0 {
		return &DeliveryError{Err: errAuditOff}
	}
	text := fmt.Sprintf("tripline-listens-by-multicast-%d-%d", os.Getpid(), time.Now().UnixNano())
	arrived := func(m Message) bool { return bytes.Contains(m.Data, []byte(text)) }
	err = k.request(userMessage, append([]byte("op="+text), 0), deliveryTime, arrived)
	if errors.Is(err, kernel.ErrPermission) {
		err = k.request(deleteRule, kernel.UnknownRule(text), deliveryTime, arrived)
	}
	if errors.Is(err, kernel.ErrNoAnswer) {
		return &DeliveryError{}
	}
	if err != nil {
		return &DeliveryError{Err: err}
	}
	return nil
}

// notAsked says that delivery could not be tried, which is not to say that nothing is
// delivered: nothing is recorded, or rules are locked and records may not be written.
func notAsked(unproven error) bool {
	return errors.Is(unproven, errAuditOff) || errors.Is(unproven, kernel.ErrPermission)
}

// knowsAuditRead says whether the kernel has the capability that multicast needs:
// a kernel that has it delivers, unless something else is in the way.
func knowsAuditRead() bool {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return false
	}
	last, err := strconv.Atoi(trimNewline(text))
	return err == nil && last >= capAuditRead
}
