package normalize

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tripline/internal/recvbatch"
)

// newFollower is a resolver that the kernel tells of forks.
func newFollower(t testing.TB) *ProcResolver {
	t.Helper()
	resolver := newTestResolver(t)
	if err := resolver.Follow(); err != nil {
		if os.Getenv("CI") == "true" && os.Getuid() == 0 {
			t.Fatal(err)
		}
		t.Skipf("the kernel does not tell of forks here: %v", err)
	}
	time.Sleep(15 * time.Millisecond) // events have times after the beginning
	return resolver
}

// nextPID makes pid the next that is given to a process; false where another
// process was faster.
func startWithPID(t *testing.T, pid int, command *exec.Cmd) bool {
	t.Helper()
	if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
		t.Skipf("the next pid cannot be chosen: %v", err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command.Process.Pid == pid
}

// lived is a question about a process that has ended and lived at its time.
func lived(t *testing.T) ProcessQuery {
	t.Helper()
	command := exec.Command("/bin/cat")
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	query := queryNow(uint32(command.Process.Pid))
	_ = input.Close()
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	return query
}

func TestProcessThatEndsAtOnceIsExact(t *testing.T) {
	resolver, second := newFollower(t), newFollower(t)
	seen := make(map[string]bool)
	for range 20 {
		before := time.Now()
		query := lived(t)
		got := resolver.Identify(query)
		if got.Inferred || got.PID != query.PID || seen[got.EntityID] {
			t.Errorf("got %+v", got)
		}
		if age := time.Unix(0, got.Start).Sub(before); age < -time.Millisecond || age > time.Second {
			t.Errorf("it started %v after it was started", age)
		}
		seen[got.EntityID] = true
		query.Executable, query.PPID = "/another/program", 1 // it may have done that
		if again := resolver.Identify(query); again != got {
			t.Errorf("got %+v, then %+v", got, again)
		}
		if other := second.Identify(query); other.EntityID != got.EntityID {
			t.Errorf("another follower gives %+v", other)
		}
	}
	if stats := resolver.Stats(); stats.Verified < 40 || stats.Inferred != 0 || stats.Lives.Forks < 20 || stats.Lives.Exits < 20 {
		t.Errorf("counted %+v", stats)
	}
}

func TestFollowedProcessHasTheIdentityOfProc(t *testing.T) {
	resolver, plain := newFollower(t), newTestResolver(t)
	command, _ := startShell(t, "read line")
	query := queryNow(uint32(command.Process.Pid))
	alive := resolver.Identify(query)
	if want := plain.Identify(query); alive.EntityID != want.EntityID || alive.Inferred {
		t.Errorf("got %+v, /proc gives %+v", alive, want)
	}
	end(command)
	query.Executable = "/bin/cat"
	if gone := resolver.Identify(query); gone.EntityID != alive.EntityID {
		t.Errorf("it was %+v and is %+v", alive, gone)
	}
}

func TestPIDUsedAgainBeforeAnybodyLooked(t *testing.T) {
	resolver := newFollower(t)
	var queries []ProcessQuery
	pid := 0
	for attempt := 0; len(queries) < 3; attempt++ {
		if attempt == 20 {
			t.Skip("other processes were faster")
		}
		command := exec.Command("/bin/cat") // it lives at the time that is asked for
		input, err := command.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if pid == 0 {
			pid = 29000
		}
		right := startWithPID(t, pid, command)
		now := time.Now().UnixMilli()
		_ = input.Close()
		_ = command.Wait()
		if right {
			query := queryNow(uint32(pid))
			query.Time, query.Sequence = now, uint64(attempt)
			queries = append(queries, query)
		}
		time.Sleep(300 * time.Millisecond)
	}
	seen := make(map[string]bool)
	for round := range 2 {
		for _, query := range queries { // all alike but for their times
			got := resolver.Identify(query)
			if got.Inferred || round == 0 && seen[got.EntityID] || round == 1 && !seen[got.EntityID] {
				t.Errorf("round %d: got %+v", round, got)
			}
			seen[got.EntityID] = true
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d identities of three processes", len(seen))
	}
}

// TestProcessOfTheFirstMoments has a process whose fork was told right after the
// kernel began to tell, with an event that may have been before that: it is known from
// /proc then, and still the same when it is gone.
func TestProcessOfTheFirstMoments(t *testing.T) {
	for range 20 {
		resolver := newFollower(t)
		command := exec.Command("/bin/sleep", "60")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		query := queryNow(uint32(command.Process.Pid))
		query.Time -= 14 // before the kernel began to tell, as its coarse clock may have it
		first := resolver.Identify(query)
		end(command)
		query.Time += 14
		query.Sequence++
		if second := resolver.Identify(query); !first.Inferred && second.EntityID != first.EntityID {
			t.Errorf("it was %+v and is %+v", first, second)
		}
	}
}

// endOfFirst is the time of day, in milliseconds, at which the first of two
// processes ended, 0 unless the second began soon after.
func endOfFirst(c *procConnector, pid uint32) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drain()
	var lives []procLife
	c.lives.each(pid, func(life *procLife) bool {
		lives = append(lives, *life)
		return true
	})
	if len(lives) != 2 || lives[0].start-lives[1].end > int64(200*time.Millisecond) {
		return 0
	}
	return (lives[1].end + c.day) / int64(time.Millisecond)
}

func TestPIDUsedAgainAtOnceIsJoinedToNone(t *testing.T) {
	resolver := newFollower(t)
	for attempt := 0; ; attempt++ {
		if attempt == 300 {
			t.Skip("other processes were faster")
		}
		first, second := exec.Command("/bin/true"), exec.Command("/bin/true")
		resolver.connector.mu.Lock()
		resolver.connector.lives.forget(0)
		resolver.connector.mu.Unlock()
		if !startWithPID(t, 29500, first) {
			_ = first.Wait()
			continue
		}
		_ = first.Wait()
		right := startWithPID(t, 29500, second)
		query := queryNow(29500)
		_ = second.Wait()
		between := endOfFirst(resolver.connector, 29500)
		if !right || between == 0 {
			continue
		}
		query.Time = between
		a := resolver.Identify(query)
		query.Sequence++
		b := resolver.Identify(query)
		if !a.Inferred || !b.Inferred || a.EntityID == b.EntityID {
			t.Errorf("got %+v and %+v", a, b)
		}
		if resolver.Stats().Unsure != 2 {
			t.Errorf("counted %+v", resolver.Stats())
		}
		return
	}
}

func TestThreadThatHasEndedIsOfItsGroup(t *testing.T) {
	resolver := newFollower(t)
	const threads = 30
	tids, release := make(chan int, threads), make(chan struct{})
	for range threads { // more than are idle
		go func() {
			runtime.LockOSThread() // and never unlocks: the thread ends with the goroutine
			tids <- unix.Gettid()
			<-release
		}()
	}
	var queries []ProcessQuery
	for range threads {
		queries = append(queries, queryNow(uint32(<-tids)))
	}
	close(release)
	want := newTestResolver(t).Identify(queryNow(uint32(os.Getpid())))
	exact := 0
	for _, query := range queries {
		waitFor(t, "the thread's end", func() bool {
			_, err := os.Stat("/proc/self/task/" + strconv.Itoa(int(query.PID)))
			return os.IsNotExist(err) || int(query.PID) == os.Getpid()
		})
		switch got := resolver.Identify(query); {
		case got.EntityID == want.EntityID && got.PID == want.PID && !got.Inferred:
			exact++
		case !got.Inferred: // one that was idle before may be inferred
			t.Errorf("got %+v for a thread of %+v", got, want)
		}
	}
	if exact < 5 {
		t.Errorf("only %d of %d threads are of this process", exact, threads)
	}
}

func TestMissedForksAreForgotten(t *testing.T) {
	resolver := newFollower(t)
	run := func() ProcessQuery {
		command := exec.Command("/bin/true")
		if err := command.Run(); err != nil {
			t.Fatal(err)
		}
		return queryNow(uint32(command.Process.Pid))
	}
	c := resolver.connector
	c.mu.Lock()
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		run()
	}
	query := run()
	c.mu.Unlock()
	if got := resolver.Identify(query); !got.Inferred {
		t.Errorf("got %+v although the fork was missed", got)
	}
	if missed := resolver.Stats().Lives.Missed; missed == 0 {
		t.Error("it is not counted")
	}
}

