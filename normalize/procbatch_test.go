package normalize

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// testDatagramSocket is a UDP socket that the test's end closes.
func testDatagramSocket(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) }) // nothing was written
	return fd
}

// TestOneAnswerServesABatch shows that the kernel is asked once a batch, and again
// for the next one: what is asked about changes in between.
func TestOneAnswerServesABatch(t *testing.T) {
	resolver := newTestResolver(t)
	pid := uint32(os.Getpid())
	fd, stream := testDatagramSocket(t), testSocket(t)
	before := resolver.Transport(pid, uint64(fd))
	resolver.Received()
	if got := resolver.Transport(pid, uint64(fd)); got != before || got != "udp" {
		t.Fatalf("the socket is %q, and %q after a batch was received", before, got)
	}
	if err := unix.Dup3(stream, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if got := resolver.Transport(pid, uint64(fd)); got != before {
		t.Errorf("within a batch the answer changed from %q to %q: it was asked for again", before, got)
	}
	resolver.Received()
	if got := resolver.Transport(pid, uint64(fd)); got != "tcp" {
		t.Errorf("after the next batch the answer is %q, not the new socket's", got)
	}
}

// TestEveryEventIsAskedForWithoutBatches is about who does not tell of batches.
func TestEveryEventIsAskedForWithoutBatches(t *testing.T) {
	resolver := newTestResolver(t)
	pid := uint32(os.Getpid())
	fd, stream := testDatagramSocket(t), testSocket(t)
	before := resolver.Transport(pid, uint64(fd))
	if err := unix.Dup3(stream, fd, unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	if got := resolver.Transport(pid, uint64(fd)); before != "udp" || got != "tcp" {
		t.Errorf("got %q, then %q", before, got)
	}
}

func TestProcessIsSeenToRunOnceABatch(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		command, input := startShell(t, "read line")
		query := queryNow(uint32(command.Process.Pid))
		resolver.Received()
		first := resolver.Identify(query)
		if first.Inferred {
			t.Fatal("a running process is not verified")
		}
		_ = input.Close()
		end(command)
		if again := resolver.Identify(query); again != first {
			t.Errorf("within a batch, in which it was seen to run, it became %+v", again)
		}
		resolver.Received()
		if later := resolver.Identify(query); !later.Inferred && resolver.connector == nil {
			t.Errorf("after the next batch a process that ended is still verified: %+v", later)
		}
	})
}

func TestExecutableIsReadOnceABatch(t *testing.T) {
	resolver := newTestResolver(t)
	command, input := startShell(t, "read line; exec cat")
	defer end(command)
	defer input.Close()
	pid := uint32(command.Process.Pid)
	resolver.Received()
	query := queryNow(pid)
	shell := resolver.Executable(pid)
	if resolver.host == nil {
		t.Skip("/proc shows another pid namespace here, so that no executable can be looked at")
	}
	if seen := resolver.HostPath(query, shell); seen.Path != shell {
		t.Fatalf("the shell %q is seen as %q", shell, seen.Path)
	}
	if _, err := input.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the shell executes cat", func() bool {
		now, err := os.Readlink("/proc/" + strconv.Itoa(int(pid)) + "/exe")
		return err == nil && now != shell
	})
	if got := resolver.Executable(pid); got != shell {
		t.Errorf("within a batch the executable changed from %q to %q", shell, got)
	}
	resolver.Received()
	if got := resolver.Executable(pid); got == shell || got == "" {
		t.Errorf("after the next batch it is still %q", got)
	}
}

func TestAnswersOfABatchDoNotAllocate(t *testing.T) {
	resolver := newTestResolver(t)
	fd := testSocket(t)
	pid := uint32(os.Getpid())
	query := queryNow(pid)
	executable := resolver.Executable(pid)
	event := func() {
		resolver.Received()
		for range 3 {
			resolver.Identify(query)
			resolver.Transport(pid, uint64(fd))
			resolver.Executable(pid)
			resolver.HostPath(query, executable)
		}
	}
	event()
	if got := testing.AllocsPerRun(1000, event); got != 0 {
		t.Errorf("%v allocations a batch", got)
	}
}

// TestEventIsAskedForOnceABatch has what the kernel told of forks looked at once for all
// that is asked about an event in a batch. Now and then it is looked at because much
// waits, then others are tried.
func TestEventIsAskedForOnceABatch(t *testing.T) {
	resolver := newFollower(t)
	askTwice := func() (looked bool) {
		query := lived(t)
		resolver.Received()
		first := resolver.Identify(query)
		if first.Inferred {
			t.Fatalf("a process of whose fork the kernel told is %+v", first)
		}
		told := resolver.Stats()
		lived(t)
		if again := resolver.Identify(query); again != first {
			t.Errorf("asked again it is %+v, not %+v", again, first)
		}
		now := resolver.Stats()
		if now.Verified != told.Verified+1 {
			t.Errorf("%d answers are verified, %d were before another one", now.Verified, told.Verified)
		}
		resolver.Received()
		if later := resolver.Identify(query); later != first {
			t.Errorf("after the next batch it is %+v, not %+v", later, first)
		}
		if resolver.Stats().Lives.Forks == told.Lives.Forks {
			t.Error("after the next batch the kernel's messages were not looked at")
		}
		return now.Lives.Forks != told.Lives.Forks
	}
	for range 20 {
		if !askTwice() {
			return
		}
	}
	t.Error("asked again in the batch the kernel's messages are always looked at")
}
