// Package doctor examines whether a host can be watched, and what would be
// missed: one check for each thing that is known to make audit sensors blind,
// deaf or a burden, with what it means on this host and the one command that
// mends it.
//
// It reads the host's files through an fs.FS and asks the kernel through the
// interface Kernel, and changes nothing.
package doctor
