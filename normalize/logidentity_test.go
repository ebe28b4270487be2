package normalize

import (
	"fmt"
	"testing"
)

// TestLogSilentRecords has the events of a process remain its own in a log where records
// come between them that do not say all of it: it would be easy to hide behind one.
func TestLogSilentRecords(t *testing.T) {
	const unset = 4294967295
	call := func(sequence int, syscall string, auid, session int64) string {
		return fmt.Sprintf(`type=SYSCALL msg=audit(1700000000.%03d:%d): arch=c000003e syscall=%s ppid=36 pid=147 auid=%d uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=%d comm="a" exe="/bin/a" key=(null)`,
			sequence, sequence, syscall, auid, session)
	}
	const (
		exit   = "112 success=yes exit=147 a0=0 a1=0 a2=0 a3=0 items=0"
		header = "msg=audit(1700000000.002:2): "
	)
	for _, test := range []struct {
		name string
		// between is what is between two calls, auid and session what the process has then.
		between       []string
		auid, session int64
		other         bool // another process's, then
	}{
		{"a program's record", []string{`type=USER_CMD ` + header + `pid=147 uid=0 auid=1000 ses=3 subj=unconfined msg='cwd="/" cmd=6C73 exe="/bin/a" terminal=pts/0 res=success'`}, 1000, 3, false},
		{"... of another program", []string{`type=USER_CMD ` + header + `pid=147 uid=0 auid=1000 ses=3 msg='cwd="/" cmd=6C73 exe="/bin/b" terminal=pts/0 res=success'`}, 1000, 3, false},
		{"... of another login", []string{`type=USER_CMD ` + header + `pid=147 uid=0 auid=1001 ses=4 msg='cwd="/" cmd=6C73 exe="/bin/a" terminal=pts/0 res=success'`}, 1000, 3, true},
		{"a record without a login", []string{`type=AVC ` + header + `avc:  denied  { connectto } for  pid=147 comm="a" path="/run/x"`}, 1000, 3, false},
		{"a crash that was none", []string{`type=SECCOMP ` + header + `auid=1000 uid=0 gid=0 ses=3 pid=147 comm="a" exe="/bin/a" sig=0 arch=c000003e syscall=41 compat=0 ip=0x0 code=0x7ffc0000`}, 1000, 3, false},
		{"a login", []string{`type=LOGIN ` + header + `pid=147 uid=0 subj=kernel old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=1`}, 1001, 4, false},
		{"a login and none", []string{
			`type=LOGIN ` + header + `pid=147 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=1`,
			`type=LOGIN msg=audit(1700000000.003:3): pid=147 uid=0 old-auid=1001 auid=4294967295 tty=(none) old-ses=4 ses=4294967295 res=1`,
		}, unset, unset, false},
		{"a login of Linux 3.13", []string{`type=LOGIN ` + header + `pid=147 uid=0 subj=kernel old auid=1000 new auid=1001 old ses=3 new ses=4`}, 1001, 4, false},
		{"a login with a call", []string{
			`type=LOGIN ` + header + `pid=147 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=1`,
			`type=SYSCALL ` + header + `arch=c000003e syscall=1 success=yes exit=4 a0=4 a1=0 a2=4 a3=0 items=0 ppid=36 pid=147 auid=1001 uid=0 tty=pts0 ses=4 comm="a" exe="/bin/a" key=(null)`,
		}, 1001, 4, false},
		{"a login that failed", []string{`type=LOGIN ` + header + `pid=147 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=0`}, 1000, 3, false},
		{"another's login", []string{`type=LOGIN ` + header + `pid=147 uid=0 old-auid=1002 auid=1001 tty=(none) old-ses=9 ses=4 res=1`}, 1001, 4, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := append([]string{call(1, exit, 1000, 3)}, test.between...)
			lines = append(lines, call(9, exit, test.auid, test.session))
			events, _ := run(t, Options{Ordered: true}, lines...)
			first, last := events[0].text("process.entity_id"), events[len(events)-1].text("process.entity_id")
			if first == "" || (first != last) != test.other {
				t.Errorf("the first event is of process %q, the last of %q", first, last)
			}
		})
	}
}
