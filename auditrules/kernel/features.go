package kernel

import "fmt"

// Support says whether the kernel has a feature. Unknown is an answer of its
// own: a kernel whose configuration is locked cannot be asked by trying.
type Support uint8

// The answers to whether a feature is there.
const (
	Unknown Support = iota
	Unsupported
	Supported
)

// String is "unknown", "no" or "yes".
func (s Support) String() string {
	switch s {
	case Supported:
		return "yes"
	case Unsupported:
		return "no"
	}
	return "unknown"
}

// Features describes what this kernel's audit can do. Each was found by asking
// the kernel, never by its version: distributions carry features back.
type Features struct {
	// Release and Machine are those of uname(2), for messages alone.
	Release, Machine string
	// StatusSize is the length in bytes of the kernel's struct audit_status.
	StatusSize int
	// BacklogWaitTime says that the time for which an audited process waits for
	// room in the backlog can be set (upstream Linux 3.14).
	BacklogWaitTime Support
	// LostReset says that the counter of lost records can be reset (4.10).
	LostReset Support
	// Multicast says that records can be received beside the audit daemon
	// (AUDIT_NLGRP_READLOG, 3.16).
	Multicast Support
	// SaddrFamily says that exit rules can select by the address family of a
	// connect (the field saddr_fam, 5.3).
	SaddrFamily Support
	// Executable says that rules can select by program (the field exe, 4.3).
	Executable Support
	// SessionID says that rules can select by login session (4.10).
	SessionID Support
	// IOUring says that processes can use io_uring here (5.1, unless built
	// without or switched off with the sysctl kernel.io_uring_disabled).
	IOUring Support
	// IOUringFilter says that io_uring operations can be audited (the filter
	// list io_uring, 5.16).
	IOUringFilter Support
	// X32 says that the kernel runs x32 programs, whose connects no audit rule
	// sees.
	X32 Support
}

// FeatureError says that the kernel lacks a feature.
type FeatureError struct {
	// Feature names it in a user's words.
	Feature string
	// Since is the first upstream release that has it, such as "5.16".
	Since string
	// Err is the kernel's answer, if it gave one.
	Err error
}

// Error names the feature and the first kernel that has it.
func (e *FeatureError) Error() string {
	text := fmt.Sprintf("this kernel has no %s (upstream since Linux %s)", e.Feature, e.Since)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the kernel's answer.
func (e *FeatureError) Unwrap() error { return e.Err }
