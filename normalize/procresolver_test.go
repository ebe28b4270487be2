package normalize

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newTestResolver(t testing.TB) *ProcResolver {
	t.Helper()
	resolver, err := NewProcResolver("/proc", &HostFacts{ID: "0123456789abcdef", BootID: "boot"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := resolver.Close(); err != nil {
			t.Error(err)
		}
	})
	return resolver
}

// eachKernel runs a test as on a kernel with pidfd_open(2), where this one has
// it, and as on one without.
func eachKernel(t *testing.T, test func(*testing.T, *ProcResolver)) {
	t.Run("pidfd", func(t *testing.T) {
		resolver := newTestResolver(t)
		if resolver.pidfds.folders != nil {
			t.Skip("no pidfd_open on this kernel")
		}
		test(t, resolver)
	})
	t.Run("folder", func(t *testing.T) {
		resolver := newTestResolver(t)
		resolver.pidfds.close()
		resolver.pidfds = newProcFolders("/proc")
		test(t, resolver)
	})
	t.Run("stat", func(t *testing.T) {
		resolver := newTestResolver(t)
		resolver.pidfds = nil
		test(t, resolver)
	})
}

// queryNow is of an event that happens now.
func queryNow(pid uint32) ProcessQuery {
	return ProcessQuery{
		PID: pid, PPID: uint32(os.Getpid()), AUID: 1000, Session: 2,
		Executable: "/bin/sh", Time: time.Now().UnixMilli(), Sequence: 1,
	}
}

// startShell runs a shell script. It ends when the returned pipe is closed and it
// reads from it, and at the latest with the test.
func startShell(t testing.TB, script string) (*exec.Cmd, io.WriteCloser) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	return cmd, stdin
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func waitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen within 10 s", what)
		}
	}
}

func TestIdentityOfThisProcess(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		pid := uint32(os.Getpid())
		got := resolver.Identify(queryNow(pid))
		if len(got.EntityID) != 22 || got.PID != pid || got.Inferred {
			t.Errorf("got %+v", got)
		}
		if age := time.Since(time.Unix(0, got.Start)); age < -20*time.Millisecond || age > 10*time.Minute {
			t.Errorf("this process started %v ago", age)
		}
		if again := resolver.Identify(queryNow(pid)); again != got {
			t.Errorf("got %+v, then %+v", got, again)
		}
		if other := newTestResolver(t).Identify(queryNow(pid)); other.EntityID != got.EntityID {
			t.Error("another resolver gives another identity")
		}
	})
}

func TestIdentityIsThatOfABootOfAHost(t *testing.T) {
	seen := make(map[string]bool)
	for _, facts := range []*HostFacts{{ID: "a", BootID: "b"}, {ID: "a", BootID: "c"}, {ID: "c", BootID: "b"}, {ID: "ab"}, nil} {
		resolver, err := NewProcResolver("testdata/proc/current/proc", facts)
		if err != nil {
			t.Fatal(err)
		}
		seen[resolver.Identify(copyQuery(100)).EntityID] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d identities on five hosts", len(seen))
	}
}

func TestIdentityOutlastsExec(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		cmd, stdin := startShell(t, "read line; exec cat")
		pid := uint32(cmd.Process.Pid)
		before := resolver.Identify(queryNow(pid))
		shell := resolver.Executable(pid)
		if _, err := io.WriteString(stdin, "go\n"); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "exec", func() bool { return resolver.Executable(pid) != shell })
		query := queryNow(pid)
		query.Executable = "/bin/cat"
		if after := resolver.Identify(query); after != before || after.Inferred {
			t.Errorf("%+v became %+v", before, after)
		}
		if fresh := newTestResolver(t).Identify(query); fresh.EntityID != before.EntityID {
			t.Error("a resolver that came after the exec gives another identity")
		}
	})
}

