package normalize

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// identified is the entity id of a process.
func identified(t *testing.T, r *ProcResolver, pid int) string {
	t.Helper()
	found := r.Identify(queryNow(uint32(pid)))
	if found.Inferred {
		t.Fatalf("process %d is not found", pid)
	}
	return found.EntityID
}

// patientFamily looks again where the machine was so busy that a command line was not
// read in the time that an event gives to it.
func patientFamily(t testing.TB, r *ProcResolver, query ProcessQuery, fresh bool) *Family {
	t.Helper()
	family := r.Family(query, fresh)
	for deadline := time.Now().Add(10 * time.Second); family.notRead() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		family = r.Family(query, true)
	}
	return family
}

// notRead says that a command line or the cgroup was not read in time, or before the
// process had its arguments: an exec(2) that is under way does not have them yet.
func (f *Family) notRead() bool {
	return slices.ContainsFunc(f.Missing, func(what string) bool {
		return strings.HasSuffix(what, "does not let it be read") || strings.HasSuffix(what, "could not be read") ||
			what == "command_line: empty"
	})
}

func TestFamilyOfARunningProcess(t *testing.T) {
	eachKernel(t, func(t *testing.T, r *ProcResolver) {
		cmd, _ := startShell(t, "read line #"+t.Name())
		pid := cmd.Process.Pid
		family := patientFamily(t, r, queryNow(uint32(pid)), false)
		self, parent := family.Process, family.parent()
		if self == nil || parent == nil || family.SessionLeader == nil && family.GroupLeader == nil {
			t.Fatalf("%+v", family)
		}
		if self.EntityID != identified(t, r, pid) || self.PID != uint32(pid) || !slices.Equal(self.Args, cmd.Args) {
			t.Errorf("the process is %+v", self)
		}
		executable, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if parent.EntityID != identified(t, r, os.Getpid()) || parent.PID != uint32(os.Getpid()) || self.ParentPID != parent.PID ||
			parent.Executable != executable || parent.Args[0] != os.Args[0] {
			t.Errorf("the parent is %+v", parent)
		}
		for i, one := range family.Ancestors[1:] {
			if family.Ancestors[i].ParentPID != one.PID {
				t.Errorf("after %+v comes %+v", family.Ancestors[i], one)
			}
		}
		if last := family.Ancestors[len(family.Ancestors)-1]; last.PID != 1 {
			t.Errorf("the last ancestor is %+v, missing is %q", last, family.Missing)
		}
		session, err := unix.Getsid(0)
		if err != nil {
			t.Fatal(err)
		}
		if self.Session != uint32(session) || self.Group != uint32(unix.Getpgrp()) {
			t.Errorf("session %d and group %d, not %d and %d", self.Session, self.Group, session, unix.Getpgrp())
		}
		if age := time.Since(time.Unix(0, family.Observed)); age < 0 || age > time.Minute {
			t.Errorf("observed %v ago", age)
		}
	})
}

func TestFamilyFollowsSetsidAndExec(t *testing.T) {
	r := newTestResolver(t)
	cmd := exec.Command("/bin/sh", "-c", "read line; exec cat -u")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	pid := uint32(cmd.Process.Pid)
	before := r.Family(queryNow(pid), false)
	if before.SessionLeader != before.Process || before.GroupLeader != before.Process || before.Process.Session != pid {
		t.Errorf("a session of its own is %+v", before.Process)
	}
	if again := r.Family(queryNow(pid), false); again != before {
		t.Error("what was found a moment ago is looked for again")
	}
	if _, err := io.WriteString(stdin, "go\n"); err != nil {
		t.Fatal(err)
	}
	waitForArgs(t, pid, "cat")
	after := patientFamily(t, r, queryNow(pid), true)
	if !slices.Equal(after.Process.Args, []string{"cat", "-u"}) || after.Process.EntityID != before.Process.EntityID {
		t.Errorf("after the exec it is %+v", after.Process)
	}
}

// TestFamilyIsLookedAtOnceABatch has what setsid and exec change looked at again, but
// not twice in a batch.
func TestFamilyIsLookedAtOnceABatch(t *testing.T) {
	r := newTestResolver(t)
	cmd, _ := startShell(t, "read line")
	query := queryNow(uint32(cmd.Process.Pid))
	first := patientFamily(t, r, query, true)
	if again := patientFamily(t, r, query, true); again == first {
		t.Error("where nobody tells of batches it is not looked at again")
	}
	r.Received()
	second := patientFamily(t, r, query, true)
	if again := r.Family(query, true); again != second {
		t.Error("it is looked at again in a batch")
	}
	r.Received()
	if third := patientFamily(t, r, query, true); third == second {
		t.Error("it is not looked at again in the next batch")
	}
}

