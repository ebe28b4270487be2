package normalize

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/detect"
)

// excluded is a path that the tests take for one that a rule excludes. It must not
// be under a folder that is a mount of its own in the namespace of the tests only.
const excludedName = "tripline-test-sshd"

// originHost has programs on the host and under borrowed names.
type originHost struct {
	holder string
	// real is the host's program, path is its path.
	path string
	// root is a folder with another program under the same path.
	root string
	// other is another program elsewhere.
	other string
}

func newOriginHost(t testing.TB) *originHost {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: chroot and mount namespaces")
	}
	folder := t.TempDir()
	h := &originHost{holder: filepath.Join(folder, "holder"), root: filepath.Join(folder, "root")}
	build := exec.Command("go", "build", "-o", h.holder, "./testdata/holder")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the holder: %v\n%s", err, out)
	}
	h.path = filepath.Join(folder, "sbin", excludedName)
	h.other = filepath.Join(folder, "other")
	h.install(t, h.path)
	h.install(t, h.root+h.path)
	h.install(t, h.other)
	return h
}

// install puts a file of its own with the program at a path.
func (h *originHost) install(t testing.TB, path string) {
	t.Helper()
	program, err := os.ReadFile(h.holder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// holding is a process that waits.
type holding struct {
	pid   uint32
	stdin io.WriteCloser
	out   *bufio.Reader
	cmd   *exec.Cmd
}

func start(t testing.TB, chroot, path string, args ...string) *holding {
	t.Helper()
	cmd := &exec.Cmd{Path: path, Args: append([]string{path}, args...), Dir: "/", Stderr: os.Stderr}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: chroot}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(cmd) })
	p := &holding{pid: uint32(cmd.Process.Pid), stdin: stdin, out: bufio.NewReader(out), cmd: cmd}
	p.ready(t)
	return p
}

func (p *holding) ready(t testing.TB) {
	t.Helper()
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the helper said %q, %v", line, err)
	}
}

// eventOf is a connect by a process whose record has an executable.
func eventOf(t testing.TB, resolver Resolver, pid uint32, executable string) *Event {
	t.Helper()
	var got *Event
	correlator := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) { e.Retain(); got = e }})
	exe := fmt.Sprintf("%q", executable)
	if strings.ContainsAny(executable, " \"") {
		exe = fmt.Sprintf("%X", executable)
	}
	now := time.Now().UnixMilli()
	for _, line := range []string{
		fmt.Sprintf(`type=SYSCALL msg=audit(%d.%03d:7): arch=c000003e syscall=112 success=yes exit=0 a0=3 a1=0 a2=10 a3=0 items=0 ppid=%d pid=%d auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="x" exe=%s`,
			now/1000, now%1000, os.Getpid(), pid, exe),
		fmt.Sprintf(`type=EOE msg=audit(%d.%03d:7): `, now/1000, now%1000),
	} {
		record, err := ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		correlator.Add(record)
	}
	if got == nil {
		t.Fatal("no event")
	}
	return got
}

func fieldOf(t testing.TB, e *Event, name string) detect.Value {
	t.Helper()
	field, ok := Schema().Field(name)
	if !ok {
		t.Fatalf("no field %s", name)
	}
	return e.Value(field.ID)
}

// excludes asks what a condition that excludes the path asks.
func excludes(t testing.TB, e *Event, name, value string) bool {
	t.Helper()
	field, ok := Schema().Field(name)
	if !ok || !field.Forgeable {
		t.Fatalf("%s is not forgeable", name)
	}
	return e.Proves(field.ID, func(v detect.Value) bool { return v.Text() == value })
}