// otherThreads are two threads of this process, until the test ends; neither is its first,
// which a goroutine may have as any other.
func otherThreads(t *testing.T) (tids []int) {
	t.Helper()
	started, done := make(chan int), make(chan struct{})
	t.Cleanup(func() { close(done) })
	for range 3 {
		go func() {
			runtime.LockOSThread()
			started <- unix.Gettid()
			<-done
		}()
	}
	for range 3 {
		if tid := <-started; tid != os.Getpid() && len(tids) < 2 {
			tids = append(tids, tid)
		}
	}
	return tids
}

func TestThreadIsOfItsGroup(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		tids := otherThreads(t)
		group := resolver.Identify(queryNow(uint32(os.Getpid())))
		for _, one := range tids {
			tid := uint32(one)
			for range 2 { // found and remembered
				if got := resolver.Identify(queryNow(tid)); got.EntityID != group.EntityID || got.PID != uint32(os.Getpid()) {
					t.Errorf("thread %d: got %+v, want %+v", tid, got, group)
				}
			}
			known := resolver.processes.get(tid)
			if known == nil || !known.verified {
				t.Errorf("thread %d is not remembered", tid)
			}
		}
	})
}

// TestThreadsRecordsAreOfTheirProcess has records as kernels before 4.9 write them,
// where pid= is the thread: one thread connects, another calls setsid.
func TestThreadsRecordsAreOfTheirProcess(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		tids := otherThreads(t)
		var events []seen
		c := NewCorrelator(Options{Resolver: resolver, Emit: func(event *Event) { events = append(events, look(t, event)) }})
		for i, tid := range tids {
			now := time.Now().UnixMilli()
			stamp := fmt.Sprintf("audit(%d.%03d:%d)", now/1000, now%1000, i+1)
			at := strings.NewReplacer("audit(1.000:1)", stamp, " pid=9 ", fmt.Sprintf(" pid=%d ", tid))
			line := syscallLine("c000003e", 112, "yes", int64(os.Getpid()), "a0=0 a1=0 a2=0 a3=0")
			if i == 0 {
				line = syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0")
				live(t, c, at.Replace(inet4Line))
			}
			live(t, c, at.Replace(line))
		}
		c.Flush()
		want := resolver.Identify(queryNow(uint32(os.Getpid())))
		for i, one := range events {
			if one.text("process.entity_id") != want.EntityID || one.text("tripline.identity") != "verified" ||
				one.fields["process.pid"].Int() != int64(os.Getpid()) || one.fields["process.thread.id"].Int() != int64(tids[i]) {
				t.Errorf("event %d is %s, not of %+v", i, one.json, want)
			}
		}
		if len(events) != 2 || events[0].text("event.action") != "connection_attempted" || events[1].text("event.action") != "session_id_change" {
			t.Errorf("the events are %+v", events)
		}
	})
}

func TestGoneProcessKeepsItsIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*ProcessQuery)
		same   bool
	}{
		"as before":       {func(*ProcessQuery) {}, true},
		"another parent":  {func(q *ProcessQuery) { q.PPID++ }, false},
		"another program": {func(q *ProcessQuery) { q.Executable = "/bin/cat" }, false},
		"no program":      {func(q *ProcessQuery) { q.Executable = "" }, true},
		"both":            {func(q *ProcessQuery) { q.PPID, q.Executable = 1, "/bin/cat" }, false},
		"another login":   {func(q *ProcessQuery) { q.AUID++ }, false},
		"another session": {func(q *ProcessQuery) { q.Session++ }, false},
	} {
		t.Run(name, func(t *testing.T) {
			eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
				cmd, _ := startShell(t, "read line")
				query := queryNow(uint32(cmd.Process.Pid))
				alive := resolver.Identify(query)
				end(cmd)
				test.change(&query)
				query.Sequence++
				gone := resolver.Identify(query)
				if alive.Inferred || !gone.Inferred || gone.PID != query.PID {
					t.Errorf("got %+v, then %+v", alive, gone)
				}
				if same := gone.EntityID == alive.EntityID; same != test.same {
					t.Errorf("same identity: %v, want %v", same, test.same)
				}
				query.Sequence++
				if again := resolver.Identify(query); again != gone {
					t.Errorf("got %+v, then %+v", gone, again)
				}
			})
		})
	}
}