// TestFactsOfAParentThatExecutes has facts of a process that are not those of the
// program which it executed before.
func TestFactsOfAParentThatExecutes(t *testing.T) {
	r := newTestResolver(t)
	cmd, stdin := startShell(t, "sleep 60 & read line; exec sleep 61")
	child := childOf(t, cmd.Process.Pid)
	t.Cleanup(func() { _ = unix.Kill(int(child), unix.SIGKILL) })
	query := queryNow(child)
	query.PPID = uint32(cmd.Process.Pid)
	if got := patientFamily(t, r, query, true).parent(); got == nil || !slices.Equal(got.Args, cmd.Args) {
		t.Fatalf("the parent is %+v", got)
	}
	if _, err := io.WriteString(stdin, "go\n"); err != nil {
		t.Fatal(err)
	}
	waitForArgs(t, query.PPID, "sleep")
	if got := patientFamily(t, r, query, true).parent(); got == nil || !slices.Equal(got.Args, []string{"sleep", "61"}) {
		t.Errorf("the parent is %+v", got)
	}
}

// waitForArgs waits until a process has executed a program.
func waitForArgs(t *testing.T, pid uint32, program string) {
	t.Helper()
	waitFor(t, "exec", func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		return err == nil && strings.HasPrefix(string(data), program+"\x00")
	})
}

// childOf waits for the child of a process.
func childOf(t *testing.T, pid int) uint32 {
	t.Helper()
	var child uint32
	waitFor(t, "a child", func() bool {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		if err != nil {
			t.Skipf("the kernel does not list children: %v", err)
		}
		_, err = fmt.Sscan(string(data), &child)
		return err == nil
	})
	return child
}

func TestFamilyOfAnEndedProcess(t *testing.T) {
	r := newTestResolver(t)
	cmd, _ := startShell(t, "read line")
	query := queryNow(uint32(cmd.Process.Pid))
	before := r.Family(query, false)
	end(cmd)
	query.Sequence++
	after := r.Family(query, true)
	if after != before {
		t.Errorf("what was known of a process is forgotten at its end: %+v", after)
	}
	other, _ := startShell(t, "exit")
	_ = other.Wait()
	unknown := r.Family(queryNow(uint32(other.Process.Pid)), false)
	if unknown.Process != nil || len(unknown.Ancestors) != 0 || unknown.Observed != 0 || len(unknown.Missing) != 1 {
		t.Errorf("of a process that nobody saw is known %+v", unknown)
	}
}

// TestFamilyWithoutTheParent has events of a process whose parent ended: init, which
// it has now, is not the parent that the records name.
func TestFamilyWithoutTheParent(t *testing.T) {
	r := newTestResolver(t)
	cmd, stdin := startShell(t, "sleep 60 & read line")
	child := childOf(t, cmd.Process.Pid)
	t.Cleanup(func() { _ = unix.Kill(int(child), unix.SIGKILL) })
	query := queryNow(child)
	query.PPID = uint32(cmd.Process.Pid)
	seen := r.Family(query, false)
	if seen.parent() == nil || seen.parent().PID != query.PPID {
		t.Fatalf("%+v", seen)
	}
	_ = stdin.Close()
	_ = cmd.Wait()
	if kept := r.Family(query, true); kept.parent() != seen.parent() {
		t.Errorf("the parent that was known is %+v", kept.parent())
	}
	late := newTestResolver(t).Family(query, false)
	if late.Process == nil || len(late.Ancestors) != 0 || !slices.Contains(late.Missing, "parent"+procAbsent) {
		t.Errorf("a parent that nobody saw: %+v", late)
	}
}

