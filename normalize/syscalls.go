package normalize

import "strings"

// call is what a system call is to the normalizer, the same on every
// architecture.
type call uint8

const (
	callOther call = iota
	callConnect
	callSocket
	callSocketcall // i386, s390, ppc: the first argument says which call
	callSendto
	callSendmsg
	callSendmmsg
	callSetsid
	callExec
	callUringEnter
	callExit
	callNetwork // any other call on a socket
	callFile
)

// Numbers of the arch field, from linux/audit.h.
const (
	archX8664   = 0xc000003e
	archI386    = 0x40000003
	archAArch64 = 0xc00000b7
	archARM     = 0x40000028
	archPPC64LE = 0xc0000015
	archPPC64   = 0x80000015
	archPPC     = 0x00000014
	archS390X   = 0x80000016
	archS390    = 0x00000016
	archRISCV64 = 0xc00000f3
	archLoong64 = 0xc0000102
)

// x32Bit marks the system calls of the x32 ABI, which has x86_64's arch.
const x32Bit = 0x40000000

// uringConnect is IORING_OP_CONNECT of linux/io_uring.h.
const uringConnect = 16

// abi is the system-call table of an architecture.
type abi struct {
	name  string
	names []string
	calls []call
}

// The tables by architecture. 32-bit ppc and s390 number their calls like their
// 64-bit relatives as far as the calls in question go.
//
//nolint:gochecknoglobals // tables that nothing changes
var (
	abiX8664   = newABI("x86_64", callsX8664)
	abiI386    = newABI("i386", callsI386)
	abiAArch64 = newABI("aarch64", callsGeneric)
	abiARM     = newABI("arm", callsARM)
	abiPPC64LE = newABI("ppc64le", callsPPC64)
	abiPPC64   = newABI("ppc64", callsPPC64)
	abiPPC     = newABI("ppc", callsPPC64)
	abiS390X   = newABI("s390x", callsS390X)
	abiS390    = newABI("s390", callsS390X)
	abiRISCV64 = newABI("riscv64", callsGeneric)
	abiLoong64 = newABI("loongarch64", callsGeneric)
	uringOps   = strings.Fields(uringOpNames)
)

func newABI(name, calls string) *abi {
	table := &abi{name: name, names: strings.Fields(calls)}
	table.calls = make([]call, len(table.names))
	for number, one := range table.names {
		table.calls[number] = classify(one)
	}
	return table
}

// abiOf finds the table of an arch field, nil when there is none.
func abiOf(arch uint32) *abi {
	switch arch {
	case archX8664:
		return abiX8664
	case archI386:
		return abiI386
	case archAArch64:
		return abiAArch64
	case archARM:
		return abiARM
	case archPPC64LE:
		return abiPPC64LE
	case archPPC64:
		return abiPPC64
	case archPPC:
		return abiPPC
	case archS390X:
		return abiS390X
	case archS390:
		return abiS390
	case archRISCV64:
		return abiRISCV64
	case archLoong64:
		return abiLoong64
	}
	return nil
}

// syscallOf gives a system call's name, empty when it is not known, and what it
// is.
func syscallOf(arch, number uint32) (string, call) {
	table := abiOf(arch)
	if table == nil {
		return "", callOther
	}
	if arch == archX8664 && number&x32Bit != 0 {
		number = x32Number(number &^ x32Bit)
	}
	if int64(number) >= int64(len(table.names)) || table.names[number] == "-" {
		return "", callOther
	}
	return table.names[number], table.calls[number]
}

// x32Number translates the x32 ABI's own numbers to those of x86_64 where the
// normalizer knows the call, from arch/x86/entry/syscalls/syscall_64.tbl.
func x32Number(number uint32) uint32 {
	switch number {
	case 518:
		return 46 // sendmsg
	case 519:
		return 47 // recvmsg
	case 520:
		return 59 // execve
	case 538:
		return 307 // sendmmsg
	case 545:
		return 322 // execveat
	}
	return number
}

// classify says what the system call of a name is.
func classify(name string) call {
	switch name {
	case "connect":
		return callConnect
	case "socket":
		return callSocket
	case "socketcall":
		return callSocketcall
	case "sendto":
		return callSendto
	case "sendmsg":
		return callSendmsg
	case "sendmmsg":
		return callSendmmsg
	case "setsid":
		return callSetsid
	case "execve", "execveat":
		return callExec
	case "io_uring_enter":
		return callUringEnter
	case "exit", "exit_group":
		return callExit
	case "socketpair", "bind", "listen", "accept", "accept4", "shutdown", "recvfrom", "recvmsg",
		"recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt", "send", "recv":
		return callNetwork
	case "open", "openat", "openat2", "creat", "truncate", "ftruncate", "rename", "renameat", "renameat2",
		"unlink", "unlinkat", "link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "chmod", "fchmod",
		"fchmodat", "chown", "fchown", "lchown", "fchownat", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
		"lremovexattr", "fremovexattr", "mknod", "mknodat", "open_by_handle_at", "name_to_handle_at", "access",
		"faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx", "utimensat", "chdir", "fchdir":
		return callFile
	}
	return callOther
}

// socketcallOf says which call a socketcall is.
func socketcallOf(number uint64) (string, call) {
	names := [...]string{
		"", "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "send", "recv",
		"sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg",
	}
	if number == 0 || number >= uint64(len(names)) {
		return "socketcall", callNetwork
	}
	return names[number], classify(names[number])
}

// uringOpNames are the operations of io_uring in the order of their numbers,
// from linux/io_uring.h.
const uringOpNames = "nop readv writev fsync read_fixed write_fixed poll_add poll_remove sync_file_range sendmsg " +
	"recvmsg timeout timeout_remove accept async_cancel link_timeout connect fallocate openat close " +
	"files_update statx read write fadvise madvise send recv openat2 epoll_ctl splice provide_buffers " +
	"remove_buffers tee shutdown renameat unlinkat mkdirat symlinkat linkat msg_ring fsetxattr setxattr " +
	"fgetxattr getxattr socket uring_cmd send_zc sendmsg_zc read_multishot waitid futex_wait futex_wake " +
	"futex_waitv fixed_fd_install ftruncate bind listen recv_zc epoll_wait readv_fixed writev_fixed pipe"

// uringOpName is the name of an operation, empty when it is not known.
func uringOpName(op uint64) string {
	if op >= uint64(len(uringOps)) {
		return ""
	}
	return uringOps[op]
}
