package ways

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// InLeader runs something in the thread that leads the process's threads, to
// which the caller must keep (runtime.LockOSThread at the beginning of main).
func InLeader(run func() error) error {
	if unix.Gettid() != unix.Getpid() {
		return errors.New("the caller is not in the thread that leads the process")
	}
	return run()
}

// InThread runs something in a thread that does not lead the process.
func InThread(run func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Gettid() == unix.Getpid() {
			result <- errors.New("the thread leads the process")
			return
		}
		result <- run()
	}()
	return <-result
}

// SetName names the calling thread, as far as 15 bytes go.
func SetName(name string) error {
	text, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return setName(text)
}