// TestMissedForksMakeNoWrongIdentity has a pid go from one process to another while
// messages are missed.
func TestMissedForksMakeNoWrongIdentity(t *testing.T) {
	const attempts = 20
	for range attempts {
		if missForks(t) {
			return
		}
	}
	t.Errorf("another process took the pid %d times", attempts)
}

// missForks is one attempt; false where another process took the pid.
func missForks(t *testing.T) bool {
	t.Helper()
	resolver := newFollower(t)
	first, second := exec.Command("/bin/sleep", "60"), exec.Command("/bin/sleep", "60")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	query := queryNow(uint32(first.Process.Pid))
	known := resolver.Identify(query)
	c := resolver.connector
	c.mu.Lock()
	if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1); err != nil {
		t.Fatal(err)
	}
	later := queryNow(query.PID) // of the first, and asked when it is gone
	later.Sequence++
	time.Sleep(300 * time.Millisecond)
	end(first)
	for range 50 {
		_ = exec.Command("/bin/true").Run() // it forks and exits
	}
	if !startWithPID(t, int(query.PID), second) {
		end(second)
		c.mu.Unlock()
		return false
	}
	defer end(second)
	last := queryNow(query.PID)
	last.Sequence += 2
	c.mu.Unlock()
	if got := resolver.Identify(later); !got.Inferred && got.EntityID != known.EntityID {
		t.Errorf("the first was %+v and is %+v", known, got)
	}
	if got := resolver.Identify(last); got.EntityID == known.EntityID {
		t.Errorf("the second has the identity of the first: %+v", got)
	}
	if resolver.Stats().Lives.Missed == 0 {
		t.Error("nothing was missed")
	}
	return true
}

