package normalize

import "testing"

func TestSetsUpRing(t *testing.T) {
	const ring = `type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e syscall=425 success=yes exit=5 a0=8 a1=7ffd a2=0 a3=0 items=0 ppid=1 pid=900 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=2 comm="ring" exe="/usr/bin/ring" key=`
	for _, test := range []struct {
		name, line string
		want       bool
	}{
		{"by our rule", ring + `"tripline"`, true},
		{"two keys", ring + `6F7468657201747269706C696E65`, true},
		{"by the rule of others", ring + `"other"`, false},
		{"no key", ring + `(null)`, false},
		{"refused", `type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e syscall=425 success=no exit=-1 a0=8 pid=900 key="tripline"`, false},
		{"another call", `type=SYSCALL msg=audit(1700000000.123:7): arch=c000003e syscall=42 success=yes exit=0 a0=8 pid=900 key="tripline"`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, events := false, 0
			c := NewCorrelator(Options{Emit: func(e *Event) {
				events++
				got = e.SetsUpRing("tripline")
			}})
			record, err := ParseLine([]byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			c.Add(record)
			c.Flush()
			if events != 1 || got != test.want {
				t.Errorf("%d events, %v, want %v", events, got, test.want)
			}
		})
	}
}
