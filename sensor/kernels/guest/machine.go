package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// prepare makes of a bare kernel what programs expect of a machine.
func prepare() []error {
	var problems []error
	for _, mount := range []struct{ kind, path string }{
		{"proc", "/proc"}, {"sysfs", "/sys"}, {"tmpfs", "/run"}, {"tmpfs", "/tmp"},
	} {
		if err := unix.Mount(mount.kind, mount.path, mount.kind, 0, ""); err != nil {
			problems = append(problems, fmt.Errorf("mounting %s: %w", mount.path, err))
		}
	}
	if err := raiseLoopback(); err != nil {
		problems = append(problems, err)
	}
	stirEntropy()
	_ = os.Setenv("PATH", "/bin") // cannot fail for this name
	return problems
}

// raiseLoopback switches the loopback interface on; the kernel gives it its
// addresses.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return fmt.Errorf("making a socket: %w", err)
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was sent
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("switching loopback on: %w", err)
	}
	return nil
}

// stirEntropy makes getrandom(2) answer at once. An emulated machine that has
// just booted has nothing random, and nothing here is secret.
func stirEntropy() {
	file, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer file.Close() //nolint:errcheck // only an ioctl was made
	entropy := struct {
		bits, size int32
		data       [64]byte
	}{bits: 512, size: 64}
	// A refusal shows as a program that waits, not as a wrong result.
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, file.Fd(), unix.RNDADDENTROPY, uintptr(unsafe.Pointer(&entropy)))
}

// openReport opens the second serial port.
func openReport() (io.Writer, error) {
	file, err := os.OpenFile("/dev/ttyS1", os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the serial port for the report: %w", err)
	}
	return file, nil
}

// powerOff ends the machine; restarting is what emulators always understand.
func powerOff() {
	unix.Sync()
	time.Sleep(200 * time.Millisecond) // for the serial ports
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART); err != nil {
		fmt.Fprintln(os.Stderr, "guest: ending the machine:", err)
	}
	select {}
}

func readText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// hasIPv6 says whether ::1 is an address of this machine.
func hasIPv6() bool {
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return false
	}
	defer syscall.Close(fd) //nolint:errcheck // nothing was sent
	to := &syscall.SockaddrInet6{Port: 9}
	to.Addr[15] = 1
	return syscall.Bind(fd, to) == nil
}
