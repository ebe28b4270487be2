package auditrules

import (
	"errors"
	"slices"
	"testing"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"
)

func wireOf(t testing.TB, line string) []byte {
	t.Helper()
	parsed, err := flags.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestWireKeys(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
	}{
		{"-a always,exit -F arch=b64 -S connect -k one", []string{"one"}},
		{"-a always,exit -F arch=b64 -S connect -k one -k two", []string{"one", "two"}},
		{"-a always,exit -F arch=b64 -S connect", nil},
		{"-a always,exit -F arch=b64 -S openat -F exe=/bin/sh -k named", []string{"named"}},
		{"-w /etc/passwd -p wa -k passwd", []string{"passwd"}},
	} {
		keys, err := WireKeys(wireOf(t, test.line))
		if err != nil || !slices.Equal(keys, test.want) {
			t.Errorf("%s has the keys %q, %v; want %q", test.line, keys, err, test.want)
		}
	}
}

func FuzzWireKeys(f *testing.F) {
	whole := wireOf(f, "-a always,exit -F arch=b64 -S connect -k one -k two")
	f.Add(whole)
	f.Add(whole[:len(whole)-2])
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		keys, err := WireKeys(wire)
		if err != nil && (!errors.Is(err, ErrNoWireRule) || keys != nil) {
			t.Errorf("%q, %v", keys, err)
		}
	})
}
