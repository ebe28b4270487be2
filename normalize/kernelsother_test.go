package normalize

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sectionCheck is what the events of one kind of case must be.
type sectionCheck struct {
	// prefix begins the section's name; about chooses events of it.
	prefix string
	about  func(seen) bool
	check  func(*testing.T, seen)
	// least is how many events each kernel has of it.
	least int
}

func ofCall(names ...string) func(seen) bool {
	return func(event seen) bool { return slices.Contains(names, event.text("auditd.data.syscall")) }
}

// expect compares fields of an event as texts.
func expect(t *testing.T, event seen, fields map[string]string) {
	t.Helper()
	for name, want := range fields {
		if got := event.text(name); got != want {
			t.Errorf("%s is %q, not %q: %s", name, got, want, event.json)
		}
	}
}

// sectionChecks are the cases whose events are of other calls than TestKernelCases
// looks at.
func sectionChecks() []sectionCheck {
	socket := func(t *testing.T, event seen) {
		expect(t, event, map[string]string{"event.action": "socket", "event.category": "network", "event.type": "info", "event.outcome": "success", "process.executable": "/guest/tc64"})
	}
	return []sectionCheck{
		{"case D3 socket", ofCall("socket"), socket, 2},
		{"case D4 socket", ofCall("socket"), socket, 1},
		{"case D5 dup2", ofCall("dup2"), func(t *testing.T, event seen) {
			expect(t, event, map[string]string{"event.action": "dup2", "event.category": "process", "auditd.data.exit": "0", "auditd.data.a1": "0"})
		}, 1},
		{"case F2 b32", ofCall("connect"), func(t *testing.T, event seen) {
			expect(t, event, map[string]string{"event.action": "connection_attempted", "auditd.data.arch": "i386", "destination.ip": "127.0.0.1"})
		}, 1},
		{"case H loginuid", func(event seen) bool { return event.text("event.action") == "login" }, func(t *testing.T, event seen) {
			login := event.text("user.audit.id")
			if login != "1001" && login != "" || login == "" && event.text("auditd.data.old-auid") != "1001" {
				t.Errorf("the login user is %q: %s", login, event.json)
			}
			expect(t, event, map[string]string{"event.category": "session", "event.type": "info", "user.id": "0"})
		}, 1},
		{"case K execve", ofCall("execve"), func(t *testing.T, event seen) {
			expect(t, event, map[string]string{"event.action": "exec", "event.type": "start", "user.id": "1000", "process.executable": "/guest/tc64"})
			var args []string
			for _, arg := range event.fields["process.args"].Elements() {
				args = append(args, arg.Text())
			}
			if want := []string{"/guest/tc64", "udp", "arg with space", `q"uote`, "ctl\x01"}; len(args) != 6 || !slices.Equal(args[:5], want) || strings.Trim(args[5], "L") != "" || len(args[5]) < 7500 {
				t.Errorf("%d arguments: %.60q", len(args), args)
			}
		}, 1},
		{"case N exclude", ofCall("execve"), func(t *testing.T, event seen) {
			expect(t, event, map[string]string{"event.action": "exec", "process.working_directory": "", "file.path": ""})
		}, 1},
		{"case X x32", ofCall("socket"), socket, 1},
	}
}

func TestKernelCasesOfOtherCalls(t *testing.T) {
	for _, file := range caseFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			cases := readCases(t, file)
			for _, section := range sectionChecks() {
				found := 0
				for _, one := range cases {
					for _, event := range one.events {
						if strings.HasPrefix(one.section, section.prefix) && section.about(event) {
							found++
							section.check(t, event)
						}
					}
				}
				if found < section.least {
					t.Errorf("%s: %d events, not %d", section.prefix, found, section.least)
				}
			}
		})
	}
}
