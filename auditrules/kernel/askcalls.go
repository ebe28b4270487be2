package kernel

import (
	"bytes"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// filtered says whether a seccomp filter watches this process's system calls.
// Such a filter may kill for a call that it does not know, and its refusals say
// nothing about the host, so then nothing is asked by calling.
func filtered() bool {
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	return err == nil && mode != 0
}

// askIOUring makes a call to io_uring_setup(2) that cannot succeed, because it
// has no parameters: a kernel without io_uring has no such call (ENOSYS), and one
// with it refuses the parameters (EFAULT). The file is that of the sysctl
// kernel.io_uring_disabled (Linux 6.6): 2 switches io_uring off for all, 1 for
// those without privilege.
func askIOUring(sysctl string) Support {
	disabled, err := os.ReadFile(sysctl)
	if err == nil {
		if string(bytes.TrimSpace(disabled)) == "2" {
			return Unsupported
		}
		return Supported // only kernels with io_uring have the file
	}
	if filtered() {
		return Unknown
	}
	_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 0, 0, 0)
	switch {
	case errors.Is(errno, unix.ENOSYS):
		return Unsupported
	case errors.Is(errno, unix.EFAULT), errors.Is(errno, unix.EINVAL):
		return Supported
	}
	return Unknown
}

// probeBuffer is the receive buffer that is asked for, in bytes. Memory is used
// only for what arrives.
const probeBuffer = 64 << 20

// receiveBuffer asks for a large receive buffer on a socket of its own.
func (liveAsker) receiveBuffer() (forced Support, size int) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return Unknown, 0
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was sent
	forced = Supported
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, probeBuffer); err != nil {
		forced = Unsupported
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, probeBuffer); err != nil {
			return forced, 0
		}
	}
	size, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return forced, 0
	}
	return forced, size
}
