package sensor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// DefaultLock is the file that a running sensor holds locked. It lies in /run,
// which is empty after a boot.
const DefaultLock = "/run/tripline/lock"

// RunningError says that another sensor watches this host.
type RunningError struct {
	// PID is the other sensor's process, 0 where it could not be read.
	PID int
	// Task is what it does, empty where it is a sensor.
	Task string
}

// Error names the other sensor.
func (e *RunningError) Error() string {
	const text = "another tripline is watching this host already"
	switch {
	case e.PID == 0:
		return text
	case e.Task != "":
		return fmt.Sprintf("%s (process %d, %s)", text, e.PID, e.Task)
	}
	return fmt.Sprintf("%s (process %d)", text, e.PID)
}

// What holds the lock and is no sensor, by the command that does it. Only a sensor
// has rules to read again.
const (
	taskSensor  = ""
	taskCapture = "capture"
	taskRemove  = "rules remove"
	taskSample  = "selftest"
)

// holder is who wants a lock file, and for what task.
type holder struct{ lockFile, task string }

// acquireLock makes sure that one sensor alone changes kernel audit. The lock
// ends with the returned file, also when the process is killed. The file says which
// process holds it, and its task.
func acquireLock(path, task string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the lock file: %w", err)
	}
	file, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			running := lockHolder(file)
			err = &running
		} else {
			err = fmt.Errorf("locking %s: %w", path, err)
		}
		return nil, errors.Join(err, file.Close())
	}
	if err := writeHolder(file, task); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// openLock opens the lock file, which is about to be written. The folder may be that
// of the service's user while root removes what the service left: a link that lies
// there would make root write somewhere else.
func openLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("opening the lock file: %s is a symbolic link, which no tripline made; look where it leads and delete it", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the lock file: %w", err), file.Close())
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || ok && system.Nlink > 1 {
		err := fmt.Errorf("opening the lock file: %s is no file of its own, as tripline makes it (%s); look at it and delete it", path, info.Mode())
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lockHolder reads which process wrote the lock file, and what it does.
func lockHolder(file io.ReaderAt) RunningError {
	text := make([]byte, 64)
	n, _ := file.ReadAt(text, 0) // a short file is the usual case
	pid, task, _ := strings.Cut(strings.TrimSpace(string(text[:n])), " ")
	number, err := strconv.Atoi(pid)
	if err != nil {
		return RunningError{}
	}
	return RunningError{PID: number, Task: task}
}

func writeHolder(file *os.File, task string) error {
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("emptying the lock file: %w", err)
	}
	holder := strconv.Itoa(os.Getpid())
	if task != taskSensor {
		holder += " " + task
	}
	if _, err := file.WriteAt([]byte(holder+"\n"), 0); err != nil {
		return fmt.Errorf("writing the lock file: %w", err)
	}
	return nil
}