func TestProcessThatWasNeverSeen(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		cmd, _ := startShell(t, "exit")
		_ = cmd.Wait()
		query := queryNow(uint32(cmd.Process.Pid))
		query.Time -= 10
		first := resolver.Identify(query)
		if !first.Inferred || first.Start != 0 || first.PID != query.PID || len(first.EntityID) != 22 {
			t.Errorf("got %+v", first)
		}
		query.Sequence, query.Time = 2, query.Time+3
		if second := resolver.Identify(query); second != first {
			t.Error("two events of a gone process have two identities")
		}
		query.Session++
		if third := resolver.Identify(query); third.EntityID == first.EntityID {
			t.Error("events of two sessions have one identity")
		}
	})
}

func TestProcessOfAnotherUserIsVerified(t *testing.T) {
	// Without root, process 1 may not be sent a signal.
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		first := resolver.Identify(queryNow(1))
		if second := resolver.Identify(queryNow(1)); first.Inferred || second != first {
			t.Errorf("got %+v, then %+v", first, second)
		}
	})
}

func TestZombieIsStillThere(t *testing.T) {
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		cmd, stdin := startShell(t, "read line")
		pid := uint32(cmd.Process.Pid)
		before := resolver.Identify(queryNow(pid))
		stdin.Close()
		waitFor(t, "the end", func() bool { return resolver.Executable(pid) == "" })
		for _, r := range []*ProcResolver{resolver, newTestResolver(t)} {
			if got := r.Identify(queryNow(pid)); got.EntityID != before.EntityID || got.Inferred {
				t.Errorf("got %+v, want %+v", got, before)
			}
		}
	})
}

func TestPIDIsUsedAgain(t *testing.T) {
	const last = "/proc/sys/kernel/ns_last_pid"
	if err := os.WriteFile(last, []byte("30000"), 0); err != nil {
		t.Skipf("the next pid cannot be chosen: %v", err)
	}
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		first, _ := startShell(t, "read line")
		pid := first.Process.Pid
		query := queryNow(uint32(pid))
		before := resolver.Identify(query)
		end(first)
		time.Sleep(100 * time.Millisecond) // more than the clocks may be apart
		for attempt := 0; ; attempt++ {
			if err := os.WriteFile(last, []byte(strconv.Itoa(pid-1)), 0); err != nil {
				t.Skip(err)
			}
			second, _ := startShell(t, "read line")
			if second.Process.Pid == pid {
				break
			}
			end(second)
			if attempt == 100 {
				t.Skip("another process was faster a hundred times")
			}
		}
		late := resolver.Identify(query) // of the first, which is gone
		if late.EntityID != before.EntityID || !late.Inferred {
			t.Errorf("a late event of the first process: got %+v, want %+v", late, before)
		}
		query.Time = time.Now().UnixMilli()
		after := resolver.Identify(query)
		if after.Inferred || after.EntityID == before.EntityID || after.Start <= before.Start {
			t.Errorf("got %+v, then %+v", before, after)
		}
		query.Time = time.Unix(0, before.Start).UnixMilli()
		if old := resolver.Identify(query); old.EntityID == after.EntityID || !old.Inferred {
			t.Errorf("an event from before the second process is one of it: %+v", old)
		}
	})
}

// copyBoot is the boot time of testdata/proc/current in milliseconds.
const copyBoot = 1_700_000_000_000

// copyQuery is of an event on the host of testdata/proc/current, 2000 s after
// boot.
func copyQuery(pid uint32) ProcessQuery {
	return ProcessQuery{PID: pid, PPID: 1, AUID: 0, Session: 5, Executable: "/bin/x", Time: copyBoot + 2_000_000, Sequence: 9}
}

