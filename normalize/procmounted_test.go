package normalize

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// privateMounts runs a test in a mount namespace of its own, on a thread that
// ends with it.
func privateMounts(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
			t.Logf("not tried, because it needs root: %v", err)
			return
		}
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Error(err)
			return
		}
		test(t)
	}()
	<-ended
}

// TestWhatIsMountedOverAProcessIsNotBelieved forges a process's folder: with that of
// another process, and with files that say whatever one likes.
func TestWhatIsMountedOverAProcessIsNotBelieved(t *testing.T) {
	for _, name := range []string{"pidfd", "folder", "stat"} {
		t.Run(name, func(t *testing.T) {
			privateMounts(t, func(t *testing.T) {
				command, _ := startShell(t, "read line")
				pid := uint32(command.Process.Pid)
				resolver := newTestResolver(t)
				switch name {
				case "folder":
					resolver.pidfds = newProcFolders("/proc")
				case "stat":
					resolver.pidfds = nil
				}
				first := resolver.Identify(queryNow(1))
				forged := t.TempDir()
				for file, text := range map[string]string{
					"stat": statLine(pid, "sh", 1, 5), "status": fmt.Sprintf("Name:\tsh\nTgid:\t%d\nPid:\t%d\n", pid, pid),
				} {
					if err := os.WriteFile(filepath.Join(forged, file), []byte(text), 0o644); err != nil {
						t.Error(err)
					}
				}
				for _, over := range []string{"/proc/1", forged} {
					place := fmt.Sprintf("/proc/%d", pid)
					if err := unix.Mount(over, place, "", unix.MS_BIND, ""); err != nil {
						t.Errorf("mount: %v", err)
						return
					}
					got := resolver.Identify(queryNow(pid))
					if !got.Inferred || got.PID != pid || got.EntityID == first.EntityID {
						t.Errorf("%s over it: got %+v", over, got)
					}
					if again := resolver.Identify(queryNow(pid)); again != got {
						t.Errorf("%s over it: got %+v, then %+v", over, got, again)
					}
					if err := unix.Unmount(place, unix.MNT_DETACH); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// TestAnotherProcOverProc mounts one that shows nothing, as hidepid does for those
// who may not look, over /proc.
func TestAnotherProcOverProc(t *testing.T) {
	privateMounts(t, func(t *testing.T) {
		resolver := newTestResolver(t)
		command, _ := startShell(t, "read line")
		query := queryNow(uint32(command.Process.Pid))
		if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
			t.Errorf("mount: %v", err)
			return
		}
		defer unix.Unmount("/proc", unix.MNT_DETACH)
		got := resolver.Identify(query)
		if !got.Inferred || got.PID != query.PID {
			t.Errorf("got %+v", got)
		}
		query.Time += 60_000
		query.Executable = "/bin/other"
		if again := resolver.Identify(query); resolver.pidfds.folders == nil && again != got {
			t.Errorf("a process that runs was %+v and is %+v", got, again)
		}
		end(command)
		query.Time += 60_000
		if gone := resolver.Identify(query); gone.EntityID == got.EntityID {
			t.Errorf("it is gone, and an event from after its end is of %+v", gone)
		}
	})
}
