package selftest

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"tripline/sensor/selftest/ways"
)

// Flags of a mounted file system, from statvfs(3).
const (
	mountNoSetuid = 2
	mountNoExec   = 8
)

// folders are where samples' files may lie, in order of preference.
func folders() []string { return []string{os.TempDir(), "/var/tmp", "/var/lib", "/root", "/"} }

// makeFolder makes a folder that root alone can enter, on a file system from
// which programs can be executed also with another user's identity.
func makeFolder() (string, error) {
	var failures []error
	for _, parent := range folders() {
		var system syscall.Statfs_t
		if err := syscall.Statfs(parent, &system); err != nil {
			failures = append(failures, err)
			continue
		}
		if int64(system.Flags)&(mountNoSetuid|mountNoExec) != 0 { //nolint:unconvert // 32 bits on some machines
			failures = append(failures, fmt.Errorf("%s is mounted nosuid or noexec", parent))
			continue
		}
		folder, err := os.MkdirTemp(parent, "tripline-selftest-")
		if err == nil {
			return folder, nil
		}
		failures = append(failures, err)
	}
	return "", fmt.Errorf("%w: there is no folder for the sample's files: %w", ways.ErrImpossible, errors.Join(failures...))
}

// Old kernels refuse to remove what is mounted in any namespace, and a namespace
// ends a moment after its last process.
const (
	removeTries = 10
	removePause = 20 * time.Millisecond
)

// removeFolder removes a sample's folder with what is in it.
func removeFolder(folder string) error {
	if folder == "" {
		return nil
	}
	var err error
	for range removeTries {
		if err = os.RemoveAll(folder); err == nil {
			return nil
		}
		time.Sleep(removePause)
	}
	return fmt.Errorf("removing the self-test's files: %w", err)
}
