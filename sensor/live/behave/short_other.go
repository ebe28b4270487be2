//go:build !amd64

package main

import "syscall"

// shortProcess is not written for this architecture.
func shortProcess(uintptr, *syscall.RawSockaddrInet4) (pid int) { return -int(syscall.ENOSYS) }
