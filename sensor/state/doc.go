// Package state remembers in a file what the sensor changes in kernel audit, before
// it is changed, so that it can be put back by another process after SIGKILL or a
// crash. The file lies under /run, which is empty after a boot on most hosts, and names
// the boot that it belongs to: after another one there is nothing to be put back.
package state
