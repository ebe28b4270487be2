package normalize

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// coverProc mounts over /proc for the rest of a test in privateMounts; the command
// does it and stays until the test ends.
func coverProc(t *testing.T, attributes *syscall.SysProcAttr, script string) bool {
	t.Helper()
	command := exec.Command("/bin/sh", "-c", script+" && echo ready && read line")
	command.SysProcAttr = attributes
	in, err := command.StdinPipe()
	if err != nil {
		t.Error(err)
		return false
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Error(err)
		return false
	}
	var complaint strings.Builder
	command.Stderr = &complaint
	if err := command.Start(); err != nil {
		t.Error(err)
		return false
	}
	t.Cleanup(func() {
		_ = in.Close()
		end(command)
	})
	var word string
	if _, err := fmt.Fscan(out, &word); err != nil {
		t.Errorf("mounting: %v: %s", err, complaint.String())
		return false
	}
	return true
}

// TestProcOfAnotherNamespace starts where /proc has been covered with that of another
// pid namespace: under the pids of records it has others, or none.
func TestProcOfAnotherNamespace(t *testing.T) {
	privateMounts(t, func(t *testing.T) {
		command, _ := startShell(t, "read line")
		pid := uint32(command.Process.Pid)
		before := newTestResolver(t)
		first, own := before.Identify(queryNow(1)), before.Identify(queryNow(pid))
		if first.Inferred || own.Inferred || before.Blind() {
			t.Errorf("before: %+v, %+v", first, own)
		}
		if !coverProc(t, &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}, "mount -t proc none /proc") {
			return
		}
		for _, kernel := range []string{"pidfd", "folder"} {
			resolver, err := NewProcResolver("/proc", &HostFacts{ID: "0123456789abcdef", BootID: "boot"})
			if err != nil {
				t.Error(err)
				return
			}
			defer resolver.Close()
			if kernel == "folder" {
				resolver.pidfds = newProcFolders("/proc")
			}
			if !resolver.Blind() {
				t.Errorf("%s: the processes of another namespace are believed", kernel)
			}
			for _, query := range []ProcessQuery{queryNow(1), queryNow(pid)} {
				got := resolver.Identify(query)
				if !got.Inferred || got.PID != query.PID || got.EntityID == first.EntityID || got.EntityID == own.EntityID {
					t.Errorf("%s: %d is %+v", kernel, query.PID, got)
				}
				family := resolver.Family(query, true)
				if family.Process != nil || len(family.Ancestors) != 0 || len(family.Missing) == 0 {
					t.Errorf("%s: %d has the family %+v", kernel, query.PID, family)
				}
				seen := resolver.HostPath(query, "/bin/sh")
				if got := resolver.Provenance(query, seen, "/bin/sh"); got == ProvenanceHost {
					t.Errorf("%s: the executable of %d is proved by another process's", kernel, query.PID)
				}
				if path := resolver.Executable(query.PID); path != "" {
					t.Errorf("%s: %d executes %s", kernel, query.PID, path)
				}
				if transport := resolver.Transport(query.PID, 0); transport != "" {
					t.Errorf("%s: a descriptor of %d is %s", kernel, query.PID, transport)
				}
			}
		}
	})
}

// TestHiddenProcesses looks, as a user who may not, at processes that hidepid hides:
// they are not known, but neither taken for each other nor for gone.
func TestHiddenProcesses(t *testing.T) {
	privateMounts(t, func(t *testing.T) {
		commands := [2]*exec.Cmd{}
		for i := range commands {
			commands[i], _ = startShell(t, "read line")
		}
		// Kernels before 5.8 take a number only, and would hide the whole host's.
		if err := unix.Mount("none", "/proc", "proc", 0, "hidepid=invisible"); err != nil {
			t.Logf("not tried: mount: %v", err)
			return
		}
		for _, call := range []uintptr{unix.SYS_SETRESGID, unix.SYS_SETRESUID} {
			if _, _, errno := unix.RawSyscall(call, 65534, 65534, 65534); errno != 0 { // of this thread alone
				t.Errorf("becoming nobody: %v", errno)
				return
			}
		}
		resolver, err := NewProcResolver("/proc", &HostFacts{ID: "0123456789abcdef", BootID: "boot"})
		if err != nil {
			t.Error(err)
			return
		}
		defer resolver.Close()
		var first [2]Identity
		for round := range 3 {
			for i, command := range commands {
				query := queryNow(uint32(command.Process.Pid))
				query.Time += int64(round) * 60_000
				got := resolver.Identify(query)
				if round == 0 {
					first[i] = got
				}
				if !got.Inferred || got.PID != query.PID || resolver.pidfds.folders == nil && got != first[i] {
					t.Errorf("round %d: %d is %+v, and was %+v", round, query.PID, got, first[i])
				}
			}
		}
		if first[0].EntityID == first[1].EntityID {
			t.Errorf("two processes are %+v", first[0])
		}
		ended := make(chan struct{})
		go func() { // on a thread that still may
			defer close(ended)
			end(commands[0])
		}()
		<-ended
		query := queryNow(uint32(commands[0].Process.Pid))
		query.Time += 600_000
		if got := resolver.Identify(query); got.EntityID == first[0].EntityID {
			t.Errorf("it has ended, and an event from after that is of %+v", got)
		}
	})
}
