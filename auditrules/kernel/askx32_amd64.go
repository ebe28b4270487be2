package kernel

import "golang.org/x/sys/unix"

// x32Bit marks the system calls of x32 programs (__X32_SYSCALL_BIT in
// asm/unistd.h).
const x32Bit = 0x40000000

// askX32 makes x32's getpid(2), which does nothing, from this 64-bit program: a
// kernel that does not run x32 programs has no such call (ENOSYS).
func askX32() Support {
	if filtered() {
		return Unknown
	}
	_, _, errno := unix.RawSyscall(x32Bit|unix.SYS_GETPID, 0, 0, 0)
	switch errno {
	case 0:
		return Supported
	case unix.ENOSYS:
		return Unsupported
	}
	return Unknown
}
