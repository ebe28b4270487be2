package normalize

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// TestProcessGoneBetweenTwoReads: what is read of a process may stop at any file.
func TestProcessGoneBetweenTwoReads(t *testing.T) {
	for name, gone := range map[string][]string{
		"after its status": {"stat"}, "before its status": {"status"}, "before anything": {"status", "stat"},
		"after its identity": {"exe", "cmdline", "cgroup"}, "before its control group": {"cgroup"},
	} {
		t.Run(name, func(t *testing.T) {
			resolver, root := newCopyResolver(t)
			was := resolver.Identify(copyQuery(100))
			for _, file := range gone {
				if err := os.Remove(filepath.Join(root, "100", file)); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			fresh, err := NewProcResolver(root, &HostFacts{ID: "a", BootID: "b"})
			if err != nil {
				t.Fatal(err)
			}
			got := fresh.Identify(copyQuery(100))
			readable := gone[0] != "stat" && gone[0] != "status"
			if got.Inferred == readable || readable != (got.EntityID == was.EntityID) || got.PID != 100 {
				t.Errorf("it was %+v and is %+v", was, got)
			}
			family := fresh.Family(copyQuery(100), true)
			if (family.Process != nil) != readable || len(family.Missing) == 0 {
				t.Errorf("the family is %+v, missing %q", family.Process, family.Missing)
			}
		})
	}
}

// oneFolder is a folder that shows one process after another of a copy of /proc, so
// that it need not have 100,000 of them.
type oneFolder struct{ root, now string }

func (f *oneFolder) show(t *testing.T, pid uint32) {
	t.Helper()
	path := filepath.Join(f.root, fmt.Sprint(pid))
	if err := os.Rename(f.now, path); err != nil {
		t.Fatal(err)
	}
	f.now = path
	for name, content := range map[string]string{
		"status": fmt.Sprintf("Name:\tx\nTgid:\t%d\nPid:\t%d\n", pid, pid), "stat": statLine(pid, "x", 1, uint64(pid)),
	} {
		file, err := os.OpenFile(filepath.Join(path, name), os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		// Cutting files off would have the file system write to the disk.
		_, err = file.WriteString(content + strings.Repeat("\n", max(0, 1024-len(content))))
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHundredThousandProcesses: all are told apart, what is kept of them is bounded
// and what that costs is counted.
func TestHundredThousandProcesses(t *testing.T) {
	const count, first = 100_000, 1000
	resolver, root := newCopyResolver(t)
	folder := oneFolder{root, filepath.Join(root, "100")}
	seen := make(map[string]uint32, count)
	before := heapInUse()
	for pid := uint32(first); pid < first+count; pid++ {
		folder.show(t, pid)
		got := resolver.Identify(copyQuery(pid))
		if other, known := seen[got.EntityID]; known || got.Inferred || got.PID != pid {
			t.Fatalf("%d is %+v, as %d is", pid, got, other)
		}
		seen[got.EntityID] = pid
		if pid%50 == 0 {
			resolver.Family(copyQuery(pid), false)
		}
	}
	// That includes the ids that this test keeps, some 10 MB.
	if grown := heapInUse() - before; grown > 32<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if got := len(resolver.processes.index); got != procProcessLimit {
		t.Errorf("%d processes are kept", got)
	}
	if facts, families := len(resolver.kin.facts.index), len(resolver.kin.families.index); facts > procFactsLimit || families != procFamilyLimit {
		t.Errorf("%d facts and %d families are kept", facts, families)
	}
	if got := resolver.Stats().Evicted; got != count-procProcessLimit {
		t.Errorf("%d count as forgotten", got)
	}
	for _, pid := range []uint32{first, first + count/2, first + count - 1} {
		folder.show(t, pid)
		if got := resolver.Identify(copyQuery(pid)); seen[got.EntityID] != pid {
			t.Errorf("%d, forgotten or not, is now %+v", pid, got)
		}
	}
}

// heapInUse is the size of what is reachable.
func heapInUse() int64 {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int64(memory.HeapAlloc)
}

// TestProcessThatRenamesItself has this process take names thousands of times a
// second that look like the fields of its stat file.
func TestProcessThatRenamesItself(t *testing.T) {
	comm, err := os.OpenFile("/proc/self/comm", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("the kernel does not let a process rename itself through /proc (before 2.6.33): %v", err)
	}
	defer comm.Close()
	former := make([]byte, 16)
	n, err := comm.Read(former)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{") S 1 2 3", "a) R 7 (b", "\n) Z 1 1 1 1", "Pid:\t1\nTgid:\t", "((((((((((((((", "))))))))))))))", "\x00\xff\x01", "x"}
	var renamed atomic.Uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				_, _ = comm.Write(former[:n])
				return
			default:
				if _, err := comm.Write([]byte(names[i%len(names)])); err == nil {
					renamed.Add(1)
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		pid := uint32(os.Getpid())
		want := resolver.Identify(queryNow(pid))
		began := renamed.Load()
		for rounds := 0; rounds < 2000 || renamed.Load() < began+2000; rounds++ {
			resolver.dropPidfd(pid)
			resolver.processes.drop(pid)
			if got := resolver.Identify(queryNow(pid)); got != want || got.Inferred {
				t.Fatalf("it is %+v and was %+v", got, want)
			}
			if rounds%100 == 0 {
				checkRenamed(t, resolver, pid, want)
			}
		}
	})
}

// checkRenamed holds the family of a process against what does not change.
func checkRenamed(t *testing.T, resolver *ProcResolver, pid uint32, want Identity) {
	t.Helper()
	family := patientFamily(t, resolver, queryNow(pid), true)
	one := family.Process
	if one == nil || one.EntityID != want.EntityID || one.ParentPID != uint32(os.Getppid()) || strings.Join(one.Args, " ") != strings.Join(os.Args, " ") {
		t.Fatalf("it is %+v, missing %q", one, family.Missing)
	}
}
