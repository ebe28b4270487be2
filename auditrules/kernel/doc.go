// Package kernel talks to the control side of the kernel's audit system: its
// status, its settings and its rules.
//
// It uses a netlink socket of its own that never receives audit records, so
// that no record can be lost while an answer is awaited. Records are received
// by package sensor/source.
package kernel