// newCopyResolver makes a resolver of a copy of testdata/proc/current, which it
// returns and which may be changed. Its clock stands at 2001 s after boot.
func newCopyResolver(t *testing.T) (resolver *ProcResolver, root string) {
	t.Helper()
	root = t.TempDir()
	if err := os.CopyFS(root, os.DirFS("testdata/proc/current/proc")); err != nil {
		t.Fatal(err)
	}
	resolver, err := NewProcResolver(root, &HostFacts{ID: "a", BootID: "b"})
	if err != nil {
		t.Fatal(err)
	}
	resolver.clock.now = func() time.Time { return time.UnixMilli(copyBoot + 2_001_000) }
	return resolver, root
}

func TestIdentitiesOfACopy(t *testing.T) {
	resolver, _ := newCopyResolver(t)
	// The ids are written down because those of recorded events depend on them.
	for pid, want := range map[uint32]Identity{
		1:   {"63i0lCRhUaWXuxwYZfxyVg", 1, 1_700_000_000_040_000_000, false},
		100: {"UgUjb6IZwCaE1BqxXfi4sg", 100, 1_700_000_500_000_000_000, false},
		200: {"ybyeAywNXS2KSymw20KgKw", 200, 1_700_000_600_000_000_000, false},
		201: {"ybyeAywNXS2KSymw20KgKw", 200, 1_700_000_600_000_000_000, false},
		300: {"CRynXhP26jNLbjVGbxVMlw", 300, 1_700_000_700_000_000_000, false},
		400: {"M-yYmLvpRLIZXdMJN62xMQ", 400, 0, true},
	} {
		if got := resolver.Identify(copyQuery(pid)); got != want {
			t.Errorf("%d: got %+v, want %+v", pid, got, want)
		}
	}
}

func TestLaterProcessIsRefused(t *testing.T) {
	for after, refused := range map[int64]bool{-1000: true, -21: true, -20: false, -10: false, 0: false, 1000: false} {
		resolver, _ := newCopyResolver(t)
		query := copyQuery(200)
		query.Time = copyBoot + 600_000 + after
		if got := resolver.Identify(query); got.Inferred != refused {
			t.Errorf("an event %d ms after the start: got %+v", after, got)
		}
	}
}

func TestLaterProcessGivesNoIdentityToAnEarlierOne(t *testing.T) {
	resolver, _ := newCopyResolver(t)
	living := resolver.Identify(copyQuery(200))
	query := copyQuery(200)
	query.Time = copyBoot + 100_000
	early := resolver.Identify(query)
	if !early.Inferred || early.EntityID == living.EntityID {
		t.Errorf("got %+v for an event from before %+v", early, living)
	}
	if again := resolver.Identify(copyQuery(200)); again != living {
		t.Errorf("got %+v, want %+v again", again, living)
	}
}

func TestThreadIDIsUsedAgain(t *testing.T) {
	resolver, root := newCopyResolver(t)
	thread := resolver.Identify(copyQuery(201))
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("201/status", "Name:\tnew\nTgid:\t201\nPid:\t201\n")
	write("201/stat", statLine(201, "new", 1, 70000))
	process := resolver.Identify(copyQuery(201))
	if process.PID != 201 || process.EntityID == thread.EntityID || process.Inferred {
		t.Errorf("got %+v for what was a thread of %+v", process, thread)
	}
	write("201/status", "Name:\tnew\nTgid:\t200\nPid:\t201\n")
	if got := resolver.Identify(copyQuery(200)); got.EntityID != thread.EntityID {
		t.Errorf("got %+v, want %+v", got, thread)
	}
}

func TestNobodyActsAfterItsEnd(t *testing.T) {
	resolver, root := newCopyResolver(t)
	alive := resolver.Identify(copyQuery(100))
	if err := os.RemoveAll(filepath.Join(root, "100")); err != nil {
		t.Fatal(err)
	}
	query := copyQuery(100)
	if got := resolver.Identify(query); got.EntityID != alive.EntityID {
		t.Errorf("got %+v, want %+v", got, alive)
	}
	// It was gone at 2001 s.
	query.Time = copyBoot + 2_003_000
	next := resolver.Identify(query)
	if next.EntityID == alive.EntityID {
		t.Error("an event from after the end of a process is one of it")
	}
	resolver.clock.now = func() time.Time { return time.UnixMilli(copyBoot + 2_010_000) }
	query.Time++
	if got := resolver.Identify(query); got.EntityID == alive.EntityID {
		t.Error("the ended process came back")
	}
}

