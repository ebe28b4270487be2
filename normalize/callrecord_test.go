package normalize

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// callBodies are the bodies of the SYSCALL records in the tests' logs.
func callBodies(tb testing.TB) (bodies [][]byte) {
	tb.Helper()
	files, err := filepath.Glob("testdata/golden/*.log")
	if err != nil {
		tb.Fatal(err)
	}
	more, err := filepath.Glob("testdata/kernels/*.txt")
	if err != nil {
		tb.Fatal(err)
	}
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if record, err := ParseLine([]byte(strings.TrimLeft(line, " "))); err == nil && record.Type == TypeSyscall {
				bodies = append(bodies, record.Body)
			}
		}
	}
	return bodies
}

// readBoth reads a body as a whole and pair by pair.
func readBoth(body []byte) (whole, pairs details, ok bool) {
	var call Call
	event := &Event{owner: NewCorrelator(Options{Emit: func(*Event) {}})}
	if ok = call.read(body); ok {
		event.takeKernelCall(&whole, &call, body)
	}
	event.readPairs(&pairs, body)
	return whole, pairs, ok
}

// TestKernelCall holds what is read of a whole record against what is read of it
// pair by pair, and that it is so for nearly every record that a kernel wrote.
func TestKernelCall(t *testing.T) {
	bodies, wholly := callBodies(t), 0
	for _, body := range bodies {
		whole, pairs, ok := readBoth(body)
		if !ok {
			continue
		}
		wholly++
		if !reflect.DeepEqual(whole, pairs) {
			t.Errorf("%s\nwhole: %+v\npairs: %+v", body, whole, pairs)
		}
	}
	if wholly < len(bodies)*3/4 {
		t.Errorf("%d of %d records were read wholly", wholly, len(bodies))
	}
}

// TestKernelCallForms has records of other forms.
func TestKernelCallForms(t *testing.T) {
	const plain = `arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=7ffd03b3ce90 a2=10 a3=0 items=0 ppid=1 pid=1000 ` +
		`auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="agent" exe="/bin/agent" key="tripline"`
	tests := []struct {
		name, old, new string
		wholly         bool
	}{
		{"plain", "", "", true},
		{"no terminal", "tty=pts0", "tty=(none)", true},
		{"no key", `key="tripline"`, "key=(null)", true},
		{"two keys", `key="tripline"`, "key=61016200", true},
		{"a label", ` key=`, ` subj=system_u:system_r:init_t:s0 key=`, true},
		{"nobody's login", "auid=1000", "auid=4294967295", true},
		{"nobody's login, old kernels", "auid=1000", "auid=-1", false},
		{"a personality", " success", " per=400000 success", false},
		{"no outcome", " success=no exit=-115", "", false},
		{"a large exit", "exit=-115", "exit=140737488355328", true},
		{"the largest exit", "exit=-115", "exit=9223372036854775807", false},
		{"a number too large", "euid=0", "euid=4294967296", false},
		{"no number", "euid=0", "euid=x", false},
		{"an argument too long", "a0=3", "a0=11112222333344445", false},
		{"comm in hexadecimal", `comm="agent"`, "comm=6120622063", true},
		{"both in hexadecimal", `comm="agent" exe="/bin/agent"`, "comm=6120622063 exe=2F62696E2F6120FF", true},
		{"not in hexadecimal", `comm="agent"`, "comm=612062206", false},
		{"in small hexadecimal", `comm="agent"`, "comm=6120622f", false},
		{"no executable", `exe="/bin/agent"`, "exe=(null)", false},
		{"an empty name", `comm="agent"`, `comm=""`, false},
		{"cut off", `exe="/bin/agent" key="tripline"`, `exe="/bin/age`, false},
		{"something behind", `key="tripline"`, `key="tripline" res=success`, false},
		{"something in the key", `key="tripline"`, `key="trip" euid=7 x="line"`, false},
		{"another order", "uid=0 gid=0", "gid=0 uid=0", false},
		{"a quoted terminal", "tty=pts0", `tty="pts0"`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := strings.Replace(plain, test.old, test.new, 1)
			whole, pairs, ok := readBoth([]byte(body))
			if ok != test.wholly {
				t.Fatalf("read wholly: %v", ok)
			}
			if ok && !reflect.DeepEqual(whole, pairs) {
				t.Errorf("whole: %+v\npairs: %+v", whole, pairs)
			}
		})
	}
}

func FuzzKernelCall(f *testing.F) {
	for i, body := range callBodies(f) {
		if i%7 == 0 {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		whole, pairs, ok := readBoth(body)
		if ok && !reflect.DeepEqual(whole, pairs) {
			t.Errorf("%q\nwhole: %+v\npairs: %+v", body, whole, pairs)
		}
	})
}
