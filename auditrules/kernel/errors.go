package kernel

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

var (
	// ErrNoAudit says that this kernel offers no audit: it was built without,
	// or booted with audit=0.
	ErrNoAudit = errors.New("this kernel offers no audit")
	// ErrLocked says that the audit configuration is immutable until the next
	// boot (auditctl -e 2).
	ErrLocked = errors.New("the audit configuration is locked until the next boot (auditctl -e 2)")
	// ErrPermission says that the process lacks a capability or sits in a user
	// or pid namespace of its own.
	ErrPermission = errors.New("no permission to control kernel audit")
	// ErrExists says that the kernel already has that rule, or that another
	// process holds the audit socket.
	ErrExists = errors.New("already present in the kernel")
	// ErrNotFound says that the kernel has no such rule.
	ErrNotFound = errors.New("not present in the kernel")
	// ErrNoAnswer says that the kernel's answer did not arrive, so that it may or
	// may not have done what it was asked for.
	ErrNoAnswer = errors.New("the kernel did not answer")
)

// socketError turns an error of socket(2) into one of this package's.
func socketError(err error) error {
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT), errors.Is(err, unix.EAFNOSUPPORT), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("opening the audit socket: %w: it was built without CONFIG_AUDIT or booted with audit=0 (%w)", ErrNoAudit, err)
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return fmt.Errorf("opening the audit socket: %w (%w)", ErrPermission, err)
	}
	return fmt.Errorf("opening the audit socket: %w", err)
}

// answerError turns the errno of a kernel's answer into one of this package's.
func answerError(errno unix.Errno) error {
	switch errno {
	case unix.EPERM, unix.EACCES:
		return fmt.Errorf("%w (%w)", ErrPermission, errno)
	case unix.ECONNREFUSED:
		return fmt.Errorf("%w in this user or pid namespace (%w)", ErrPermission, errno)
	case unix.EEXIST:
		return fmt.Errorf("%w (%w)", ErrExists, errno)
	case unix.ENOENT:
		return fmt.Errorf("%w (%w)", ErrNotFound, errno)
	}
	return errno
}
