package sensor

import (
	"fmt"
	"strings"
	"testing"

	"tripline/detect"
	"tripline/normalize"
)

// retainedEvent is a connect by an ordinary user, joined from the records of a
// log and retained.
func retainedEvent(b *testing.B) *normalize.Event {
	b.Helper()
	log, _, _ := syntheticLog(1)
	var event *normalize.Event
	correlator := normalize.NewCorrelator(normalize.Options{Ordered: true, Emit: func(e *normalize.Event) {
		if event == nil {
			e.Retain()
			event = e
		}
	}})
	for line := range strings.Lines(strings.ReplaceAll(string(log), "euid=0", "euid=1000")) {
		record, err := normalize.ParseLine([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			b.Fatal(err)
		}
		correlator.Add(record)
	}
	correlator.Flush()
	if event == nil {
		b.Fatal("the log has no event")
	}
	return event
}

// shippedRules are the shipped rule and others about the same category, which
// differ in their actions.
func shippedRules(b *testing.B, n int) []*detect.Compiled {
	b.Helper()
	compiled, err := LoadRules("", nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := len(compiled); i < n; i++ {
		rule := new(detect.Rule)
		rule.RuleID = fmt.Sprint(i)
		rule.Query = fmt.Sprintf(`network where event.action == "action_%d" and process.executable : "/opt/%d/*"`, i, i)
		one, err := detect.Compile(rule, normalize.Schema())
		if err != nil {
			b.Fatal(err)
		}
		compiled = append(compiled, one)
	}
	return compiled
}

// BenchmarkEngine is the engine's part of an event's way: a connect by an ordinary
// user, which fails the first condition of the shipped rule, alone and among 300
// rules.
func BenchmarkEngine(b *testing.B) {
	event := retainedEvent(b)
	defer event.Release()
	for _, n := range []int{1, 300} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			matches := 0
			engine := detect.NewEngine(shippedRules(b, n), detect.Limits{}, func(detect.Match) { matches++ })
			defer engine.Close()
			b.ReportAllocs()
			for b.Loop() {
				engine.Process(event)
			}
			if matches > 0 || engine.Stats().Started > 0 {
				b.Fatal("the event counted for a rule")
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
