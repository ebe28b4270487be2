package ways

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// unshare gives the calling thread namespaces of its own. The thread can no
// longer be used for anything else.
func unshare(flags int, what string) error {
	runtime.LockOSThread()
	err := unix.Unshare(flags)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w: %s: %w", ErrImpossible, what, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Unreachable connects where there is no route at all: in a network namespace of
// its own, which has nothing but a loopback that is down, so that no packet can
// be sent.
func Unreachable(to netip.AddrPort) (unix.Errno, error) {
	if err := unshare(unix.CLONE_NEWNET, "a network namespace of its own"); err != nil {
		return 0, err
	}
	_, result, err := Connect(unix.SOCK_STREAM, to)
	return result, err
}

// privateMounts gives the calling thread a mount namespace from which nothing
// gets out.
func privateMounts() error {
	if err := unshare(unix.CLONE_NEWNS, "a mount namespace of its own"); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	return nil
}

// Chroot makes a folder the calling thread's root. In it, the program is at the
// given path.
func Chroot(root, path string) error {
	if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
		return fmt.Errorf("preparing a root folder: %w", err)
	}
	if err := Copy(root+path, 0o755); err != nil {
		return err
	}
	// A thread that shares its root with others would take them along.
	if err := unshare(unix.CLONE_FS, "a root of its own"); err != nil {
		return err
	}
	if err := unix.Chroot(root); err != nil {
		return fmt.Errorf("changing the root: %w", err)
	}
	return unix.Chdir("/")
}

// BindOver mounts a folder with the program in it over the folder of path, for
// the calling thread alone.
func BindOver(folder, path string) error {
	if err := Copy(filepath.Join(folder, filepath.Base(path)), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%w: there is nothing to mount over: %w", ErrImpossible, err)
	}
	if err := privateMounts(); err != nil {
		return err
	}
	if err := unix.Mount(folder, filepath.Dir(path), "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting over %s: %w", filepath.Dir(path), err)
	}
	return nil
}

// OwnRoot gives the calling thread a mount namespace with a root file system of
// its own, as a container has, and the program in it at path.
func OwnRoot(folder, path string) error {
	if err := privateMounts(); err != nil {
		return err
	}
	if err := unix.Mount("tripline-selftest", folder, "tmpfs", 0, "size=64m"); err != nil {
		return fmt.Errorf("%w: mounting a file system in memory: %w", ErrImpossible, err)
	}
	if err := os.MkdirAll(filepath.Dir(folder+path), 0o755); err != nil {
		return fmt.Errorf("preparing a root file system: %w", err)
	}
	if err := Copy(folder+path, 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(folder+"/former", 0o700); err != nil {
		return fmt.Errorf("preparing a root file system: %w", err)
	}
	// The first root of a machine, rootfs, cannot be changed so (EINVAL).
	err := unix.PivotRoot(folder, folder+"/former")
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: this machine's root is the kernel's own rootfs: %w", ErrImpossible, err)
	}
	if err != nil {
		return fmt.Errorf("changing the root file system: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/former", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the former root: %w", err)
	}
	return nil
}
