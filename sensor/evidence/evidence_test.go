package evidence

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tripline/sensor/packages"
	"tripline/sensor/prevalence"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// gatherOne asks a gatherer for one piece of evidence. The budget is large, so that
// a slow machine does not decide.
func gatherOne(t *testing.T, options Options, request Request) *Evidence {
	t.Helper()
	if options.Budget == 0 {
		options.Budget = patience
	}
	g := NewGatherer(options)
	answer := make(chan *Evidence, 1)
	if !g.Add(request, func(found *Evidence) { answer <- found }) {
		t.Fatal("the request was dropped")
	}
	g.Close(context.Background())
	return <-answer
}

func TestOwnProcess(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := uint32(listener.Addr().(*net.TCPAddr).Port)
	pid := uint32(os.Getpid())
	store, _ := prevalence.Open("", 0)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	store.Saw(executable, time.Now())
	found := gatherOne(t, Options{Connections: store}, Request{Matched: time.Now(), FirstEvent: time.Now(), PID: pid, Verified: true, Executable: executable})
	if found.Process != Running {
		t.Errorf("the process is %s", found.Process)
	}
	if tree := found.Tree.Processes; len(tree) == 0 || tree[0].PID != pid || tree[0].ParentPID != uint32(os.Getppid()) || tree[0].Executable != executable {
		t.Errorf("the tree is %+v", tree)
	}
	if age := time.Since(found.Tree.Processes[0].Start); age < -2*time.Second || age > time.Hour {
		t.Errorf("the process started %v ago", age)
	}
	if file := found.Executable; len(file.SHA256) != 64 || file.Source != "process" || file.Deleted || file.Mode == "" {
		t.Errorf("the executable is %+v", file)
	}
	listens := func(one Socket) bool {
		return one.State == "LISTEN" && one.LocalPort == port && one.LocalIP == "127.0.0.1"
	}
	if !slices.ContainsFunc(found.Sockets.Sockets, listens) {
		t.Errorf("port %d is not among the sockets: %+v", port, found.Sockets)
	}
	if !slices.ContainsFunc(found.Listeners.Sockets, func(one Socket) bool { return listens(one) && one.PID == pid && one.Executable == executable }) {
		t.Errorf("port %d is not among the listeners: %+v", port, found.Listeners)
	}
	if !found.Prevalence.FirstConnection || found.Prevalence.Count != 1 {
		t.Errorf("prevalence is %+v", found.Prevalence)
	}
	if !hasHint(found, "first_connection") || !hasHint(found, "listens") {
		t.Errorf("the hints are %+v", found.Hints)
	}
	if text := string(found.Text("id")); !strings.Contains(text, executable) || strings.ContainsRune(text, 0x1b) {
		t.Errorf("the text is %q", text)
	}
}

func hasHint(found *Evidence, code string) bool {
	return slices.ContainsFunc(found.Hints, func(one Hint) bool { return one.Code == code })
}

// TestDeletedExecutable hashes a program that was removed while it runs.
func TestDeletedExecutable(t *testing.T) {
	program := filepath.Join(t.TempDir(), ".hidden")
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("needs sleep")
	}
	content, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, content, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "60")
	command.Args[0] = "sleep" // for a sleep that is one of several names
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	found := gatherOne(t, Options{}, Request{Matched: time.Now(), PID: uint32(command.Process.Pid), Verified: true, Executable: program})
	file := found.Executable
	if file.Path != program || !file.Deleted || len(file.SHA256) != 64 || file.Memfd {
		t.Errorf("the executable is %+v", file)
	}
	for _, code := range []string{"executable_deleted", "executable_hidden", "executable_recent"} {
		if !hasHint(found, code) {
			t.Errorf("no hint %s in %+v", code, found.Hints)
		}
	}
}

// TestGone says of a process that has ended what its events said.
func TestGone(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("content"), 0o755); err != nil {
		t.Fatal(err)
	}
	request := Request{
		Matched: time.Now(), PID: 1 << 30, Verified: true, ParentPID: uint32(os.Getpid()),
		Executable: program, CommandLine: "program --flag", Name: "program", UserID: "0", LoginID: "1000",
	}
	found := gatherOne(t, Options{}, request)
	if found.Process != Ended || !found.Incomplete {
		t.Errorf("the process is %s, incomplete %v", found.Process, found.Incomplete)
	}
	tree := found.Tree.Processes
	if len(tree) < 2 || tree[0].Source != "event" || tree[0].CommandLine != "program --flag" || tree[1].PID != uint32(os.Getpid()) {
		t.Errorf("the tree is %+v", tree)
	}
	// sha256 of "content"
	if file := found.Executable; file.Source != "path" || file.SHA256 != "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73" {
		t.Errorf("the executable is %+v", file)
	}
	for _, one := range []part{found.Tree, found.Executable, found.Sockets, found.Container} {
		if len(one.common().Failed) == 0 {
			t.Errorf("%+v does not say that the process has ended", one)
		}
	}
}

