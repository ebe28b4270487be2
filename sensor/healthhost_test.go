package sensor

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/sensor/source"
)

// countedSource is a source that delivers nothing and says so.
type countedSource struct{ *stubbornSource }

func (countedSource) Stats() source.Stats { return source.Stats{} }

// seeing is a sensor without a kernel whose event path runs, as the health watcher
// sees it.
func seeing(t *testing.T) (*Sensor, *healthHost) {
	t.Helper()
	s, _ := flooded(t, false)
	from := countedSource{newStubbornSource()}
	s.watch = &watch{source: from}
	pumped := make(chan error, 1)
	go func() { pumped <- s.pipeline.pumpKernel(from) }()
	t.Cleanup(func() {
		close(from.end)
		if err := <-pumped; err != nil {
			t.Error(err)
		}
		s.closeAftermath()
		if err := s.closeOutputs(); err != nil {
			t.Error(err)
		}
	})
	return s, &healthHost{sensor: s, seed: maphash.MakeSeed()}
}

// TestWindowsSinceTheLastLook has a sequence that begins and is complete between two
// looks: what is lost in that time may have been lost while it was open.
func TestWindowsSinceTheLastLook(t *testing.T) {
	s, host := seeing(t)
	ctx := context.Background()
	host.Counters(ctx)
	if open := host.OpenWindows(ctx); len(open) != 0 {
		t.Fatalf("before all events %+v is open", open)
	}
	for number := range 2 { // the second is noticed like the first
		s.pipeline.do(ctx, s.watch.source, func() {
			s.feed(t, attackRecords(number))
			s.pipeline.correlator.Flush()
		})
		host.Counters(ctx)
		open := host.OpenWindows(ctx)
		if len(open) != 1 || open[0].ID != s.rules[0].Rule().RuleID || open[0].Pending != 1 {
			t.Fatalf("the windows that were open are %+v", open)
		}
		host.Counters(ctx)
		if open := host.OpenWindows(ctx); len(open) != 0 {
			t.Errorf("after a look without events %+v is open", open)
		}
	}
}

// TestLockedHostIsShadowed looks at a host whose rules were loaded at boot and
// locked, among them one of somebody else's that hides what they report.
func TestLockedHostIsShadowed(t *testing.T) {
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	features := kernel.Features{Machine: "x86_64"}
	plan, err := PlanRulesFor(rules, features, "tripline")
	if err != nil {
		t.Fatal(err)
	}
	const actionOffset, never = 4, 0
	hiding := slices.Clone(plan.Rules[0].Wire)
	binary.NativeEndian.PutUint32(hiding[actionOffset:], never)
	loaded := [][]byte{hiding}
	for _, rule := range plan.Rules {
		loaded = append(loaded, rule.Wire)
	}
	control := &fakeControl{status: kernel.Status{Enabled: 2}, rules: loaded}
	w := &watch{control: control}
	if err := w.install(plan); err != nil {
		t.Fatal(err)
	}
	s := &Sensor{watch: w, features: features, plan: plan}
	if text := s.suspects(); !strings.Contains(text, "a rule of others hides") || !strings.Contains(text, "mend: auditctl -d never,exit ") {
		t.Errorf("a sample that is missed is explained by %q", text)
	}
	host := &healthHost{sensor: s, seed: maphash.MakeSeed()}
	missing, hidden, err := host.Look()
	if err != nil || len(missing) != 0 {
		t.Fatalf("missing %+v, %v", missing, err)
	}
	if len(hidden) != 1 || hidden[0].Effect < auditrules.HidesSome {
		t.Errorf("hidden is %+v", hidden)
	}
}