func TestExclusionIsNotForgeable(t *testing.T) {
	h := newOriginHost(t)
	missing := filepath.Join(filepath.Dir(h.path), "tripline-test-missing")
	h.install(t, h.root+missing)
	literal := h.path + " (deleted)"
	h.install(t, literal)
	linked := filepath.Join(h.root, "linked")
	if err := os.Link(h.path, linked); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		start    func(t *testing.T) *holding
		recorded string // exe=
		path     string // process.executable
		excludes string // the rule's path
		proved   bool
		borrowed bool
		private  bool
	}{
		"the host's own": {
			start:    func(t *testing.T) *holding { return start(t, "", h.path, "hold") },
			recorded: h.path, path: h.path, excludes: h.path, proved: true,
		},
		"chroot": {
			start:    func(t *testing.T) *holding { return start(t, h.root, h.path, "hold") },
			recorded: h.path, path: h.root + h.path, excludes: h.path, borrowed: true,
		},
		"chroot, excluded by the host's path": {
			start:    func(t *testing.T) *holding { return start(t, h.root, h.path, "hold") },
			recorded: h.path, path: h.root + h.path, excludes: h.root + h.path, proved: true,
		},
		"chroot, a name that the host does not have": {
			start:    func(t *testing.T) *holding { return start(t, h.root, missing, "hold") },
			recorded: missing, path: h.root + missing, excludes: missing, borrowed: true,
		},
		"private mount namespace": {
			start:    func(t *testing.T) *holding { return start(t, "", h.holder, "private", h.other, h.path) },
			recorded: h.path, path: h.path, excludes: h.path, borrowed: true, private: true,
		},
		"container": {
			start:    func(t *testing.T) *holding { return start(t, "", h.holder, "pivot", h.root, h.path) },
			recorded: h.path, path: h.path, excludes: h.path, borrowed: true, private: true,
		},
		"a private mount namespace that leaves the file alone": {
			start:    func(t *testing.T) *holding { return start(t, "", h.holder, "private", h.holder, h.other) },
			recorded: h.other, path: h.other, excludes: h.path, private: true,
		},
		"a name that ends like the mark of a removed file": {
			start:    func(t *testing.T) *holding { return start(t, "", literal, "hold") },
			recorded: literal, path: literal, excludes: h.path, borrowed: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := test.start(t)
			resolver := newTestResolver(t)
			e := eventOf(t, resolver, p.pid, test.recorded)
			if got := fieldOf(t, e, "process.executable").Text(); got != test.path {
				t.Errorf("process.executable is %q, want %q", got, test.path)
			}
			if got := excludes(t, e, "process.executable", test.excludes); got != test.proved {
				t.Errorf("proved: %t, want %t", got, test.proved)
			}
			if got := fieldOf(t, e, "tripline.masquerade").Bool(); got != test.borrowed {
				t.Errorf("tripline.masquerade: %t, want %t", got, test.borrowed)
			}
			if fieldOf(t, e, "tripline.executable.unproven").Bool() {
				t.Error("what could be looked at is called unproven")
			}
			if got := fieldOf(t, e, "tripline.mount_namespace").Kind() != detect.KindMissing; got != test.private {
				t.Errorf("tripline.mount_namespace is there: %t, want %t", got, test.private)
			}
			if fieldOf(t, e, "tripline.executable.deleted").Kind() != detect.KindMissing {
				t.Error("the file is called removed")
			}
		})
	}
}

// TestUpgradedProgramStaysExcluded: a program whose file a package manager has
// replaced is what it was, and one that only looks so is not.
func TestUpgradedProgramStaysExcluded(t *testing.T) {
	h := newOriginHost(t)
	p := start(t, "", h.path, "hold")
	h.install(t, h.path)
	resolver := newTestResolver(t)
	for _, recorded := range []string{h.path + " (deleted)", h.path} {
		e := eventOf(t, resolver, p.pid, recorded)
		if got := fieldOf(t, e, "process.executable").Text(); got != h.path {
			t.Errorf("process.executable is %q", got)
		}
		if !fieldOf(t, e, "tripline.executable.deleted").Bool() {
			t.Error("the file is not called removed")
		}
		if !excludes(t, e, "process.executable", h.path) || !excludes(t, e, "process.name", excludedName) {
			t.Error("not proved")
		}
	}
	for name, borrowed := range map[string]*holding{
		"private mount namespace": start(t, "", h.holder, "private", h.other, h.path),
		"container":               start(t, "", h.holder, "pivot", h.root, h.path),
	} {
		for _, file := range []string{h.other, h.root + h.path} {
			_ = os.Remove(file) // the second round finds them gone
		}
		e := eventOf(t, resolver, borrowed.pid, h.path+" (deleted)")
		if excludes(t, e, "process.executable", h.path) || !fieldOf(t, e, "tripline.masquerade").Bool() {
			t.Errorf("%s: proved", name)
		}
	}
}

