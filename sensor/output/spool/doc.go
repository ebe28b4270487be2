// Package spool keeps records on the disk, in order and within a bound, until
// they are delivered, over restarts and crashes.
//
// A spool is a folder with numbered segments, to which records are appended, and
// a file with the position of the first record that is not delivered. Each record
// is framed with a mark, its length and a checksum, so that a torn last write is
// noticed, and so that damage costs the damaged records and no others. The folder
// is locked: one process uses it at a time.
package spool