// TestOtherProcess refuses a pid that is another process's now.
func TestOtherProcess(t *testing.T) {
	options := Options{Identify: func(uint32) string { return "the later one" }}
	found := gatherOne(t, options, Request{Matched: time.Now(), PID: uint32(os.Getpid()), Verified: true, EntityID: "the earlier one"})
	if found.Process != Ended || len(found.Sockets.Sockets) > 0 || found.Tree.Processes[0].Source != "event" {
		t.Errorf("the evidence is that of another process: %+v", found)
	}
}

// TestProcessEndsMeanwhile marks what was read of a pid whose process changed
// while it was read.
func TestProcessEndsMeanwhile(t *testing.T) {
	var asked atomic.Int32
	options := Options{Identify: func(uint32) string {
		if asked.Add(1) == 1 {
			return "the process"
		}
		return ""
	}}
	found := gatherOne(t, options, Request{Matched: time.Now(), PID: uint32(os.Getpid()), Verified: true, EntityID: "the process"})
	if found.Process != Ended || !strings.Contains(strings.Join(found.Sockets.Failed, " "), "ended while") {
		t.Errorf("the process is %s, the sockets say %v", found.Process, found.Sockets.Failed)
	}
}

// TestHangingReading gives up on a reading that never ends, counts it, and gathers
// the rest.
func TestHangingReading(t *testing.T) {
	root := t.TempDir()
	copyProcess(t, root)
	// The list of a package is a pipe that nobody writes to: opening it waits.
	database := t.TempDir()
	info := filepath.Join(database, "var/lib/dpkg/info")
	if err := os.MkdirAll(info, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(database, "var/lib/dpkg/status"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(info, "stuck.list")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	g := NewGatherer(Options{Proc: root, Budget: 2 * time.Second, Packages: packages.NewFinder(database)})
	answer := make(chan *Evidence, 2)
	for range 2 {
		g.Add(Request{Matched: time.Now(), PID: 20, Verified: true, Executable: "/usr/share/x"}, func(found *Evidence) { answer <- found })
	}
	found := <-answer
	<-answer
	if len(found.Tree.Processes) == 0 || found.Tree.Processes[0].Name != "program" {
		t.Errorf("the tree is %+v", found.Tree)
	}
	if file := found.Executable; file.PackageState != "unknown" || !strings.Contains(strings.Join(file.Failed, " "), "package") {
		t.Errorf("the package is %s, %v", file.PackageState, file.Failed)
	}
	writer, err := os.OpenFile(pipe, os.O_WRONLY, 0) // lets the reading end
	if err != nil {
		t.Fatal(err)
	}
	writer.Close()
	g.Close(context.Background())
	waitFor(t, "the readings to end", func() bool { return g.Stats().Hanging == 0 && g.readers.running.Load() == 0 })
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// copyProcess makes a copy of /proc with one process, 20, whose parent is 1.
func copyProcess(t *testing.T, root string) {
	t.Helper()
	stat := func(pid, name, ppid string) string {
		return pid + " (" + name + ") S " + ppid + " 20 20 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0"
	}
	for name, content := range map[string]string{
		"uptime": "100.00 50.00\n",
		"1/stat": stat("1", "init", "0"), "1/status": "Name:\tinit\nUid:\t0\t0\t0\t0\n", "1/cmdline": "/sbin/init\x00",
		"20/stat": stat("20", "program", "1"), "20/status": "Name:\tprogram\nUid:\t1000\t0\t0\t0\n", "20/cmdline": "program\x00-x\x00",
		"20/loginuid": "1000", "20/sessionid": "7", "20/cgroup": "0::/system.slice/ssh.service\n", "20/comm": "program\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "20/fd"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestCopy reads a host that is not this one.
func TestCopy(t *testing.T) {
	root := t.TempDir()
	copyProcess(t, root)
	passwd := filepath.Join(root, "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found := gatherOne(t, Options{Proc: root, Passwd: passwd, Var: root, Packages: packages.NewFinder(root)}, Request{
		Matched: time.Now(), PID: 20, Verified: true, UserID: "0", LoginID: "1000", Executable: "/tmp/x",
	})
	self := found.Tree.Processes[0]
	if self.User.Name != "root" || self.Login.Name != "alice" || self.Session != "7" || self.CommandLine != "program -x" || self.Leader != 20 {
		t.Errorf("the process is %+v", self)
	}
	if found.Container.Unit != "ssh.service" || len(found.Tree.Processes) != 2 {
		t.Errorf("%+v, %+v", found.Container, found.Tree)
	}
	if sessions := found.Sessions.Audit; len(sessions) != 1 || sessions[0].ID != "7" || sessions[0].Login.Name != "alice" || sessions[0].Name != "program" {
		t.Errorf("sessions are %+v", found.Sessions)
	}
	if !found.Sessions.NoUtmp || len(found.Sessions.Failed) != 0 {
		t.Errorf("a host without utmp: %+v", found.Sessions)
	}
	for _, code := range []string{"became_root", "no_terminal", "adopted_by_init", "executable_in_writable_folder"} {
		if !hasHint(found, code) {
			t.Errorf("no hint %s in %+v", code, found.Hints)
		}
	}
	if found.Executable.PackageState != "unknown" {
		t.Errorf("without a database the package is %s", found.Executable.PackageState)
	}
}

// TestUtmp tells a host that keeps no utmp, which lacks nothing, from one whose utmp
// cannot be read.
func TestUtmp(t *testing.T) {
	root := t.TempDir()
	copyProcess(t, root)
	read := func() *Sessions {
		part := new(Sessions)
		gatherer := NewGatherer(Options{Proc: root, Var: root})
		defer gatherer.Close(context.Background())
		gatherer.readSessions(context.Background(), part)
		return part
	}
	if part := read(); !part.NoUtmp || len(part.Failed) != 0 {
		t.Errorf("without utmp: %+v", part)
	}
	if err := os.MkdirAll(filepath.Join(root, "run/utmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if part := read(); part.NoUtmp || len(part.Failed) != 1 || !strings.Contains(part.Failed[0], "utmp") {
		t.Errorf("with a folder in its place: %+v", part)
	}
}

// TestTextNamesTheParts says of what a reading is missing, each reason once.
func TestTextNamesTheParts(t *testing.T) {
	found := &Evidence{
		Tree: new(Tree), Executable: new(Executable), Prevalence: new(Prevalence), Sockets: new(Sockets),
		Listeners: new(Listeners), Sessions: &Sessions{NoUtmp: true}, Container: new(Container),
	}
	for _, one := range []part{found.Tree, found.Sockets} {
		one.common().fail("the process ended")
	}
	found.Sockets.fail("no time was left")
	const want = `  logins    this host has no utmp, which would list them
  missing   process tree, sockets: the process ended
  missing   sockets: no time was left
`
	if text := string(found.Text("id")); !strings.HasSuffix(text, want) {
		t.Errorf("the text is\n%s", text)
	}
}

// TestQueueIsBounded drops what does not fit and counts it.
func TestQueueIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}, 10), make(chan struct{})
	g := NewGatherer(Options{Queue: 2, Identify: func(uint32) string { entered <- struct{}{}; <-leave; return "" }})
	request := Request{Matched: time.Now(), PID: uint32(os.Getpid()), Verified: true}
	g.Add(request, func(*Evidence) {})
	<-entered
	taken := 0
	for range 5 {
		if g.Add(request, func(*Evidence) {}) {
			taken++
		}
	}
	close(leave)
	g.Close(context.Background())
	if stats := g.Stats(); taken != 2 || stats.Dropped != 3 || stats.Gathered != 3 {
		t.Errorf("%d of 5 fit into a queue of 2: %+v", taken, stats)
	}
}

// TestEvidenceOfAnAlertThatIsNotStored gathers it although the disk does not come back,
// and what reads much only once the alert is stored.
func TestEvidenceOfAnAlertThatIsNotStored(t *testing.T) {
	request := Request{Matched: time.Now(), PID: uint32(os.Getpid()), Verified: true, Stored: make(chan struct{})}
	found := gatherOne(t, Options{}, request)
	if found.Process != Running || len(found.Tree.Processes) == 0 {
		t.Errorf("it is %+v", found)
	}
	for name, part := range map[string]Part{"tree": found.Tree.Part, "listeners": found.Listeners.Part, "sessions": found.Sessions.Part} {
		if waited := part.Read.Sub(found.Gathered); waited < storedPatience-time.Millisecond { // times have milliseconds
			t.Errorf("the %s were read after %v, before the alert is stored", name, waited)
		}
	}
	stored := make(chan struct{})
	close(stored)
	request.Stored = stored
	if found := gatherOne(t, Options{}, request); found.Process != Running || len(found.Tree.Processes) == 0 {
		t.Errorf("it is %+v", found)
	}
}

// TestPanicIsAFailure keeps a defect of one part from ending the sensor.
func TestPanicIsAFailure(t *testing.T) {
	var owner readers
	part := start(&owner, func(tree *Tree) { tree.Failed = tree.Failed[3:] }).await(context.Background(), "the tree")
	if len(part.Failed) != 1 || !strings.Contains(part.Failed[0], "out of range") {
		t.Errorf("it says %v", part.Failed)
	}
}

// TestTooManyHang reads no more once too many readings do not end.
func TestTooManyHang(t *testing.T) {
	var owner readers
	leave := make(chan struct{})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for range readerLimit {
		start(&owner, func(*Tree) { <-leave }).await(ended, "the tree")
	}
	if part := start(&owner, func(*Tree) {}).await(context.Background(), "the tree"); len(part.Failed) != 1 || owner.abandoned.Load() != readerLimit || owner.late.Load() != readerLimit {
		t.Errorf("it says %v, %d abandoned", part.Failed, owner.abandoned.Load())
	}
	close(leave)
	waitFor(t, "the readings to end", func() bool { return owner.running.Load() == 0 && owner.late.Load() == 0 })
}
