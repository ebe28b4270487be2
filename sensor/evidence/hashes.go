package evidence

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// hashes remembers the hashes of files that have not changed since, so that the
// same program costs it once. It may be used by any goroutine.
type hashes struct {
	mu    sync.Mutex
	known map[fileVersion]string
	order []fileVersion
}

// hashesLimit bounds how many hashes are remembered.
const hashesLimit = 256

// fileVersion changes whenever the content of a file does: the kernel sets ctime,
// which no program can choose.
type fileVersion struct {
	device, inode uint64
	size          int64
	mtime, ctime  syscall.Timespec
}

// of is the SHA-256 of an open file, which is not read where it is larger than
// limit bytes.
func (h *hashes) of(ctx context.Context, file *os.File, info fs.FileInfo, limit int64) (string, error) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return hashFile(ctx, file)
	}
	version := fileVersion{uint64(stat.Dev), stat.Ino, stat.Size, stat.Mtim, stat.Ctim} //nolint:unconvert // 32 bits on some machines
	if hash := h.find(version); hash != "" {
		return hash, nil
	}
	if stat.Size > limit {
		return "", fmt.Errorf("the file has %d bytes, more than the %d that are hashed", stat.Size, limit)
	}
	hash, err := hashFile(ctx, file)
	if err == nil {
		h.remember(version, hash)
	}
	return hash, err
}

func (h *hashes) find(version fileVersion) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[version]
}

func (h *hashes) remember(version fileVersion, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil {
		h.known = make(map[fileVersion]string)
	}
	if _, known := h.known[version]; known {
		return
	}
	if len(h.order) >= hashesLimit {
		delete(h.known, h.order[0])
		h.order = h.order[1:]
	}
	h.known[version] = hash
	h.order = append(h.order, version)
}
