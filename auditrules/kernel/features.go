package kernel

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

// MarshalText is String.
func (s Support) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Features describes what this kernel's audit can do. Each was found by asking
// the kernel, never by its version: distributions carry features back.
type Features struct {
	// Release and Machine are those of uname(2), for messages alone.
	Release, Machine string
	// StatusSize is the length in bytes of the kernel's struct audit_status, 0
	// where the status may not be read.
	StatusSize int
	// BacklogWaitTime says that the time for which an audited process waits for
	// room in the backlog can be set (upstream Linux 3.14).
	BacklogWaitTime Support
	// LostReset says that the counter of lost records can be reset (4.10).
	LostReset Support
	// Multicast says that records can be received beside the audit daemon
	// (AUDIT_NLGRP_READLOG, 3.16).
	Multicast Support
	// MulticastDelivered says whether a record was really received by multicast:
	// to a network namespace of its own nothing is delivered. It is Unknown until
	// Client.ProveMulticast was called.
	MulticastDelivered Support
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
	// ForceReceiveBuffer says that a socket's receive buffer can be made larger
	// than net.core.rmem_max (SO_RCVBUFFORCE, which needs CAP_NET_ADMIN).
	ForceReceiveBuffer Support
	// ReceiveBuffer is the receive buffer, in bytes as the kernel accounts them,
	// that a socket gets at most, or that it got when 64 MiB were asked for.
	ReceiveBuffer int
}

// Feature names one of the features, for messages and for lists of all.
type Feature uint8

// The features in the order in which they are listed.
const (
	FeatureMulticast Feature = iota
	FeatureWaitTime
	FeatureLostReset
	FeatureSaddrFamily
	FeatureExecutable
	FeatureSessionID
	FeatureIOUringFilter
	featureCount
)

// AllFeatures lists the features that a kernel has or lacks.
func AllFeatures() []Feature {
	all := make([]Feature, featureCount)
	for i := range all {
		all[i] = Feature(i)
	}
	return all
}

// String names the feature in a user's words.
func (f Feature) String() string {
	name, _ := f.describe()
	return name
}

// Since is the first upstream release of Linux that has the feature.
func (f Feature) Since() string {
	_, since := f.describe()
	return since
}

// describe gives a feature's name and first release, as linux/audit.h and its
// history have them.
func (f Feature) describe() (name, since string) {
	switch f {
	case FeatureMulticast:
		return "multicast of audit records", "3.16"
	case FeatureWaitTime:
		return "settable backlog wait time", "3.14"
	case FeatureLostReset:
		return "resettable counter of lost records", "4.10"
	case FeatureSaddrFamily:
		return "rules by address family (saddr_fam)", "5.3"
	case FeatureExecutable:
		return "rules by program (exe)", "4.3"
	case FeatureSessionID:
		return "rules by login session (sessionid)", "4.10"
	case FeatureIOUringFilter:
		return "rules on io_uring operations", "5.16"
	}
	return "unknown feature", "?"
}

// Has says whether this kernel has a feature.
func (f Features) Has(feature Feature) Support {
	switch feature {
	case FeatureMulticast:
		return f.Multicast
	case FeatureWaitTime:
		return f.BacklogWaitTime
	case FeatureLostReset:
		return f.LostReset
	case FeatureSaddrFamily:
		return f.SaddrFamily
	case FeatureExecutable:
		return f.Executable
	case FeatureSessionID:
		return f.SessionID
	case FeatureIOUringFilter:
		return f.IOUringFilter
	}
	return Unknown
}

// Need returns a *FeatureError where the kernel is known to lack a feature.
func (f Features) Need(feature Feature) error {
	if f.Has(feature) == Unsupported {
		return newFeatureError(feature, nil)
	}
	return nil
}
