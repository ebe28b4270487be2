// Package source is where raw audit records come from: the kernel's audit
// netlink, by unicast or multicast, and recorded logs.
//
// A source hands out batches of messages in buffers that it owns and reuses;
// what they mean is for package normalize.
package source
