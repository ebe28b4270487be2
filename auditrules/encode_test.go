package auditrules

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"
	"golang.org/x/sys/unix"
)

// TestEncodingAgreesWithTheLibrary compares, for every machine's every interface
// and call, our bytes with those that go-libaudit makes of our line.
func TestEncodingAgreesWithTheLibrary(t *testing.T) {
	names := map[uint32]string{
		unix.AUDIT_ARCH_X86_64: "x86_64", unix.AUDIT_ARCH_I386: "i386", unix.AUDIT_ARCH_AARCH64: "aarch64",
		unix.AUDIT_ARCH_ARM: "arm", unix.AUDIT_ARCH_S390X: "s390x", unix.AUDIT_ARCH_S390: "s390",
	}
	compared := 0
	for _, machine := range []string{"x86_64", "i686", "aarch64", "armv7l", "s390x"} {
		abis, err := abisOf(machine)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range abis {
			for call := range a.calls {
				conditions := []condition{
					{"a3", unix.AUDIT_ARG3, unix.AUDIT_BIT_MASK, msgFastopen, true},
					{"euid", unix.AUDIT_EUID, unix.AUDIT_EQUAL, 1000, false},
					{"auid", unix.AUDIT_LOGINUID, unix.AUDIT_EQUAL, 0, false},
					{"exit", unix.AUDIT_EXIT, unix.AUDIT_GREATER_THAN_OR_EQUAL, 3, false},
					{"exit", unix.AUDIT_EXIT, unix.AUDIT_LESS_THAN_OR_EQUAL, 10, false},
				}
				r := kernelRule{abi: &a, calls: []string{call, "setsid"}, conditions: conditions, key: "tripline"}
				got, err := r.wire()
				if err != nil {
					t.Fatal(err)
				}
				want, err := fromLibrary(r.line(false), a, names[a.arch])
				if err != nil {
					t.Logf("%s %s %s: the library cannot: %v", machine, a.short, call, err)
					continue
				}
				if !sameRule(got, want) {
					t.Errorf("%s: %q differs from the library's encoding", machine, r.line(false))
				}
				compared++
			}
		}
	}
	if compared < 50 && runtime.GOARCH == "amd64" {
		t.Errorf("only %d rules were compared", compared)
	}
}

// fromLibrary encodes a line with the library, which takes the name of an
// architecture for b64 and b32.
func fromLibrary(line string, a abi, arch string) ([]byte, error) {
	parsed, err := flags.Parse(strings.Replace(line, "arch="+a.short, "arch="+arch, 1))
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return wire, nil
}

func TestSystemCallNumbersOfEveryInterfaceDiffer(t *testing.T) {
	for _, machine := range []string{"x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x"} {
		abis, err := abisOf(machine)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range abis {
			seen := make(map[uint32]string)
			for call, number := range a.calls {
				if other, twice := seen[number]; twice {
					t.Errorf("%s %s: %s and %s are both %d", machine, a.short, call, other, number)
				}
				seen[number] = call
			}
			for _, f := range feeds() {
				for _, call := range f.calls {
					if a.calls[call] == 0 {
						t.Errorf("%s %s: no number for %s", machine, a.short, call)
					}
				}
			}
		}
	}
}

func TestPortableLinesUseNumbersForNewCalls(t *testing.T) {
	abis, err := abisOf("x86_64")
	if err != nil {
		t.Fatal(err)
	}
	r := kernelRule{calls: []string{"connect", "socket", "sendto", "sendmsg", "sendmmsg", "execveat", "io_uring_setup", "setsid"}, key: "k"}
	for i, want := range []string{
		"-a always,exit -F arch=b64 -S connect,socket,sendto,sendmsg,307,322,425,setsid -k k",
		"-a always,exit -F arch=b32 -S 362,359,369,370,345,358,425,setsid -k k",
	} {
		r.abi = &abis[i]
		if got := r.line(true); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRuleTooLong(t *testing.T) {
	r := kernelRule{calls: []string{"connect"}, key: strings.Repeat("k", 257)}
	if _, err := r.wire(); err == nil || !strings.Contains(err.Error(), "at most 256 bytes") {
		t.Errorf("the error is %v", err)
	}
	r = kernelRule{calls: []string{"connect"}, conditions: make([]condition, 64), key: "k"}
	if _, err := r.wire(); err == nil || !strings.Contains(err.Error(), "64 fields") {
		t.Errorf("the error is %v", err)
	}
}

func TestSameRuleIgnoresPadding(t *testing.T) {
	r := kernelRule{calls: []string{"connect"}, key: "k"}
	wire, err := r.wire()
	if err != nil {
		t.Fatal(err)
	}
	if !sameRule(wire, append(wire[:len(wire):len(wire)], 0, 0, 0)) {
		t.Error("padding counts")
	}
	other, err := kernelRule{calls: []string{"connect"}, key: "j"}.wire()
	if err != nil {
		t.Fatal(err)
	}
	if sameRule(wire, other) {
		t.Error("the key does not count")
	}
}
