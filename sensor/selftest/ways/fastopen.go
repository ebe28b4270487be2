package ways

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FastOpen connects by sending with MSG_FASTOPEN through the named system call:
// sendto, sendmsg or sendmmsg.
func FastOpen(call string) error {
	fd, err := Socket(unix.SOCK_STREAM, Discard4())
	if err != nil {
		return err
	}
	to, data := rawDiscard(), []byte("x")
	part := unix.Iovec{Base: &data[0]}
	part.SetLen(len(data))
	message := struct {
		header unix.Msghdr
		sent   uint32
		_      [4]byte
	}{header: unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to)), Namelen: unix.SizeofSockaddrInet4, Iov: &part}}
	message.header.SetIovlen(1)
	var errno unix.Errno
	switch call {
	case "sendto":
		_, _, errno = unix.Syscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&data[0])), 1,
			unix.MSG_FASTOPEN, uintptr(unsafe.Pointer(&to)), unix.SizeofSockaddrInet4)
	case "sendmsg":
		_, _, errno = unix.Syscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&message.header)), unix.MSG_FASTOPEN)
	case "sendmmsg":
		_, _, errno = unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&message)), 1, unix.MSG_FASTOPEN, 0, 0)
	default:
		return fmt.Errorf("fast open is by sendto, sendmsg or sendmmsg, not %q", call)
	}
	// A kernel without fast open sees a send on a socket that is not connected.
	if err := ignoreRefused(errno); err != nil {
		return fmt.Errorf("%w: %s with MSG_FASTOPEN: %w", ErrImpossible, call, err)
	}
	return nil
}
