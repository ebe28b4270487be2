package auditrules

import (
	"slices"
	"testing"
)

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
