package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

const (
	// guardInterval is how often the guard looks at the backlog.
	guardInterval = 400 * time.Millisecond
	// guardPatience is at how many looks in a row the backlog must be nearly full.
	guardPatience = 3
)

// GuardCommand is the subcommand of the program that runs a Guard.
const GuardCommand = "guard"

// GuardOptions say what a guard watches.
type GuardOptions struct {
	// PID is the receiver, the guard's parent.
	PID int
	// Status asks for the kernel's audit status.
	Status func() (kernel.Status, error)
	// Waiting says how many bytes of records wait in the receiver's socket.
	Waiting func() int
	// Alive ends together with the receiver.
	Alive io.Reader
}

// ErrKilled is the result of a guard that had to kill the receiver.
var ErrKilled = errors.New("the sensor did not take audit records while the kernel's backlog was full, and was killed so that audited processes go on")

// Guard watches a receiver from a process of its own, on kernels where audited
// processes wait for it. A receiver that leaves the backlog nearly full for a
// second, because it was stopped or gets no CPU time, is killed, which ends all
// waiting at once; so is one that is stopped while records wait for it. Guard returns when the receiver has ended or ctx has.
func Guard(ctx context.Context, options GuardOptions) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, options.Alive) // the end is what is awaited
	}()
	ticker := time.NewTicker(guardInterval)
	defer ticker.Stop()
	for looks := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-ended:
			return nil
		case <-ticker.C:
		}
		if !stalled(options) {
			looks = 0
			continue
		}
		looks++
		if looks < guardPatience {
			continue
		}
		if os.Getppid() != options.PID {
			return nil // it has ended, and the pid may be another's
		}
		if err := unix.Kill(options.PID, unix.SIGKILL); err != nil {
			return fmt.Errorf("killing the sensor, which does not take audit records (process %d): %w", options.PID, err)
		}
		return fmt.Errorf("process %d: %w", options.PID, ErrKilled)
	}
}

// stalled says whether audited processes wait for the receiver, or soon will: it
// leaves the backlog nearly full, or it was stopped while records pile up in its
// socket, which newer kernels do not show as backlog. A kernel whose audit hangs
// altogether may not answer; then it counts that the receiver is stopped.
func stalled(options GuardOptions) bool {
	if isStopped(options.PID) && options.Waiting() >= stoppedWaiting {
		return true
	}
	status, err := options.Status()
	if err != nil {
		return errors.Is(err, kernel.ErrNoAnswer) && isStopped(options.PID)
	}
	return int(status.PID) == options.PID && status.BacklogLimit > 0 &&
		uint64(status.Backlog)*4 >= uint64(status.BacklogLimit)*3
}

// stoppedWaiting is how many bytes of records must wait for a receiver that was
// stopped: about a hundred records.
const stoppedWaiting = 128 << 10

// WaitingBytes is the memory of the records that wait in the fullest audit socket
// of this network namespace, from /proc/net/netlink (Eth is the protocol, Rmem the
// memory); 0 where that cannot be read.
func WaitingBytes() int {
	text, err := os.ReadFile("/proc/net/netlink")
	if err != nil {
		return 0
	}
	return waitingBytes(string(text))
}

func waitingBytes(table string) int {
	most := 0
	for line := range strings.Lines(table) {
		columns := strings.Fields(line)
		if len(columns) < 5 || columns[1] != strconv.Itoa(unix.NETLINK_AUDIT) {
			continue
		}
		if bytes, err := strconv.Atoi(columns[4]); err == nil {
			most = max(most, bytes)
		}
	}
	return most
}

// isStopped says whether a process was stopped by a signal (proc(5), the state in
// /proc/PID/stat).
func isStopped(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, found := strings.Cut(string(text), ") ")
	return found && strings.HasPrefix(rest, "T")
}
