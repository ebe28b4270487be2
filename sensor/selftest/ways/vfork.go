//go:build amd64 || arm64 || 386

package ways

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// vforkActor is what the child of vfork is given. It only reads it.
type vforkActor struct {
	flags   uintptr
	pid     *int32 // where the kernel writes the child's pid before it begins
	gate    uintptr
	letter  *byte // where what comes through the gate goes
	socket  uintptr
	address *unix.RawSockaddrInet4
	length  uintptr
	// subcall are connect's arguments for socketcall(2), which i386 has for it.
	subcall *[3]uintptr
}

// vforkConnectSetsid makes a child as vfork(2) does. The child, which shares the
// caller's memory and stack and does not change them, waits for a byte through
// the gate, connects the socket, calls setsid and exits with 0 if that succeeded
// and 1 if not. Returned is what clone(2) returned to the parent.
func vforkConnectSetsid(actor *vforkActor) int

// Vfork connects and calls setsid in the child of a vfork, without any library
// in between. The child's pid is handed to begin before it acts; the child is
// left a zombie, so that its pid stays its own until this process ends.
func Vfork(begin func(pid int) error) error {
	fd, err := Socket(unix.SOCK_STREAM, Discard4())
	if err != nil {
		return err
	}
	var gate [2]int
	if err := unix.Pipe2(gate[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	// The parent's thread stands still in the middle of a Go function until the
	// child has ended: nothing must wait for that thread meanwhile.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var pid int32
	began := make(chan error, 1)
	go func() {
		for atomic.LoadInt32(&pid) == 0 {
			time.Sleep(time.Millisecond)
		}
		var err error
		if made := int(atomic.LoadInt32(&pid)); made > 0 {
			err = begin(made)
		}
		// In any case, because the child waits.
		_, writeErr := unix.Write(gate[1], []byte("g"))
		began <- errors.Join(err, writeErr)
	}()
	to, letter := rawDiscard(), byte(0)
	subcall := [3]uintptr{uintptr(fd), uintptr(unsafe.Pointer(&to)), unix.SizeofSockaddrInet4}
	actor := vforkActor{
		flags: unix.CLONE_VFORK | unix.CLONE_VM | unix.CLONE_PARENT_SETTID | uintptr(unix.SIGCHLD),
		pid:   &pid, gate: uintptr(gate[0]), letter: &letter,
		socket: uintptr(fd), address: &to, length: unix.SizeofSockaddrInet4, subcall: &subcall,
	}
	result := vforkConnectSetsid(&actor)
	if result < 0 {
		atomic.StoreInt32(&pid, -1) // ends the wait
		<-began
		return fmt.Errorf("clone as vfork does: %w", unix.Errno(-result))
	}
	if err := <-began; err != nil {
		return err
	}
	return sawExit(result)
}

// sawExit looks at how a child ended without ending its being a zombie.
func sawExit(pid int) error {
	var info unix.Siginfo
	if err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		return fmt.Errorf("waiting for the child: %w", err)
	}
	// The status is the sixth number of siginfo_t's part for SIGCHLD; see
	// sigaction(2).
	words := (*[unsafe.Sizeof(info) / 4]int32)(unsafe.Pointer(&info))
	at := 3 + int(unsafe.Sizeof(uintptr(0))/4-1) + 2
	if words[at] != 0 {
		return errors.New("setsid failed in the child of vfork")
	}
	return nil
}