// TestSilentRecordsOfTheGone has what a process was found to be last for an event of which
// it is gone, where a record that says less comes before that or after.
func TestSilentRecordsOfTheGone(t *testing.T) {
	silent := func(q ProcessQuery) ProcessQuery {
		q.PPID = 0
		return q
	}
	loginless := func(q ProcessQuery) ProcessQuery {
		return ProcessQuery{PID: q.PID, AUID: unset, Session: unset, NoLogin: true, Time: q.Time, Sequence: q.Sequence}
	}
	login := func(q ProcessQuery) ProcessQuery {
		return ProcessQuery{PID: q.PID, AUID: 7, Session: 8, LogsIn: true, OldAUID: q.AUID, OldSession: q.Session, Time: q.Time, Sequence: q.Sequence}
	}
	for name, say := range map[string]func(ProcessQuery) ProcessQuery{"no parent": silent, "no login": loginless, "a login": login} {
		for _, first := range []bool{true, false} {
			resolver, root := newCopyResolver(t)
			query := copyQuery(100)
			alive := resolver.Identify(query)
			if first {
				resolver.Received()
				resolver.Identify(say(query))
			}
			if err := os.RemoveAll(filepath.Join(root, "100")); err != nil {
				t.Fatal(err)
			}
			resolver.Received()
			if !first {
				resolver.Identify(say(query))
			}
			if query.Sequence++; name == "a login" {
				query.AUID, query.Session = 7, 8
			}
			if got := resolver.Identify(query); got.EntityID != alive.EntityID || !got.Inferred {
				t.Errorf("%s, before the end %v: got %+v, want %+v", name, first, got, alive)
			}
		}
	}
}

