package doctor

import (
	"fmt"
	"syscall"
)

// FreeSpace is how many bytes root can still write in the file system of a
// folder.
func FreeSpace(folder string) (uint64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(folder, &stat); err != nil {
		return 0, fmt.Errorf("asking for the free space of %s: %w", folder, err)
	}
	return stat.Bfree * uint64(stat.Bsize), nil
}
