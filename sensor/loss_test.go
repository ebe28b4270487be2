package sensor

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules/kernel"
	"tripline/sensor/source"
)

func TestReportLimit(t *testing.T) {
	var said bytes.Buffer
	limit := reportLimit{log: hclog.New(&hclog.LoggerOptions{Output: &said})}
	for range 2500 {
		limit.warn("one kind", errors.New("x"))
	}
	limit.warn("another kind", errors.New("y"))
	if lines := strings.Count(said.String(), "one kind"); lines != 12 {
		t.Errorf("2500 messages were said %d times, want 10 and at 100 and 1000", lines)
	}
	if !strings.Contains(said.String(), "times=1000") || !strings.Contains(said.String(), "another kind") {
		t.Errorf("it said:\n%s", &said)
	}
}

func TestLossCounter(t *testing.T) {
	const own = 42
	watching := kernel.Status{Enabled: 1, PID: own, Lost: 7}
	for _, test := range []struct {
		name     string
		mode     source.Mode
		statuses []kernel.Status
		received []source.Stats
		want     []string
	}{
		{"what was lost before is not ours", source.Unicast, []kernel.Status{watching, watching}, nil, nil},
		{
			"the kernel loses records", source.Unicast,
			[]kernel.Status{watching, {Enabled: 1, PID: own, Lost: 12}, {Enabled: 1, PID: own, Lost: 12}},
			nil,
			[]string{"records=5 since_boot=12"},
		},
		{
			"the counter was reset", source.Unicast,
			[]kernel.Status{watching, {Enabled: 1, PID: own, Lost: 0}, {Enabled: 1, PID: own, Lost: 2}},
			nil,
			[]string{"records=2 since_boot=2"},
		},
		{
			"overruns", source.Multicast,
			[]kernel.Status{watching, watching},
			[]source.Stats{{}, {Overruns: 3}},
			[]string{"times=3"},
		},
		{
			"switched off and on", source.Unicast,
			[]kernel.Status{watching, {PID: own, Lost: 7}, {PID: own, Lost: 7}, watching},
			nil,
			[]string{"the sensor is blind", "the sensor sees again"},
		},
		{
			"the socket is taken", source.Unicast,
			[]kernel.Status{watching, {Enabled: 1, PID: 99, Lost: 7}},
			nil,
			[]string{"audit_pid=99"},
		},
		{"another's socket beside us", source.Multicast, []kernel.Status{{Enabled: 1, PID: 99}}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			var said bytes.Buffer
			counter := lossCounter{log: hclog.New(&hclog.LoggerOptions{Output: &said})}
			for i, status := range test.statuses {
				received := source.Stats{}
				if i < len(test.received) {
					received = test.received[i]
				}
				counter.compare(status, received, own, test.mode)
			}
			if lines := strings.Count(said.String(), "\n"); lines != len(test.want) {
				t.Errorf("%d lines, want %d:\n%s", lines, len(test.want), &said)
			}
			for _, part := range test.want {
				if !strings.Contains(said.String(), part) {
					t.Errorf("it did not say %q:\n%s", part, &said)
				}
			}
		})
	}
}
