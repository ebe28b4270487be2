package normalize

import "testing"

func TestConfigChange(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       ConfigChange
	}{
		{"rule removed", `auid=0 ses=1 subj=unconfined op=remove_rule key="tripline" list=4 res=1`, ConfigChange{Operation: "remove_rule", Key: "tripline", Done: true}},
		{"rule removed, Linux 2.6.32", `auid=4294967295 ses=4294967295 op="remove rule" key="k" list=4 res=1`, ConfigChange{Operation: "remove_rule", Key: "k", Done: true}},
		{"several keys", `auid=0 op=add_rule key=6101620A list=4 res=1`, ConfigChange{Operation: "add_rule", Key: "a\x01b\n", Done: true}},
		{"no key", `auid=0 op=add_rule key=(null) list=5 res=1`, ConfigChange{Operation: "add_rule", Done: true}},
		{"refused", `op=set audit_pid=700 old=99 auid=0 ses=3 res=0`, ConfigChange{Operation: "set", Setting: "audit_pid", New: 700, Old: 99}},
		{"setting, Linux 2.6.32", `audit_enabled=0 old=1 auid=0 ses=3 res=1`, ConfigChange{Operation: "set", Setting: "audit_enabled", Old: 1, Done: true}},
		{"rubbish", `op res old= audit_=x`, ConfigChange{Operation: "set", Setting: "audit_", Done: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got ConfigChange
			found := false
			c := NewCorrelator(Options{Emit: func(e *Event) { got, found = e.ConfigChange() }})
			c.Add(Record{Type: TypeConfigChange, Time: 1, Sequence: 1, Body: []byte(test.body)})
			c.Flush()
			if !found || got != test.want {
				t.Errorf("%+v, %v; want %+v", got, found, test.want)
			}
		})
	}
	c := NewCorrelator(Options{Emit: func(e *Event) {
		if _, found := e.ConfigChange(); found {
			t.Error("a system call is a change of the configuration")
		}
	}})
	c.Add(Record{Type: TypeSyscall, Time: 1, Sequence: 1, Body: []byte("syscall=42")})
	c.Flush()
}
