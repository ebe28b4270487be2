package main

import "syscall"

// shortProcess starts a process that does what kind says with one connect, one
// setsid or both, ends, and leaves its exit status to be awaited. pid is negative
// where there is none.
//
//go:noescape
func shortProcess(kind uintptr, address *syscall.RawSockaddrInet4) (pid int)
