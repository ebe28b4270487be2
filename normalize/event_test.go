package normalize

import (
	"fmt"
	"strings"
	"testing"

	"tripline/detect"
)

// syscallLine makes a SYSCALL record.
func syscallLine(arch string, number int, success string, exit int64, args string) string {
	return fmt.Sprintf("type=SYSCALL msg=audit(1.000:1): arch=%s syscall=%d success=%s exit=%d %s items=0 ppid=1 pid=9 auid=1000 uid=1000 gid=1000 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"x\" exe=\"/bin/x\" key=(null)",
		arch, number, success, exit, args)
}

const (
	inet4Line  = "type=SOCKADDR msg=audit(1.000:1): saddr=02000009C00002010000000000000000"
	unixLine   = "type=SOCKADDR msg=audit(1.000:1): saddr=01002F746D702F78"
	unspecLine = "type=SOCKADDR msg=audit(1.000:1): saddr=00000000000000000000000000000000"
)

func TestActions(t *testing.T) {
	const args = "a0=3 a1=7f a2=10 a3=0"
	const open = "a0=3 a1=7f a2=10 a3=20000000"
	for _, test := range []struct {
		name    string
		lines   []string
		want    description
		outcome string
	}{
		{"x86_64", []string{syscallLine("c000003e", 42, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"in progress", []string{syscallLine("c000003e", 42, "no", einprogress, args), inet4Line}, description{"network", "start", "connection_attempted"}, "unknown"},
		{"unreachable", []string{syscallLine("c000003e", 42, "no", -101, args), inet4Line}, description{"network", "start", "connection_attempted"}, "failure"},
		{"not permitted", []string{syscallLine("c000003e", 42, "no", -13, args), inet4Line}, description{"network", "start", "connection_attempted"}, "failure"},
		{"EALREADY", []string{syscallLine("c000003e", 42, "no", ealready, args), inet4Line}, description{"network", "info", "connect"}, "failure"},
		{"EISCONN", []string{syscallLine("c000003e", 42, "no", eisconn, args), inet4Line}, description{"network", "info", "connect"}, "failure"},
		{"EFAULT", []string{syscallLine("c000003e", 42, "no", efault, args)}, description{"network", "info", "connect"}, "failure"},
		{"EAFNOSUPPORT", []string{syscallLine("c000003e", 42, "no", eafnosupport, args), inet4Line}, description{"network", "info", "connect"}, "failure"},
		{"ENOTSOCK", []string{syscallLine("c000003e", 42, "no", enotsock, args), inet4Line}, description{"network", "info", "connect"}, "failure"},
		{"unix", []string{syscallLine("c000003e", 42, "yes", 0, args), unixLine}, description{"network", "info", "connect"}, "success"},
		{"unspec", []string{syscallLine("c000003e", 42, "yes", 0, args), unspecLine}, description{"network", "info", "socket_disconnected"}, "success"},
		{"x32", []string{syscallLine("c000003e", 0x40000000+42, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"x32 sendmsg", []string{syscallLine("c000003e", 0x40000000+518, "yes", 0, "a0=3 a1=1 a2=20000000 a3=0"), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"i386", []string{syscallLine("40000003", 362, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"i386 socketcall", []string{syscallLine("40000003", 102, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"i386 bind", []string{syscallLine("40000003", 102, "yes", 0, "a0=2 a1=1 a2=0 a3=0"), inet4Line}, description{"network", "info", "bind"}, "success"},
		{"i386 42 is pipe", []string{syscallLine("40000003", 42, "yes", 0, args)}, description{"process", "info", "pipe"}, "success"},
		{"i386 socketcall fast open", []string{
			syscallLine("40000003", 102, "yes", 0, "a0=b a1=1 a2=0 a3=0"),
			"type=SOCKETCALL msg=audit(1.000:1): nargs=6 a0=3 a1=1 a2=1 a3=20000000 a4=1 a5=10", inet4Line,
		}, description{"network", "start", "connection_attempted"}, "success"},
		{
			"i386 socketcall fast open without its arguments",
			[]string{syscallLine("40000003", 102, "yes", 0, "a0=b a1=1 a2=0 a3=20000000"), inet4Line},
			description{"network", "info", "sendto"},
			"success",
		},
		{"aarch64", []string{syscallLine("c00000b7", 203, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"arm", []string{syscallLine("40000028", 283, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"ppc64le", []string{syscallLine("c0000015", 328, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"s390x", []string{syscallLine("80000016", 362, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"s390x socketcall", []string{syscallLine("80000016", 102, "yes", 0, args), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"unknown architecture", []string{syscallLine("1234", 42, "yes", 0, args), inet4Line}, description{"process", "info", "syscall"}, "success"},
		{"sendto", []string{syscallLine("c000003e", 44, "yes", 5, args), inet4Line}, description{"network", "info", "sendto"}, "success"},
		{"sendto fast open", []string{syscallLine("c000003e", 44, "no", einprogress, open), inet4Line}, description{"network", "start", "connection_attempted"}, "unknown"},
		{"sendmmsg fast open", []string{syscallLine("c000003e", 307, "yes", 1, open), inet4Line}, description{"network", "start", "connection_attempted"}, "success"},
		{"fast open refused", []string{syscallLine("c000003e", 44, "no", eopnotsupp, open), inet4Line}, description{"network", "info", "sendto"}, "failure"},
		{"setsid", []string{syscallLine("c000003e", 112, "yes", 9, args)}, description{"process", "change", "session_id_change"}, "success"},
		{"setsid failed", []string{syscallLine("c000003e", 112, "no", -1, args)}, description{"process", "info", "setsid"}, "failure"},
		{"setsid i386", []string{syscallLine("40000003", 66, "yes", 9, args)}, description{"process", "change", "session_id_change"}, "success"},
		{"setsid aarch64", []string{syscallLine("c00000b7", 157, "yes", 9, args)}, description{"process", "change", "session_id_change"}, "success"},
		{"setsid ppc64le", []string{syscallLine("c0000015", 66, "yes", 9, args)}, description{"process", "change", "session_id_change"}, "success"},
		{"exec", []string{syscallLine("c000003e", 59, "yes", 0, args), `type=EXECVE msg=audit(1.000:1): argc=1 a0="x"`}, description{"process", "start", "exec"}, "success"},
		{"exec failed", []string{syscallLine("c000003e", 59, "no", -2, args)}, description{"process", "info", "execve"}, "failure"},
		{"openat", []string{syscallLine("c000003e", 257, "yes", 3, args)}, description{"file", "info", "openat"}, "success"},
		{
			"io_uring connect",
			[]string{"type=URINGOP msg=audit(1.000:1): uring_op=16 success=yes exit=0 items=0 ppid=1 pid=9 uid=0", inet4Line},
			description{"network", "start", "connection_attempted"},
			"unknown",
		},
		{"io_uring_enter on 5.10", []string{syscallLine("c000003e", 426, "yes", 1, args), inet4Line}, description{"network", "start", "connection_attempted"}, "unknown"},
		{
			"io_uring sendmsg",
			[]string{"type=URINGOP msg=audit(1.000:1): uring_op=9 success=yes exit=0 items=0 ppid=1 pid=9 uid=0", inet4Line},
			description{"process", "info", "sendmsg"},
			"unknown",
		},
		{
			"login",
			[]string{"type=LOGIN msg=audit(1.000:1): pid=9 uid=0 old-auid=4294967295 auid=1001 old-ses=4294967295 ses=1 res=1", syscallLine("c000003e", 1, "yes", 4, args)},
			description{"session", "info", "login"},
			"success",
		},
		{
			"refused by SELinux",
			[]string{"type=AVC msg=audit(1.000:1): avc:  denied  { name_connect } for  pid=9 comm=\"x\"", syscallLine("c000003e", 42, "no", -13, args), inet4Line},
			description{"network", "start", "connection_attempted"},
			"failure",
		},
		{
			"user",
			[]string{"type=USER_AUTH msg=audit(1.000:1): pid=9 uid=0 auid=1 ses=1 msg='op=PAM:authentication acct=\"root\" exe=\"/bin/su\" hostname=? addr=? terminal=pts/0 res=failed'"},
			description{"authentication", "info", "user_auth"},
			"failure",
		},
		{"unknown type", []string{"type=UNKNOWN[2950] msg=audit(1.000:1): a=b"}, description{"", "info", "unknown"}, "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			events, _ := run(t, Options{Ordered: true}, test.lines...)
			if len(events) != 1 {
				t.Fatalf("%d events", len(events))
			}
			one := events[0]
			got := description{one.text("event.category"), one.text("event.type"), one.text("event.action")}
			if got != test.want || one.text("event.outcome") != test.outcome {
				t.Errorf("%v, %s: %s", got, one.text("event.outcome"), one.json)
			}
		})
	}
}

// host is a resolver that answers the same for every process.
type host struct {
	transport string
	asked     int
}

func (h *host) Identify(q ProcessQuery) Identity {
	return Identity{EntityID: "id", PID: q.PID - 1, Start: 1_500_000_000}
}

func (h *host) Transport(uint32, uint64) string {
	h.asked++
	return h.transport
}

func (h *host) UserName(uid uint32) string {
	if uid == 0 {
		return "root"
	}
	return ""
}
func (h *host) Executable(pid uint32) string { return fmt.Sprintf("/bin/of-%d (deleted)", pid) }

func TestResolver(t *testing.T) {
	connect := syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0")
	for transport, want := range map[string]string{"tcp": "connection_attempted", "udp": "socket_connected", "raw": "socket_connected", "": "connection_attempted"} {
		live := &host{transport: transport}
		events, _ := run(t, Options{Resolver: live}, connect, inet4Line)
		one := events[0]
		if one.text("event.action") != want || one.text("network.transport") != transport || live.asked != 1 {
			t.Errorf("%q: asked %d times: %s", transport, live.asked, one.json)
		}
		if one.text("user.name") != "root" || one.text("user.real.name") != "" || one.text("process.parent.executable") != "/bin/of-1" ||
			one.fields["process.pid"].Int() != 8 || one.fields["process.thread.id"].Int() != 9 || one.text("tripline.identity") != "verified" ||
			!strings.Contains(one.json, `"start":"1970-01-01T00:00:01.500Z"`) {
			t.Error(one.json)
		}
	}
	for _, lines := range [][]string{
		{connect, unixLine},
		{syscallLine("c000003e", 42, "no", ealready, "a0=3 a1=7f a2=10 a3=0"), inet4Line},
		{syscallLine("c000003e", 44, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line},
		{syscallLine("c000003e", 112, "yes", 9, "a0=3 a1=7f a2=10 a3=0")},
	} {
		live := &host{transport: "udp"}
		if run(t, Options{Resolver: live}, lines...); live.asked != 0 {
			t.Errorf("asked for the transport of %q", lines)
		}
	}
}

// TestCategoryAsksNothing reads what most conditions begin with.
func TestCategoryAsksNothing(t *testing.T) {
	resolver := &host{transport: "udp"}
	category, _ := Schema().Field("event.category")
	c := NewCorrelator(Options{Resolver: resolver, Emit: func(e *Event) {
		if got := e.Value(category.ID).Text(); got != "network" || resolver.asked != 0 {
			t.Errorf("%s, asked %d times", got, resolver.asked)
		}
	}})
	live(t, c, syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0"), inet4Line)
	c.Flush()
	if c.Stats().Events != 1 {
		t.Error("no event")
	}
}

func TestUringExecutable(t *testing.T) {
	events, _ := run(t, Options{Resolver: &host{}}, "type=URINGOP msg=audit(1.000:1): uring_op=16 success=yes exit=0 items=0 ppid=1 pid=9 uid=0", inet4Line)
	if got := events[0].text("process.executable"); got != "/bin/of-9" {
		t.Error(events[0].json)
	}
}

func TestFields(t *testing.T) {
	events, _ := run(t, Options{Ordered: true},
		`type=SYSCALL msg=audit(1.234:7): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=10 pid=11 auid=1000 uid=1001 gid=1002 euid=1003 suid=1004 fsuid=1005 egid=1006 sgid=1007 fsgid=1008 tty=pts0 ses=3 comm=6D792070726F67 exe=2F6D656D66643A78202864656C6574656429 subj=unconfined key=610162`+"\x1d"+`ARCH=x86_64 SYSCALL=execve AUID="ann" UID="bob" EUID="eve" SUID="unset"`,
		`type=EXECVE msg=audit(1.234:7): argc=4 a0="my" a1=6120622063 a2="" a3_len=4 a3[0]=4142`,
		`type=EXECVE msg=audit(1.234:7): a3[1]=4344`,
		`type=CWD msg=audit(1.234:7): cwd="/root"`,
		`type=PATH msg=audit(1.234:7): item=0 name="/bin/" nametype=PARENT`,
		`type=PATH msg=audit(1.234:7): item=1 name=2F612062 nametype=NORMAL`,
		`type=PROCTITLE msg=audit(1.234:7): proctitle=6D79`)
	one := events[0]
	for name, want := range map[string]string{
		"user.id": "1003", "user.name": "eve", "user.effective.id": "1003", "user.real.id": "1001", "user.real.name": "bob", "user.saved.id": "1004", "user.saved.name": "",
		"user.filesystem.id": "1005", "user.audit.id": "1000", "user.audit.name": "ann", "user.group.id": "1006", "user.real.group.id": "1002", "process.real_user.id": "1001",
		"process.executable": "/memfd:x", "process.name": "memfd:x", "process.command_line": "my a b c  ABCD", "process.working_directory": "/root", "auditd.data.tty": "pts0",
		"file.path": "/a b", "auditd.data.comm": "my prog", "auditd.data.syscall": "execve", "auditd.data.arch": "x86_64", "auditd.data.a3": "4",
		"auditd.session": "3", "auditd.result": "success", "auditd.message_type": "syscall", "tripline.identity": "inferred", "host.id": "",
	} {
		if got := one.text(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if args := one.fields["process.args"].Elements(); len(args) != 4 || args[1].Text() != "a b c" || args[2].Text() != "" || args[3].Text() != "ABCD" {
		t.Errorf("args: %v", args)
	}
	if keys := one.fields["auditd.data.key"].Elements(); len(keys) != 2 || keys[1].Text() != "b" {
		t.Errorf("keys: %v", keys)
	}
	if !one.fields["tripline.executable.deleted"].Bool() || !one.fields["tripline.executable.memfd"].Bool() || one.fields["process.parent.pid"].Int() != 10 {
		t.Error(one.json)
	}
}

func TestUnsetIsMissing(t *testing.T) {
	syscall, address, _, _ := connect("1.000:7")
	events, _ := run(t, Options{}, syscall, address)
	for _, name := range []string{"user.audit.id", "auditd.session", "auditd.data.tty", "process.tty.char_device.major", "user.name", "host.hostname", "process.start", "network.transport", "event.original"} {
		if value, ok := events[0].fields[name]; ok {
			t.Errorf("%s is %q", name, value.Text())
		}
	}
}

func TestSchema(t *testing.T) {
	s := Schema()
	names := make(map[string]bool)
	for _, name := range s.FieldNames() {
		if names[name] {
			t.Errorf("%s is there twice", name)
		}
		names[name] = true
		if one, ok := s.Field(name); !ok || registry[one.ID].name != name || one.Type == detect.TypeUnknown {
			t.Errorf("%s is %+v, %v", name, one, ok)
		}
	}
	for name := range names {
		for part := name; strings.Contains(part, "."); {
			part = part[:strings.LastIndexByte(part, '.')]
			if names[part] {
				t.Errorf("%s is an object and a field", part)
			}
		}
	}
	if _, ok := s.Field("process.nothing"); ok {
		t.Error("process.nothing is a field")
	}
	for _, name := range []string{"event.action", "event.type", "process.entity_id", "process.executable", "network.transport"} {
		if one, _ := s.Field(name); !one.Costly {
			t.Errorf("%s is not costly", name)
		}
	}
	for _, name := range []string{"event.category", "user.id", "destination.ip"} {
		if one, ok := s.Field(name); !ok || one.Costly {
			t.Errorf("%s is costly", name)
		}
	}
	var event Event
	if event.Value(-1).Kind() != detect.KindMissing || event.Value(1<<20).Kind() != detect.KindMissing {
		t.Error("an unknown field has a value")
	}
}
