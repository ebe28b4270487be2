package normalize

import "testing"

func TestReported(t *testing.T) {
	const who = ` items=0 ppid=1 pid=2 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm="x" exe="/x"`
	for _, test := range []struct{ name, log, want string }{
		{"connect", `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=0 a2=10 a3=0` + who, "SYSCALL connect (x86_64)"},
		{"32 bits", `type=SYSCALL msg=audit(1.000:1): arch=40000003 syscall=362 success=yes exit=0 a0=3 a1=0 a2=10 a3=0` + who, "SYSCALL connect (i386)"},
		{"socketcall", `type=SYSCALL msg=audit(1.000:1): arch=40000003 syscall=102 success=yes exit=0 a0=3 a1=0 a2=10 a3=0` + who, "SYSCALL socketcall connect (i386)"},
		{"x32", `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=1073741866 success=yes exit=0 a0=3 a1=0 a2=10 a3=0` + who, "SYSCALL connect (x32)"},
		{"fast open", `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=44 success=yes exit=0 a0=3 a1=0 a2=1 a3=20000000` + who, "SYSCALL sendto (x86_64)"},
		{"ring", `type=URINGOP msg=audit(1.000:1): uring_op=16 success=yes exit=0 items=0 ppid=1 pid=2 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0`, "URINGOP connect"},
		{"unknown machine", `type=SYSCALL msg=audit(1.000:1): arch=7 syscall=42 success=yes exit=0` + who, "SYSCALL 42"},
		{"unknown call", `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=9999 success=yes exit=0` + who, "SYSCALL 9999 (x86_64)"},
		{"another record", `type=USER_LOGIN msg=audit(1.000:1): pid=2 uid=0 auid=0 ses=1 msg='op=login res=success'`, "USER_LOGIN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			correlator := NewCorrelator(Options{Ordered: true, Emit: func(e *Event) { got = e.Reported() }})
			record, err := ParseLine([]byte(test.log))
			if err != nil {
				t.Fatal(err)
			}
			correlator.Add(record)
			correlator.Flush()
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
