package normalize

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/internal/ecs"
)

// relatives is a resolver that gives every process one family.
type relatives struct {
	host
	family *Family
	asked  []bool // fresh
}

func (r *relatives) Family(_ ProcessQuery, fresh bool) *Family {
	r.asked = append(r.asked, fresh)
	return r.family
}

func (r *relatives) GroupName(gid uint32) string {
	if gid == 0 {
		return "wheel"
	}
	return ""
}

// exampleFamily is that of the process of syscallLine: a program in an ssh login.
func exampleFamily() *Family {
	shell := &ProcessFacts{
		EntityID: "shell", PID: 1, ParentPID: 70, Group: 1, Session: 1, Start: 1_000_000_000, Terminal: charDevice{136, 0},
		Name: "bash", Executable: "/bin/bash", Args: []string{"-bash"},
	}
	sshd := &ProcessFacts{EntityID: "sshd", PID: 70, ParentPID: 2, Group: 70, Session: 70, Start: 500_000_000, Name: "sshd", Executable: "/usr/sbin/sshd", Deleted: true, Args: []string{"sshd: root@pts/0"}}
	self := &ProcessFacts{
		EntityID: "id", PID: 8, ParentPID: 1, Group: 8, Session: 1, Start: 1_500_000_000, Name: "x", Executable: "/host/bin/x",
		Args: []string{"x", "a b", "\"\n"},
	}
	return &Family{
		Process: self, Ancestors: []*ProcessFacts{shell, sshd}, SessionLeader: shell, GroupLeader: self, EntryLeader: shell, EntryType: entrySSH,
		Cgroup: Cgroup{
			Path: "/system.slice/docker-x.scope", Unit: "docker-x.scope", ContainerID: "x", Runtime: "docker",
		},
		Missing: []string{"ancestors" + procAbsent}, Observed: 2_000_000_000,
	}
}

