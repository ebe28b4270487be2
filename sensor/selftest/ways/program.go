package ways

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Self is the running program's file, whatever became of its path.
const Self = "/proc/self/exe"

// Copy copies the running program to a new file of the given mode.
func Copy(to string, mode os.FileMode) error {
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return fmt.Errorf("copying the program: %w", err)
	}
	err = fill(file)
	if err == nil {
		err = file.Chmod(mode)
	}
	return errors.Join(err, file.Close())
}

func fill(file *os.File) error {
	from, err := os.Open(Self)
	if err != nil {
		return fmt.Errorf("opening the program itself: %w", err)
	}
	defer from.Close() //nolint:errcheck // only read
	if _, err := io.Copy(file, from); err != nil {
		return fmt.Errorf("copying the program: %w", err)
	}
	return nil
}

// Memfd copies the running program to a file that is only in memory, and gives
// the path by which this process can execute it.
func Memfd(name string) (path string, err error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if errors.Is(err, unix.ENOSYS) {
		return "", fmt.Errorf("%w: the kernel has no memfd_create", ErrImpossible)
	}
	if err != nil {
		return "", fmt.Errorf("making a file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), name)
	if err := fill(file); err != nil {
		return "", errors.Join(err, file.Close())
	}
	// A file that is open for writing cannot be executed (ETXTBSY).
	path = fmt.Sprintf("/proc/self/fd/%d", fd)
	readable, err := os.Open(path)
	if err != nil {
		return "", errors.Join(fmt.Errorf("opening a file in memory: %w", err), file.Close())
	}
	if err := file.Close(); err != nil {
		return "", err
	}
	// It stays open until the process becomes the program.
	kept, err := unix.Dup(int(readable.Fd()))
	if err != nil {
		return "", fmt.Errorf("keeping a file in memory: %w", err)
	}
	unix.CloseOnExec(kept)
	return fmt.Sprintf("/proc/self/fd/%d", kept), readable.Close()
}

// Become executes a program in place of this one.
func Become(path string, args []string) error {
	if err := syscall.Exec(path, args, []string{}); err != nil {
		return fmt.Errorf("executing %q: %w", path, err)
	}
	return nil
}

func setName(name *byte) error {
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(name)), 0, 0, 0); err != nil {
		return fmt.Errorf("naming a thread: %w", err)
	}
	return nil
}
