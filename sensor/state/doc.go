// Package state remembers on disk what the sensor changes in kernel audit, before
// it is changed, so that it can be put back by another process: after SIGKILL, a
// crash or a power loss. The file lies under /run, which is empty after a boot,
// and names the boot that it belongs to.
package state
