// Package output is where alerts and events go: files, the standard output and,
// through a spool on disk, remote receivers. The receivers themselves are in
// syslog and elastic, the spool is in spool.
//
// Every output runs on its own queue, so that none can slow the sensor or
// another output, and counts what it wrote and what it had to give up.
package output
