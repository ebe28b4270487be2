package ways

import (
	"errors"
	"fmt"
	"runtime/debug"
	"unsafe"

	"golang.org/x/sys/unix"
)

// int80 makes a 32-bit system call from this 64-bit program. Pointers must be
// below 4 GiB.
func int80(number, a, b, c uintptr) uintptr

// System calls of i386 (arch/x86/entry/syscalls/syscall_32.tbl).
const (
	socketCall32 = 102 // its calls: 1 is socket, 3 is connect
	socket32     = 359
	connect32    = 362
	setsid32     = 66
)

// Int80 connects and calls setsid by int 0x80 from a 64-bit program:
// "connect" by the calls of their own, "socketcall" by the one that has all.
func Int80(way string) (err error) {
	// A kernel that runs no 32-bit programs answers int 0x80 with SIGSEGV.
	debug.SetPanicOnFault(true)
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w: this kernel takes no 32-bit calls from 64-bit programs: int 0x80 ends in a fault (%v)", ErrImpossible, reason)
		}
	}()
	page, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_32BIT)
	if err != nil {
		return err
	}
	*(*unix.RawSockaddrInet4)(unsafe.Pointer(&page[0])) = rawDiscard()
	at := uintptr(unsafe.Pointer(&page[0]))
	args := (*[3]uint32)(unsafe.Pointer(&page[64]))
	call := func(args32 [3]uint32, number, subNumber uintptr) int32 {
		if way == "socketcall" {
			*args = args32
			return int32(int80(socketCall32, subNumber, at+64, 0))
		}
		return int32(int80(number, uintptr(args32[0]), uintptr(args32[1]), uintptr(args32[2])))
	}
	fd := call([3]uint32{unix.AF_INET, unix.SOCK_STREAM, 0}, socket32, 1)
	if fd < 0 {
		return fmt.Errorf("%w: 32-bit %s: %w", ErrImpossible, way, error(unix.Errno(-fd)))
	}
	if result := call([3]uint32{uint32(fd), uint32(at), unix.SizeofSockaddrInet4}, connect32, 3); result < 0 {
		if err := ignoreRefused(unix.Errno(-result)); err != nil {
			return fmt.Errorf("connecting by int 0x80: %w", err)
		}
	}
	if result := int32(int80(setsid32, 0, 0, 0)); result < 0 {
		return fmt.Errorf("setsid by int 0x80: %w", unix.Errno(-result))
	}
	return nil
}

// x32 marks a system call number as one of the x32 ABI (__X32_SYSCALL_BIT).
const x32 = 0x40000000

// X32 connects and calls setsid by x32 system calls.
func X32() error {
	fd, _, errno := unix.Syscall(x32|unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0)
	if errors.Is(errno, unix.ENOSYS) {
		return fmt.Errorf("%w: x32: %w", ErrImpossible, error(errno))
	}
	if errno != 0 {
		return fmt.Errorf("making a socket by x32: %w", errno)
	}
	to := rawDiscard()
	_, _, errno = unix.Syscall(x32|unix.SYS_CONNECT, fd, uintptr(unsafe.Pointer(&to)), unix.SizeofSockaddrInet4)
	if err := ignoreRefused(errno); err != nil {
		return fmt.Errorf("connecting by x32: %w", err)
	}
	if _, _, errno = unix.Syscall(x32|unix.SYS_SETSID, 0, 0, 0); errno != 0 {
		return fmt.Errorf("setsid by x32: %w", errno)
	}
	return nil
}
