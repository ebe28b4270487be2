package normalize

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The functions of package unix take paths as strings and copy each of them to
// end it with a NUL. These take a path that has one already. The path and the
// target must not be empty.

// procOpen is open(2) with O_CLOEXEC.
func procOpen(path []byte, flags int) (int, error) {
	at := unix.AT_FDCWD
	fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(at), uintptr(unsafe.Pointer(&path[0])),
		uintptr(flags|unix.O_CLOEXEC), 0, 0, 0)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// procReadlink is readlink(2). What does not fit into target is cut off.
func procReadlink(path, target []byte) (int, error) {
	at := unix.AT_FDCWD
	n, _, errno := unix.Syscall6(unix.SYS_READLINKAT, uintptr(at), uintptr(unsafe.Pointer(&path[0])),
		uintptr(unsafe.Pointer(&target[0])), uintptr(len(target)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// procGetxattr is getxattr(2). The attribute's name ends with a NUL, too.
func procGetxattr(path, attribute, value []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_GETXATTR, uintptr(unsafe.Pointer(&path[0])),
		uintptr(unsafe.Pointer(&attribute[0])), uintptr(unsafe.Pointer(&value[0])), uintptr(len(value)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// procExists is faccessat(2) for a name below an open folder. The name ends with a
// NUL, too.
func procExists(folder int, name []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_FACCESSAT, uintptr(folder), uintptr(unsafe.Pointer(&name[0])), unix.F_OK)
	if errno != 0 {
		return errno
	}
	return nil
}
