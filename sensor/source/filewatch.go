package source

import (
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchedInterval is how often a file is looked at although nothing was
	// reported: network file systems report nothing of other machines.
	watchedInterval = 2 * time.Second
	// unwatchedInterval is how often where nothing is ever reported.
	unwatchedInterval = 200 * time.Millisecond
)

// fileWatch reports changes of the files in one folder through inotify(7), as far
// as the system can. Its zero fd of -1 is a watch that reports nothing.
type fileWatch struct{ fd int }

// newFileWatch watches the folder of path: renamed and created files too are
// seen there. Without inotify, or without room for another watch, polling is
// left.
func newFileWatch(path string) *fileWatch {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return &fileWatch{fd: -1}
	}
	const changes = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ATTRIB
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), changes); err != nil {
		_ = unix.Close(fd) // it watches nothing
		return &fileWatch{fd: -1}
	}
	return &fileWatch{fd: fd}
}

// interval is how long to wait at most before the file is looked at.
func (w *fileWatch) interval() time.Duration {
	if w.fd < 0 {
		return unwatchedInterval
	}
	return watchedInterval
}

// drain takes the reports: that there were any is all that matters.
func (w *fileWatch) drain() {
	var reports [4096]byte
	for {
		if n, err := unix.Read(w.fd, reports[:]); err != nil || n < len(reports)/2 {
			return
		}
	}
}

func (w *fileWatch) close() error {
	if w.fd < 0 {
		return nil
	}
	if err := unix.Close(w.fd); err != nil {
		return fmt.Errorf("closing the watch on the log's folder: %w", err)
	}
	return nil
}
