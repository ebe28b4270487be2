package sensor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Running says which process holds the lock file of a sensor, 0 for none. The
// lock is not tried, because that would keep a sensor that starts just now from it:
// the kernel's list of locks tells.
func Running(lockFile string) (pid int, err error) {
	info, err := os.Stat(lockFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for a running tripline: %w", err)
	}
	own, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("looking for a running tripline: %w", errors.ErrUnsupported)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, fmt.Errorf("looking for a running tripline: %w", err)
	}
	return lockedBy(string(locks), own.Ino), nil
}

// lockedBy finds in the text of /proc/locks (proc(5)) who holds a whole-file lock
// on the file with an inode number.
func lockedBy(locks string, inode uint64) int {
	for line := range strings.Lines(locks) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || fields[3] != "WRITE" {
			continue
		}
		device := strings.Split(fields[5], ":")
		number, err := strconv.ParseUint(device[len(device)-1], 10, 64)
		pid, pidErr := strconv.Atoi(fields[4])
		if err == nil && pidErr == nil && number == inode {
			return pid
		}
	}
	return 0
}