func TestForksAreForgottenWhenTheTimeIsSet(t *testing.T) {
	resolver := newFollower(t)
	c := resolver.connector
	c.mu.Lock()
	c.day -= int64(time.Second)
	c.drain()
	stats := c.stats
	c.mu.Unlock()
	if stats.Missed != 1 || c.lives.since == 0 {
		t.Errorf("counted %+v", stats)
	}
}

func TestFollowEnds(t *testing.T) {
	before := countDescriptors(t)
	resolver, err := NewProcResolver("/proc", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := resolver.Follow(); err != nil {
		t.Skip(err)
	}
	if err := resolver.Close(); err != nil {
		t.Error(err)
	}
	if after := countDescriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

// BenchmarkFollow is what a fork and exit of another process costs.
func BenchmarkFollow(b *testing.B) {
	for _, name := range []string{"alone", "followed"} {
		b.Run(name, func(b *testing.B) {
			resolver := newTestResolver(b)
			if name == "followed" {
				if err := resolver.Follow(); err != nil {
					b.Skip(err)
				}
			}
			var before, after unix.Rusage
			_ = unix.Getrusage(unix.RUSAGE_SELF, &before)
			for b.Loop() {
				command := exec.Command("/bin/true")
				if err := command.Run(); err != nil {
					b.Fatal(err)
				}
			}
			_ = unix.Getrusage(unix.RUSAGE_SELF, &after)
			b.ReportMetric(float64(after.Utime.Nano()+after.Stime.Nano()-before.Utime.Nano()-before.Stime.Nano())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkTold is what it costs to take in the messages of a fork and an exit, many
// with one call and each with one.
func BenchmarkTold(b *testing.B) {
	for name, messages := range map[string]int{"many": procBatchMessages, "one": 1} {
		b.Run(name, func(b *testing.B) {
			resolver := newFollower(b)
			c := resolver.connector
			c.mu.Lock()
			c.batch = recvbatch.New(messages, procMessageSize)
			c.mu.Unlock()
			taken := 0
			for b.Loop() {
				b.StopTimer()
				c.mu.Lock()
				err := exec.Command("/bin/sh", "-c", "i=0; while [ $i -lt 1000 ]; do (:); i=$((i+1)); done").Run()
				b.StartTimer()
				taken += c.drain()
				c.mu.Unlock()
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(taken), "ns/message")
		})
	}
}