// copyOfProc makes a copy of a proc file system with the processes 1, 100 and 200,
// each the parent of the next; 200 is in a session of 150, which has ended.
func copyOfProc(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "proc")
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stat := func(pid, ppid, group, session, terminal, ticks int) {
		write(fmt.Sprintf("%d/stat", pid), fmt.Sprintf("%d (a ) %d) S %d %d %d %d -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0 18446744073709551615 1 1 140 0 0 0\n",
			pid, pid, ppid, group, session, terminal, ticks))
		write(fmt.Sprintf("%d/status", pid), fmt.Sprintf("Name:\ta\nTgid:\t%d\nPid:\t%d\n", pid, pid))
		write(fmt.Sprintf("%d/cmdline", pid), fmt.Sprintf("/bin/of-%d\x00-x\x00", pid))
		if err := os.Symlink(fmt.Sprintf("/bin/of-%d (deleted)", pid), filepath.Join(root, fmt.Sprint(pid), "exe")); err != nil {
			t.Fatal(err)
		}
	}
	write("stat", "btime 1700000000\n")
	write("200/cgroup", "12:pids:/docker/"+strings.Repeat("0a", 32)+"\n0::/system.slice/x.service\n")
	stat(1, 0, 1, 1, 0, 5)
	stat(100, 1, 100, 100, 136<<8|7, 100)
	stat(200, 100, 150, 150, 136<<8|7, 200)
	return root
}

// queryOfCopy is of an event of process 200 there.
func queryOfCopy() ProcessQuery {
	return ProcessQuery{PID: 200, PPID: 100, AUID: unset, Session: unset, Executable: "/bin/of-200", Time: 1_700_000_100_000, Sequence: 1}
}

func TestFamilyOfACopy(t *testing.T) {
	r, err := NewProcResolver(copyOfProc(t), &HostFacts{ID: "h", BootID: "b"})
	if err != nil {
		t.Fatal(err)
	}
	family := patientFamily(t, r, queryOfCopy(), false)
	self := family.Process
	if self == nil || self.Name != "a ) 200" || self.Executable != "/bin/of-200" || !self.Deleted || !slices.Equal(self.Args, []string{"/bin/of-200", "-x"}) ||
		self.Terminal != (charDevice{136, 7}) || self.Start != 1_700_000_002_000_000_000 {
		t.Errorf("the process is %+v", self)
	}
	if len(family.Ancestors) != 2 || family.Ancestors[0].PID != 100 || family.Ancestors[1].PID != 1 {
		t.Errorf("the ancestors are %+v", family.Ancestors)
	}
	if family.SessionLeader != nil || family.GroupLeader != nil || !slices.Equal(family.Missing, []string{"session_leader" + procAbsent, "group_leader" + procAbsent}) {
		t.Errorf("leaders %+v, %+v, missing %q", family.SessionLeader, family.GroupLeader, family.Missing)
	}
	if family.EntryLeader != family.Ancestors[0] || family.EntryType != entryInit {
		t.Errorf("the entry leader is %+v, %s", family.EntryLeader, family.EntryType)
	}
	if family.Cgroup.Runtime != "docker" || family.Cgroup.Unit != "x.service" {
		t.Errorf("the cgroup is %+v", family.Cgroup)
	}
}

