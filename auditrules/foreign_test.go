package auditrules

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"
)

// wireOf encodes a rule that the library can write.
func wireOf(t testing.TB, line string) []byte {
	t.Helper()
	parsed, err := flags.Parse(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return wire
}

// handMade encodes a rule that the library cannot write.
func handMade(list, action uint32, calls []int, conditions ...KernelCondition) []byte {
	wire := make([]byte, ruleHeadSize)
	put := func(offset int, value uint32) { binary.NativeEndian.PutUint32(wire[offset:], value) }
	put(0, list)
	put(4, action)
	put(8, uint32(len(conditions)))
	for _, call := range calls {
		wire[maskOffset+call/8] |= 1 << (call % 8)
	}
	text := ""
	for i, one := range conditions {
		if one.Text != "" {
			one.Value = uint32(len(one.Text))
			text += one.Text
		}
		if one.Operator == 0 {
			one.Operator = operEqual
		}
		put(fieldsOffset+4*i, one.Field)
		put(valuesOffset+4*i, one.Value)
		put(operOffset+4*i, one.Operator)
	}
	put(textLenOffset, uint32(len(text)))
	return append(wire, text...)
}

// TestKernelRuleLines writes rules as they were given.
func TestKernelRuleLines(t *testing.T) {
	for _, line := range []string{
		"-a always,exit -F arch=b64 -S connect,setsid -F euid=0 -k tripline",
		"-a always,exit -F arch=b32 -S socketcall -F a0=0x3 -F euid=0 -k tripline",
		"-a never,exit -F arch=b64 -S all -F exe=/usr/sbin/ntpd",
		"-a always,exit -F arch=b64 -S open,openat -F exit=-13 -F auid>=1000 -F auid!=-1 -k access",
		"-a always,exit -F arch=b64 -S execve -C uid!=euid -F success=1 -k setuid",
		"-a always,exit -F arch=b64 -S connect -F saddr_fam=2",
		"-a always,exit -S all -F path=/etc/shadow -F perm=wa -F uid=0",
		"-w /etc/passwd -p wa -k identity",
		"-a never,exclude -F msgtype=PROCTITLE",
		"-a never,exclude -F msgtype>=1300 -F msgtype<=1399",
		"-a never,task",
		"-a never,task -F uid=33",
		"-a never,user -F uid=81",
		"-a always,exit -F arch=b64 -S all -F dir=/srv -F filetype=file -F perm=x -F a1&0x2 -k one -k two",
	} {
		t.Run(line, func(t *testing.T) {
			decoded, err := DecodeKernelRule(wireOf(t, line))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(decoded.Line("x86_64"), "'", ""); got != line {
				t.Errorf("it is written\n%s", got)
			}
		})
	}
}

// TestHandMadeRules writes what the library does not know, and what others may
// have put into a rule to harm who pastes it into a shell.
func TestHandMadeRules(t *testing.T) {
	for _, test := range []struct {
		wire       []byte
		want, mend string
	}{
		{handMade(7, actionNever, []int{16}), "-a never,io_uring -S 16", "auditctl -d never,io_uring -S 16"},
		{
			handMade(4, 2, []int{42, 5000 % 2048}, KernelCondition{Field: 11, Value: 0xc000003e}, KernelCondition{Field: 25, Value: 7}),
			"-a always,exit -F arch=b64 -S connect,904 -F sessionid=7", "auditctl -d always,exit -F arch=b64 -S connect,904 -F sessionid=7",
		},
		{handMade(4, 0, []int{1}, KernelCondition{Field: 11, Value: 0xc00000b7}), "-a never,exit -F arch=0xc00000b7 -S io_destroy", "auditctl -d never,exit -F arch=0xc00000b7 -S io_destroy"},
		{handMade(9, 3, nil, KernelCondition{Field: 99, Operator: 1, Value: 8}), "-a action3,list9 -F field99?8", "auditctl -d action3,list9 -F field99?8"},
		{handMade(5, 0, nil, KernelCondition{Field: 210, Text: "a b;rm -rf /\x01it's\x1b[2J"}), `-a never,exclude -k 'a b;rm -rf /' -k $'it\'s\x1b[2J'`, `auditctl -d never,exclude -k 'a b;rm -rf /' -k $'it\'s\x1b[2J'`},
		{handMade(5, 0, nil, KernelCondition{Field: 12, Value: 1305, Operator: operLess}), "-a never,exclude -F 'msgtype<1305'", "auditctl -d never,exclude -F 'msgtype<1305'"},
	} {
		decoded, err := DecodeKernelRule(test.wire)
		if err != nil {
			t.Fatal(err)
		}
		if got := decoded.Line("x86_64"); got != test.want {
			t.Errorf("it is written %s, not %s", got, test.want)
		}
		if got := decoded.Deletion("x86_64"); got != test.mend {
			t.Errorf("it is deleted by %s, not %s", got, test.mend)
		}
	}
}

func TestUnreadableRules(t *testing.T) {
	many := handMade(4, 0, nil)
	many[8] = 65
	long := handMade(4, 0, nil, KernelCondition{Field: 112, Text: "/x"})
	binary.NativeEndian.PutUint32(long[valuesOffset:], 3)
	for wire, says := range map[string]string{
		string(make([]byte, ruleHeadSize-1)): "1039 bytes", string(many): "65 fields", string(long): "field exe",
	} {
		if _, err := DecodeKernelRule([]byte(wire)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, which does not say %q", err, says)
		}
	}
}

// shippedPlan is the plan for the shipped rule.
func shippedPlan(t testing.TB) *Plan {
	t.Helper()
	plan, err := NewPlan(shippedNeeds(), modern("x86_64"), "tripline")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TestInspect finds each way in which a rule of others hides from the sensor, and
// leaves the innocent ones alone.
func TestInspect(t *testing.T) {
	plan := shippedPlan(t)
	const silent = Effect(99)
	for _, test := range []struct {
		line string
		want Effect
		says string
	}{
		{"-a never,task", HidesAll, "no program that starts"},
		{"-a never,task -F uid=33", HidesSome, "where uid=33"},
		{"-a never,exit -F arch=b64 -S all", HidesAll, "connect"},
		{"-a never,exit -F arch=b64 -S connect", HidesAll, "hides the calls connect,"},
		{"-a never,exit -F arch=b64 -S connect -F euid=0", HidesAll, "connect"},
		{"-a never,exit -F arch=b64 -S connect -F euid<1000", HidesAll, "connect"},
		{"-a never,exit -F arch=b64 -S connect -F euid=1000", silent, ""},
		{"-a never,exit -F arch=b64 -S connect -F auid=-1", HidesSome, "where auid=-1"},
		{"-a never,exit -F arch=b64 -S connect -F exe=/usr/bin/curl", HidesSome, "where exe=/usr/bin/curl"},
		{"-a never,exit -F arch=b32 -S socketcall -F a0=3", HidesAll, "socketcall"},
		{"-a never,exit -F arch=b32 -S socketcall -F a0=2", silent, ""},
		{"-a never,exit -F arch=b64 -S openat", silent, ""},
		{"-a always,exit -F arch=b64 -S connect -k others", silent, ""},
		{"-a always,exit -F arch=b64 -S all", Costs, "every system call"},
		{"-a always,exit -F arch=b64 -S all -F auid=1000", silent, ""},
		{"-a never,exclude -F msgtype=SYSCALL", HidesAll, "nothing can be detected"},
		{"-a always,exclude -F msgtype=SOCKADDR", HidesAll, "connections are not seen"},
		{"-a never,exclude -F msgtype=EOE", HidesDetails, "alerts come later"},
		{"-a never,exclude -F msgtype=PROCTITLE", HidesDetails, "command line"},
		{"-a never,exclude -F msgtype>=1300 -F msgtype<=1330", HidesAll, "SYSCALL, SOCKADDR, SOCKETCALL, PROCTITLE, EOE"},
		{"-a never,exclude -F msgtype=CWD", silent, ""},
		{"-a never,exclude -F uid=0", HidesSome, "where uid=0"},
		{"-w /etc/passwd -p wa", silent, ""},
		{"-a never,user -F uid=0", silent, ""},
		{"-a never,exit -F arch=b64 -S connect -k tripline", HidesAll, "connect"},
	} {
		t.Run(test.line, func(t *testing.T) {
			found := Inspect([][]byte{wireOf(t, test.line), plan.Rules[0].Wire}, plan, "x86_64")
			if test.want == silent {
				if len(found) != 0 {
					t.Fatalf("found %+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Effect != test.want || !strings.Contains(found[0].Text, test.says) || !strings.HasPrefix(found[0].Mend, "auditctl -") {
				t.Fatalf("found %+v", found)
			}
		})
	}
}

// TestInspectOrder knows that of two rules the first decides, but that excluded
// records are dropped wherever the rule is.
func TestInspectOrder(t *testing.T) {
	plan := shippedPlan(t)
	never := wireOf(t, "-a never,exit -F arch=b64 -S connect")
	exclude := wireOf(t, "-a never,exclude -F msgtype=SYSCALL")
	entry := slices.Clone(never)
	binary.NativeEndian.PutUint32(entry, listEntry)
	for _, test := range []struct {
		name  string
		rules [][]byte
		want  int
	}{
		{"before", [][]byte{never, plan.Rules[0].Wire}, 1},
		{"behind", [][]byte{plan.Rules[0].Wire, never}, 0},
		{"alone, so that ours would be behind", [][]byte{never}, 1},
		{"before one of ours that was added again", [][]byte{plan.Rules[1].Wire, never, plan.Rules[0].Wire}, 1},
		{"behind one of others that records as much", [][]byte{wireOf(t, "-a always,exit -F arch=b64 -S connect,open,426 -k others"), never}, 0},
		{"behind one of others that records less", [][]byte{wireOf(t, "-a always,exit -F arch=b64 -S connect -F auid=1000 -k others"), never}, 1},
		{"on the list entry, of kernels before 3.3", [][]byte{plan.Rules[0].Wire, entry}, 1},
		{"exclude behind", [][]byte{plan.Rules[0].Wire, exclude}, 1},
		{"only ours", [][]byte{plan.Rules[0].Wire, plan.Rules[1].Wire}, 0},
		{"one that cannot be read", [][]byte{[]byte("short")}, 1},
	} {
		if found := Inspect(test.rules, plan, "x86_64"); len(found) != test.want {
			t.Errorf("%s: found %+v", test.name, found)
		}
	}
}

// TestInspectTenThousand inspects as many rules of others, of which few hide
// something; the log says in which time.
func TestInspectTenThousand(t *testing.T) {
	plan := shippedPlan(t)
	var rules [][]byte
	for i := range 10000 {
		rules = append(rules, handMade(listExit, actionNever, []int{i % 400}, KernelCondition{Field: fieldExecutable, Text: fmt.Sprintf("/opt/%d", i)}))
	}
	timeOf := func(rules [][]byte) time.Duration {
		start := time.Now()
		Inspect(rules, plan, "x86_64")
		return time.Since(start)
	}
	few, all := timeOf(rules[:1000]), timeOf(rules)
	t.Logf("1,000 rules take %v, 10,000 take %v", few, all)
	if found := Inspect(rules, plan, "x86_64"); len(found) != 10000/400*13 { // the plan has six calls of 64-bit programs and seven of 32-bit ones
		t.Errorf("%d rules hide something", len(found))
	}
}

// FuzzKernelRule decodes, writes and inspects any bytes.
func FuzzKernelRule(f *testing.F) {
	for _, line := range []string{
		"-a always,exit -F arch=b64 -S connect,setsid -F euid=0 -k tripline", "-w /etc/passwd -p wa -k identity",
		"-a never,exclude -F msgtype=SYSCALL", "-a never,task -F uid=33", "-a never,exit -F arch=b32 -S all -C uid!=euid",
	} {
		f.Add(wireOf(f, line))
	}
	f.Add(handMade(7, 0, []int{16}, KernelCondition{Field: 112, Text: "/a'\x01"}))
	plan := shippedPlan(f)
	f.Fuzz(func(t *testing.T, wire []byte) {
		decoded, err := DecodeKernelRule(wire)
		found := Inspect([][]byte{wire}, plan, "x86_64")
		if err != nil {
			if len(found) != 1 || found[0].Line != "" {
				t.Errorf("a rule that cannot be read gives %+v", found)
			}
			return
		}
		line := decoded.Line("x86_64")
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a terminal would not show %q as it is", line)
		}
	})
}