// TestMountedOverProgramIsNotExcluded: a file that somebody mounted on the host's
// is not the host's.
func TestMountedOverProgramIsNotExcluded(t *testing.T) {
	h := newOriginHost(t)
	if err := syscall.Mount(h.other, h.path, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(h.path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	p := start(t, "", h.path, "hold")
	defer end(p.cmd)
	resolver := newTestResolver(t)
	e := eventOf(t, resolver, p.pid, h.path)
	if excludes(t, e, "process.executable", h.path) || !fieldOf(t, e, "tripline.masquerade").Bool() {
		t.Error("proved")
	}
	if mounted, err := resolver.host.isListed(h.path); !mounted || err != nil {
		t.Errorf("the list of mounts has it: %t, %v", mounted, err)
	}
	if mounted, err := resolver.host.isListed(h.other); mounted || err != nil {
		t.Errorf("the list of mounts has the other: %t, %v", mounted, err)
	}
}

// TestProcessThatMovedOn: what was not looked at in time is not proved, unless it
// was for an earlier event.
func TestProcessThatMovedOn(t *testing.T) {
	h := newOriginHost(t)
	for _, before := range []bool{false, true} {
		for name, move := range map[string]func(p *holding){
			"ended": func(p *holding) { end(p.cmd) },
			"executes something else": func(p *holding) {
				if _, err := io.WriteString(p.stdin, "\n"); err != nil {
					t.Fatal(err)
				}
				p.ready(t)
			},
		} {
			p := start(t, "", h.path, "exec", h.other)
			resolver := newTestResolver(t)
			if before && !excludes(t, eventOf(t, resolver, p.pid, h.path), "process.executable", h.path) {
				t.Fatal("not proved while it runs")
			}
			move(p)
			e := eventOf(t, resolver, p.pid, h.path)
			if got := excludes(t, e, "process.executable", h.path); got != before {
				t.Errorf("%s, looked at before: %t: proved %t", name, before, got)
			}
			if got := fieldOf(t, e, "tripline.executable.unproven").Bool(); got == before {
				t.Errorf("%s, looked at before: %t: tripline.executable.unproven %t", name, before, got)
			}
			if fieldOf(t, e, "tripline.masquerade").Bool() {
				t.Error("masquerade without evidence")
			}
		}
	}
}

// TestParentIsNotForgeable: the same for what a parent executes.
func TestParentIsNotForgeable(t *testing.T) {
	h := newOriginHost(t)
	resolver := newTestResolver(t)
	own := start(t, "", h.path, "hold")
	private := start(t, "", h.holder, "private", h.other, h.path)
	for _, test := range []struct {
		parent *holding
		want   bool
	}{{own, true}, {private, false}} {
		e := eventOf(t, resolver, uint32(os.Getpid()), "/bin/x")
		e.known().ids[idPPID], e.known().askedParent = test.parent.pid, false
		if got := excludes(t, e, "process.parent.executable", h.path); got != test.want {
			t.Errorf("proved %t, want %t", got, test.want)
		}
		if got := excludes(t, e, "process.parent.name", excludedName); got != test.want {
			t.Errorf("the name proved %t, want %t", got, test.want)
		}
	}
}

// TestLogIsBelieved: a recorded log has no host to compare with.
func TestLogIsBelieved(t *testing.T) {
	for recorded, want := range map[string]bool{"/usr/sbin/sshd": true, "/usr/sbin/sshd (deleted)": true, "/bin/sh": false} {
		e := eventOf(t, NewLogResolver(), 4242, recorded)
		if got := excludes(t, e, "process.executable", "/usr/sbin/sshd"); got != want {
			t.Errorf("%s: %t, want %t", recorded, got, want)
		}
		for _, name := range []string{"tripline.masquerade", "tripline.executable.unproven", "tripline.mount_namespace"} {
			if fieldOf(t, e, name).Kind() != detect.KindMissing {
				t.Errorf("%s: there is %s", recorded, name)
			}
		}
	}
}

func BenchmarkExecutable(b *testing.B) {
	h := newOriginHost(b)
	p := start(b, "", h.path, "hold")
	resolver := newTestResolver(b)
	id, _ := Schema().Field("process.executable")
	for _, bench := range []struct {
		name     string
		resolver Resolver
		read     func(e *Event)
	}{
		{"recorded", NewLogResolver(), func(e *Event) { e.Value(id.ID) }},
		{"host", resolver, func(e *Event) { e.Value(id.ID) }},
		{"identity", resolver, func(e *Event) { e.identity() }},
		{"not excluded", resolver, func(e *Event) { e.Proves(id.ID, func(v detect.Value) bool { return v.Text() == "/bin/x" }) }},
		{"excluded", resolver, func(e *Event) { e.Proves(id.ID, func(v detect.Value) bool { return v.Text() == h.path }) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			e := eventOf(b, bench.resolver, p.pid, h.path)
			b.ReportAllocs()
			for b.Loop() {
				e.details = details{}
				e.arena, e.memo = e.arena[:0], e.memo[:0]
				bench.read(e)
			}
		})
	}
}