// TestFamilyOfAProcessThatBlocks has command lines that nobody can read to the end.
func TestFamilyOfAProcessThatBlocks(t *testing.T) {
	root := copyOfProc(t)
	var pipes []string
	for _, pid := range []string{"1", "100", "200"} {
		pipe := filepath.Join(root, pid, "cmdline")
		if err := os.Remove(pipe); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		pipes = append(pipes, pipe)
	}
	r, err := NewProcResolver(root, &HostFacts{ID: "h", BootID: "b"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r.clock.now = func() time.Time { return now }
	family := r.Family(queryOfCopy(), false)
	if family.Process == nil || len(family.Ancestors) != 2 || family.Process.Args != nil || family.Ancestors[0].Args != nil {
		t.Errorf("%+v", family)
	}
	for _, want := range []string{"command_line", "parent.command_line"} {
		if !slices.Contains(family.Missing, want+": the process does not let it be read") {
			t.Errorf("missing is %q", family.Missing)
		}
	}
	for range 3 * procMemoryReaders { // more than can be stuck at a time
		if family = r.Family(queryOfCopy(), true); family.Process == nil {
			t.Fatalf("%+v", family)
		}
	}
	if stuck := procMemoryReaders - len(r.kin.memory.idle); stuck != procMemoryReaders {
		t.Errorf("%d readers are stuck", stuck)
	}
	waitFor(t, "the end of the readers", func() bool {
		for _, pipe := range pipes {
			if fd, err := unix.Open(pipe, unix.O_WRONLY|unix.O_NONBLOCK, 0); err == nil {
				_ = unix.Close(fd)
			}
		}
		return len(r.kin.memory.idle) == procMemoryReaders
	})
}

// TestMemoryPatience has reads that take their time each: all together they keep
// nobody waiting.
func TestMemoryPatience(t *testing.T) {
	m := newProcMemory(newProcFiles(copyOfProc(t)))
	now := time.Unix(1000, 0)
	m.now = func() time.Time {
		now = now.Add(procMemoryPatience / 2)
		return now
	}
	read := 0
	for range 100 {
		if _, err := m.look(200, true); err == nil {
			read++
		}
	}
	if read < 5 || read > 60 {
		t.Errorf("%d of 100 slow reads were waited for", read)
	}
}

func TestEntryLeader(t *testing.T) {
	process := func(pid, session uint32, name string) *ProcessFacts {
		return &ProcessFacts{PID: pid, Session: session, Executable: "/x/" + name}
	}
	initial, sshd := process(1, 1, "systemd"), process(50, 50, "sshd")
	console := process(70, 70, "bash")
	console.Terminal = charDevice{4, 1}
	for _, test := range []struct {
		name  string
		chain []*ProcessFacts
		pid   uint32
		kind  string
	}{
		{"by ssh", []*ProcessFacts{process(63, 62, "nc"), process(62, 62, "bash"), process(61, 61, "sshd"), sshd, initial}, 62, entrySSH},
		{"by ssh without a session", []*ProcessFacts{process(63, 50, "nc"), sshd, initial}, 50, entryInit},
		{"its own session below ssh's", []*ProcessFacts{process(64, 64, "nc"), process(62, 62, "bash"), process(61, 61, "sshd-session"), sshd, initial}, 62, entrySSH},
		{"a container", []*ProcessFacts{process(83, 80, "nc"), process(80, 80, "sh"), process(79, 79, "containerd-shim-runc-v2"), initial}, 80, entryContainer},
		{"the console", []*ProcessFacts{console, process(69, 69, "login"), initial}, 70, entryConsole},
		{"a service", []*ProcessFacts{process(91, 90, "worker"), process(90, 90, "httpd"), initial}, 90, entryInit},
		{"a child of init in its session", []*ProcessFacts{process(92, 1, "x"), initial}, 1, entryInit},
		{"init", []*ProcessFacts{initial}, 1, entryInit},
		{"an incomplete chain", []*ProcessFacts{process(95, 94, "x"), process(94, 94, "sh")}, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			leader, kind := (&Family{Process: test.chain[0], Ancestors: test.chain[1:]}).entryLeader()
			pid := uint32(0)
			if leader != nil {
				pid = leader.PID
			}
			if pid != test.pid || kind != test.kind {
				t.Errorf("%d, %q, not %d, %q", pid, kind, test.pid, test.kind)
			}
		})
	}
}

func TestSplitArgs(t *testing.T) {
	for _, test := range []struct {
		name, data string
		want       []string
		cut        bool
	}{
		{"usual", "a\x00\x00b c\x00", []string{"a", "", "b c"}, false},
		{"none", "", nil, false},
		{"a title", "sshd: root@pts/0\x00\x00\x00\x00", []string{"sshd: root@pts/0"}, false},
		{"no end", "a\x00b", []string{"a", "b"}, false},
		{"too long", strings.Repeat("a", procArgsLimit), []string{strings.Repeat("a", procArgsLimit)}, true},
		{"too many", strings.Repeat("a\x00", procArgsCount+1), slices.Repeat([]string{"a"}, procArgsCount), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			args, cut := procSplitArgs([]byte(test.data))
			if !slices.Equal(args, test.want) || cut != test.cut {
				t.Errorf("%q, %v", args, cut)
			}
		})
	}
}

// BenchmarkFamily compares what an event costs whose process is identified, whose
// relatives are known from a moment ago, and whose relatives are looked at afresh.
func BenchmarkFamily(b *testing.B) {
	r := newTestResolver(b)
	cmd, _ := startShell(b, "read line")
	query := queryNow(uint32(cmd.Process.Pid))
	b.Run("identify", func(b *testing.B) {
		for b.Loop() {
			r.Identify(query)
		}
	})
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			r.Family(query, false)
		}
	})
	b.Run("fresh", func(b *testing.B) {
		for b.Loop() {
			r.Family(query, true)
		}
	})
}