func TestUnreadableProcess(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "cut off": "100 (x) S 1 1", "another pid": statLine(99, "x", 1, 5), "text": strings.Repeat("x", 10000),
	} {
		resolver, root := newCopyResolver(t)
		if err := os.WriteFile(filepath.Join(root, "100/stat"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		first := resolver.Identify(copyQuery(100))
		query := copyQuery(100)
		query.Time += 900
		if second := resolver.Identify(query); !first.Inferred || second != first {
			t.Errorf("%s: got %+v, then %+v", name, first, second)
		}
		query.Time += 600_000 // time enough for the pid to be given to another one
		if third := resolver.Identify(query); third.EntityID == first.EntityID {
			t.Errorf("%s: got %+v again", name, third)
		}
	}
}

func TestParentIsTakenFromProcWhereTheRecordLacksIt(t *testing.T) {
	resolver, root := newCopyResolver(t)
	query := copyQuery(300)
	query.PPID, query.Executable = 0, ""
	alive := resolver.Identify(query)
	if err := os.RemoveAll(filepath.Join(root, "300")); err != nil {
		t.Fatal(err)
	}
	query.PPID = 100
	if got := resolver.Identify(query); got.EntityID != alive.EntityID {
		t.Errorf("got %+v, want %+v", got, alive)
	}
}

func TestProcessesAreBounded(t *testing.T) {
	resolver := newTestResolver(t)
	const beyond = 1 << 23 // more than any pid
	for i := range uint32(procProcessLimit + 50) {
		resolver.Identify(queryNow(beyond + i))
	}
	if got := len(resolver.processes.index); got != procProcessLimit {
		t.Errorf("%d processes, want %d", got, procProcessLimit)
	}
	if got := resolver.Stats().Evicted; got != 50 {
		t.Errorf("%d were evicted, want 50", got)
	}
}

func TestDescriptorsAreBounded(t *testing.T) {
	resolver := newTestResolver(t)
	if resolver.pidfds == nil {
		t.Skip("no pidfd_open on this kernel")
	}
	resolver.pidfds.open.limit = 3
	var queries []ProcessQuery
	var identities []Identity
	for range 6 {
		cmd, _ := startShell(t, "read line")
		queries = append(queries, queryNow(uint32(cmd.Process.Pid)))
		identities = append(identities, resolver.Identify(queries[len(queries)-1]))
	}
	for round := range 3 {
		for i, query := range queries {
			if got := resolver.Identify(query); got != identities[i] {
				t.Errorf("round %d: got %+v, want %+v", round, got, identities[i])
			}
		}
		if got := len(resolver.pidfds.open.index); got != 3 {
			t.Errorf("%d descriptors are kept, want 3", got)
		}
	}
	held := countDescriptors(t)
	if err := resolver.Close(); err != nil {
		t.Error(err)
	}
	if got := countDescriptors(t); got != held-4 { // and that of the root directory
		t.Errorf("Close left %d of %d descriptors open, want %d", got, held, held-4)
	}
}

func TestForgottenProcessGivesItsDescriptorBack(t *testing.T) {
	resolver := newTestResolver(t)
	if resolver.pidfds == nil {
		t.Skip("no pidfd_open on this kernel")
	}
	before := countDescriptors(t)
	resolver.processes.limit = 1
	resolver.Identify(queryNow(uint32(os.Getpid())))
	resolver.Identify(queryNow(1 << 23))
	if got := countDescriptors(t); got != before {
		t.Errorf("%d descriptors, want %d", got, before)
	}
}

func TestIdentifyDoesNotAllocateForTheKnown(t *testing.T) {
	tids, done := make(chan int), make(chan struct{})
	defer close(done)
	go func() {
		runtime.LockOSThread()
		tids <- unix.Gettid()
		<-done
	}()
	tid := uint32(<-tids)
	eachKernel(t, func(t *testing.T, resolver *ProcResolver) {
		for name, pid := range map[string]uint32{"process": uint32(os.Getpid()), "thread": tid} {
			query := queryNow(pid)
			resolver.Identify(query)
			if got := testing.AllocsPerRun(1000, func() { resolver.Identify(query) }); got != 0 {
				t.Errorf("%s: %v allocations", name, got)
			}
		}
	})
}

func TestExecutable(t *testing.T) {
	resolver := newTestResolver(t)
	want, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got := resolver.Executable(uint32(os.Getpid())); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := resolver.Executable(1 << 23); got != "" {
		t.Errorf("no process: got %q", got)
	}
}

func TestUserNameIsOfTheFileBesideRoot(t *testing.T) {
	resolver, err := NewProcResolver("testdata/proc/current/proc", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := resolver.UserName(1000); got != "alice" {
		t.Errorf("got %q, want alice", got)
	}
}

func BenchmarkIdentifyHit(b *testing.B) {
	for _, name := range []string{"pidfd", "folder", "stat"} {
		b.Run(name, func(b *testing.B) {
			resolver := newTestResolver(b)
			switch name {
			case "folder":
				resolver.pidfds = newProcFolders("/proc")
			case "stat":
				resolver.pidfds = nil
			}
			query := queryNow(uint32(os.Getpid()))
			b.ReportAllocs()
			for b.Loop() {
				resolver.Identify(query)
			}
		})
	}
}

func BenchmarkIdentifyMiss(b *testing.B) {
	resolver := newTestResolver(b)
	query := queryNow(uint32(os.Getpid()))
	b.ReportAllocs()
	for b.Loop() {
		resolver.processes.drop(query.PID)
		resolver.Identify(query)
	}
}

func BenchmarkIdentifyGone(b *testing.B) {
	resolver := newTestResolver(b)
	query := queryNow(1 << 23)
	b.ReportAllocs()
	for b.Loop() {
		resolver.Identify(query)
	}
}
