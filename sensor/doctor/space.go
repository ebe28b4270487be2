package doctor

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrReadOnly says that nothing can be written in a file system.
var ErrReadOnly = errors.New("it is mounted read-only")

// readOnly is the flag ST_RDONLY of statfs(2). Before Linux 2.6.36 no flags are told.
const readOnly = 1

// FreeSpace is how many bytes root can still write in the file system of a
// folder. The error is ErrReadOnly where that is mounted read-only.
func FreeSpace(folder string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, fmt.Errorf("asking for the free space of %s: %w", folder, err)
	}
	if stat.Flags&readOnly != 0 {
		return 0, ErrReadOnly
	}
	return stat.Bfree * uint64(stat.Bsize), nil
}