func TestFamilyInEvents(t *testing.T) {
	resolver := &relatives{family: exampleFamily()}
	events, _ := run(t, Options{Resolver: resolver}, syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line)
	one := events[0]
	for name, want := range map[string]string{
		"process.parent.entity_id": "shell", "process.parent.command_line": "-bash", "process.parent.args": "-bash",
		"process.session_leader.entity_id": "shell", "process.session_leader.executable": "/bin/bash", "process.session_leader.name": "bash",
		"process.group_leader.command_line": "x a b \"\n", "process.entry_leader.entry_meta.type": "sshd", "process.command_line": "x a b \"\n",
		"container.id": "x", "container.runtime": "docker", "tripline.cgroup": "/system.slice/docker-x.scope", "tripline.systemd.unit": "docker-x.scope",
		"tripline.systemd.user_unit": "", "user.group.name": "wheel", "process.real_group.name": "", "process.real_group.id": "1000",
		"tripline.process.missing": "ancestors" + procAbsent,
	} {
		if got := one.text(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	for name, want := range map[string]int64{
		"process.parent.start": 1_000_000_000, "process.session_leader.pid": 1, "process.group_leader.args_count": 3, "process.args_count": 3,
		"process.parent.tty.char_device.major": 136, "process.parent.tty.char_device.minor": 0, "tripline.process.observed": 2_000_000_000,
		"process.tty.char_device.major": 136, "process.tty.char_device.minor": 0,
	} {
		if got, ok := one.fields[name]; !ok || got.Int() != want {
			t.Errorf("%s is %d, %v, not %d", name, got.Int(), ok, want)
		}
	}
	if one.fields["process.group_leader.same_as_process"] != detect.Bool(true) || one.fields["process.session_leader.same_as_process"] != detect.Bool(false) {
		t.Error(one.json)
	}
	if slices.ContainsFunc(resolver.asked, func(fresh bool) bool { return fresh }) || len(resolver.asked) != 1 {
		t.Errorf("asked %v", resolver.asked)
	}
	for _, err := range ecs.Check([]byte(one.json), slices.Concat(ownPrefixes(), beyondECS())...) {
		t.Error(err)
	}
}

// TestAncestorsInJSON has the ancestors as a list of objects in a document, and as
// lists of values for rules.
func TestAncestorsInJSON(t *testing.T) {
	events, _ := run(t, Options{Resolver: &relatives{family: exampleFamily()}}, syscallLine("c000003e", 112, "yes", 9, "a0=0 a1=0 a2=0 a3=0"))
	var document struct {
		Tripline struct {
			Process struct {
				Ancestors []map[string]any
				Observed  string
			}
		}
	}
	if err := json.Unmarshal([]byte(events[0].json), &document); err != nil {
		t.Fatal(err)
	}
	device := map[string]any{"char_device": map[string]any{"major": 136.0, "minor": 0.0}}
	want := []map[string]any{
		{"entity_id": "shell", "pid": 1.0, "name": "bash", "executable": "/bin/bash", "args": []any{"-bash"}, "command_line": "-bash", "start": "1970-01-01T00:00:01.000Z", "group": 1.0, "session": 1.0, "tty": device},
		{"entity_id": "sshd", "pid": 70.0, "name": "sshd", "executable": "/usr/sbin/sshd", "deleted": true, "args": []any{"sshd: root@pts/0"}, "command_line": "sshd: root@pts/0", "start": "1970-01-01T00:00:00.500Z", "group": 70.0, "session": 70.0},
	}
	if got := document.Tripline.Process.Ancestors; !reflect.DeepEqual(got, want) || document.Tripline.Process.Observed == "" {
		t.Errorf("%v", got)
	}
	names := events[0].fields["tripline.process.ancestors.name"].Elements()
	if len(names) != 2 || names[1].Text() != "sshd" || events[0].fields["tripline.process.ancestors.pid"].Elements()[0].Int() != 1 {
		t.Errorf("%v", names)
	}
}

// TestParentThatIsNotTheRecords leaves out what belongs to another parent than the
// records name.
func TestParentThatIsNotTheRecords(t *testing.T) {
	family := exampleFamily()
	family.Ancestors[0].PID = 99
	events, _ := run(t, Options{Resolver: &relatives{family: family}}, syscallLine("c000003e", 112, "yes", 9, "a0=0 a1=0 a2=0 a3=0"))
	if one := events[0]; one.text("process.parent.entity_id") != "" || one.text("process.parent.args") != "" || one.fields["process.parent.pid"].Int() != 1 {
		t.Error(one.json)
	}
}

// TestTitles compares the kernel's title with what the process says now.
func TestTitles(t *testing.T) {
	long := strings.Repeat("y", 125)
	title := func(text string) string {
		return fmt.Sprintf("type=PROCTITLE msg=audit(1.000:1): proctitle=%X", text)
	}
	for _, test := range []struct {
		name, title string
		args        []string
		executable  string
		want        string
	}{
		{"no title", "", []string{"x", "now"}, "/bin/x", "x now"},
		{"no title, in a chroot", "", []string{"x", "now"}, "/jail/bin/x", "x now"},
		{"no title, another program now", "", []string{"y"}, "/bin/y", ""},
		{"no title and gone", "", nil, "", ""},
		{"a short title", "x\x00then", []string{"x", "then", "more"}, "/bin/x", "x then"},
		{"a title that was cut off", "x\x00z" + long, []string{"x", "z" + long, "more"}, "/bin/x", "x z" + long + " more"},
		{"a title of something else", "x\x00z" + long, []string{"x", "other"}, "/bin/x", "x z" + long},
	} {
		t.Run(test.name, func(t *testing.T) {
			family := exampleFamily()
			family.Process.Args, family.Process.Executable = test.args, test.executable
			lines := []string{syscallLine("c000003e", 112, "yes", 9, "a0=0 a1=0 a2=0 a3=0")}
			if test.title != "" {
				lines = append(lines, title(test.title))
			}
			events, _ := run(t, Options{Resolver: &relatives{family: family}}, lines...)
			if got := events[0].text("process.command_line"); got != test.want {
				t.Errorf("got %q, not %q", got, test.want)
			}
		})
	}
}

// TestRetainedEventsAreSettled has what /proc says of an event read when it is
// retained, afresh where the event is the change.
func TestRetainedEventsAreSettled(t *testing.T) {
	resolver := &relatives{family: exampleFamily()}
	var held []*Event
	c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
		e.Retain()
		held = append(held, e)
	}})
	live(t, c, syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line)
	c.Flush()
	live(t, c, strings.ReplaceAll(syscallLine("c000003e", 112, "yes", 9, "a0=0 a1=0 a2=0 a3=0"), "000:1)", "000:2)"))
	c.Flush()
	if !slices.Equal(resolver.asked, []bool{false, true}) {
		t.Fatalf("asked %v", resolver.asked)
	}
	resolver.family = &Family{Missing: []string{"gone"}}
	for _, event := range held {
		one := look(t, event)
		if one.text("process.parent.entity_id") != "shell" || one.text("process.parent.executable") != "/bin/of-1" {
			t.Error(one.json)
		}
		event.Release()
	}
}

// TestReplayKnowsNoFamily has nothing of this machine in the events of a log, even
// where its pids are those of running processes.
func TestReplayKnowsNoFamily(t *testing.T) {
	line := strings.NewReplacer("pid=9 ", "pid=1 ", "ppid=1 ", "ppid=1 ").Replace(syscallLine("c000003e", 112, "yes", 9, "a0=0 a1=0 a2=0 a3=0"))
	events, _ := run(t, Options{Ordered: true}, line)
	for name := range events[0].fields {
		for _, prefix := range []string{"process.session_leader.", "process.group_leader.", "process.entry_leader.", "tripline.process.", "tripline.cgroup", "container.", "process.parent.e", "process.args"} {
			if strings.HasPrefix(name, prefix) {
				t.Errorf("%s is %v", name, events[0].fields[name])
			}
		}
	}
}

func TestTerminals(t *testing.T) {
	for name, want := range map[string]charDevice{
		"pts0": {136, 0}, "pts/7": {136, 7}, "/dev/pts/256": {137, 0}, "pts2047": {143, 255}, "pts2048": {}, "tty1": {4, 1}, "tty63": {4, 63}, "tty64": {},
		"ttyS0": {4, 64}, "/dev/ttyS191": {4, 255}, "ttyS192": {}, "console": {5, 1}, "ssh": {}, "cron": {}, "": {}, "pts": {}, "pts/": {}, "tty1x": {}, "ttyAMA0": {},
		"pts99999999999999999999": {},
	} {
		if got := charDeviceOf([]byte(name)); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
}
