package auditrules

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// abi is one system-call interface of a machine, as a kernel audit rule selects
// it with its arch field.
type abi struct {
	// arch is the interface's AUDIT_ARCH_* of linux/audit.h.
	arch uint32
	// short is what auditctl calls it on this machine, b64 or b32.
	short string
	// calls has the numbers of the system calls that plans use, from the
	// architecture's asm/unistd.h. Only an interface that has the multiplexed
	// socketcall(2) beside the direct system calls lists it.
	calls map[string]uint32
}

// bits says in words which programs use the interface.
func (a abi) bits() string {
	if a.short == "b32" {
		return "32-bit"
	}
	return "64-bit"
}

// abisOf lists every interface through which a process on the machine can make
// system calls that the kernel's audit can tell apart. The machine is what
// uname(2) reports, so that a 32-bit program on a 64-bit kernel covers the 64-bit
// interface too.
func abisOf(machine string) ([]abi, error) {
	switch machine {
	case "x86_64", "amd64":
		return []abi{{unix.AUDIT_ARCH_X86_64, "b64", callsX8664()}, {unix.AUDIT_ARCH_I386, "b32", callsI386()}}, nil
	case "i386", "i486", "i586", "i686", "386":
		return []abi{{unix.AUDIT_ARCH_I386, "b32", callsI386()}}, nil
	case "aarch64", "arm64":
		return []abi{{unix.AUDIT_ARCH_AARCH64, "b64", callsAArch64()}, {unix.AUDIT_ARCH_ARM, "b32", callsARM()}}, nil
	case "arm", "armv5tel", "armv6l", "armv7l", "armv8l":
		return []abi{{unix.AUDIT_ARCH_ARM, "b32", callsARM()}}, nil
	case "ppc64le":
		return []abi{{unix.AUDIT_ARCH_PPC64LE, "b64", callsPPC64()}}, nil
	case "s390x":
		return []abi{{unix.AUDIT_ARCH_S390X, "b64", callsS390()}, {unix.AUDIT_ARCH_S390, "b32", callsS390()}}, nil
	}
	return nil, fmt.Errorf("kernel audit rules for machine %q are not known to this version; it knows x86_64, i386 to i686, aarch64, arm, ppc64le and s390x", machine)
}

func callsX8664() map[string]uint32 {
	return map[string]uint32{
		"socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "sendmmsg": 307, "setsid": 112,
		"execve": 59, "execveat": 322, "exit_group": 231, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}

func callsI386() map[string]uint32 {
	return map[string]uint32{
		"socket": 359, "connect": 362, "sendto": 369, "sendmsg": 370, "sendmmsg": 345, "setsid": 66, "socketcall": 102,
		"execve": 11, "execveat": 358, "exit_group": 252, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}

func callsAArch64() map[string]uint32 {
	return map[string]uint32{
		"socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "sendmmsg": 269, "setsid": 157,
		"execve": 221, "execveat": 281, "exit_group": 94, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}

func callsARM() map[string]uint32 {
	return map[string]uint32{
		"socket": 281, "connect": 283, "sendto": 290, "sendmsg": 296, "sendmmsg": 374, "setsid": 66,
		"execve": 11, "execveat": 387, "exit_group": 248, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}

func callsPPC64() map[string]uint32 {
	return map[string]uint32{
		"socket": 326, "connect": 328, "sendto": 335, "sendmsg": 341, "sendmmsg": 349, "setsid": 66, "socketcall": 102,
		"execve": 11, "execveat": 362, "exit_group": 234, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}

// callsS390 are the calls of s390x and of its 31-bit interface, which number
// these alike.
func callsS390() map[string]uint32 {
	return map[string]uint32{
		"socket": 359, "connect": 362, "sendto": 369, "sendmsg": 370, "sendmmsg": 358, "setsid": 66, "socketcall": 102,
		"execve": 11, "execveat": 354, "exit_group": 248, "io_uring_setup": 425, "io_uring_enter": 426,
	}
}
