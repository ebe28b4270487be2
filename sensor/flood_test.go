package sensor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/normalize"
	"tripline/sensor/output"
)

// collected keeps what an output was given.
type collected struct {
	alerts, summaries, evidence int
	counted                     float64
	bytes                       int
}

func (c *collected) Name() string { return "collected" }
func (c *collected) Close() error { return nil }

func (c *collected) Write(_ context.Context, document output.Document) error {
	c.bytes += len(document.JSON)
	switch {
	case document.Kind == output.KindEvidence:
		c.evidence++
	case bytes.Contains(document.JSON, []byte(`"alerts_summarized"`)):
		c.summaries++
		var fields struct {
			Tripline struct {
				Alert struct {
					Summary struct{ Count float64 } `json:"summary"`
				} `json:"alert"`
			} `json:"tripline"`
		}
		if err := json.Unmarshal(document.JSON, &fields); err != nil {
			return err
		}
		c.counted += fields.Tripline.Alert.Summary.Count
	default:
		c.alerts++
	}
	return nil
}

// attackRecords are the records of the behaviour by a process of its own.
func attackRecords(number int) string {
	at, pid := 1_700_000_000_000+int64(number), 100_000+number
	head := func(kind string, ms int64, sequence int) string {
		return fmt.Sprintf("type=%s msg=audit(%d.%03d:%d): ", kind, ms/1000, ms%1000, sequence)
	}
	who := fmt.Sprintf("items=0 ppid=1 pid=%d auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=4 comm=\"x\" exe=\"/opt/x\" key=\"tripline\"\n", pid)
	return head("SYSCALL", at, 2*number) + "arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=1 a2=10 a3=0 " + who +
		head("SOCKADDR", at, 2*number) + "saddr=0200115CC0000201000000000000000000\n" +
		head("EOE", at, 2*number) + "\n" +
		head("SYSCALL", at, 2*number+1) + "arch=c000003e syscall=112 success=yes exit=20 a0=0 a1=0 a2=0 a3=0 " + who +
		head("EOE", at, 2*number+1) + "\n"
}

// flooded is a sensor without a kernel: its pipeline, throttle, evidence and
// outputs, further ones among them.
func flooded(t testing.TB, throttled bool, further ...output.Writer) (*Sensor, *collected) {
	t.Helper()
	rules, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	into := new(collected)
	settings := config.Default()
	settings.Evidence.Connections = ""
	s := &Sensor{options: Options{
		Config: settings, Evidence: &settings.Evidence, Log: hclog.NewNullLogger(), Outputs: append([]output.Writer{into}, further...),
	}, rules: rules}
	s.reported = reportLimit{log: s.options.Log}
	s.pipeline = newPipeline(rules, Limits(settings.Detect), nil)
	s.pipeline.onAlert = s.raise
	s.startQueues()
	if err := s.startAftermath(); err != nil {
		t.Fatal(err)
	}
	if !throttled {
		s.pipeline.admit = nil
	}
	return s, into
}

func (s *Sensor) feed(t testing.TB, records string) {
	t.Helper()
	for line := range strings.Lines(records) {
		record, err := normalize.ParseLine([]byte(strings.TrimSuffix(line, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		s.pipeline.correlator.Add(record)
	}
}

// TestFlood raises what a thousand matches a second for ten seconds are: the
// throttle lets max_signals through, one summary has the rest, and memory stays
// what it was.
func TestFlood(t *testing.T) {
	const matches, signals = 10_000, 100
	s, into := flooded(t, true)
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range matches {
		s.feed(t, attackRecords(i))
		if i%2500 == 2499 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			peak.HeapAlloc = max(peak.HeapAlloc, now.HeapAlloc)
		}
	}
	s.pipeline.finish(true)
	s.closeAftermath()
	if err := s.closeOutputs(); err != nil {
		t.Fatal(err)
	}
	gathered := s.aftermath.gatherer.Stats()
	if into.alerts != signals || into.summaries != 1 || into.counted != matches-signals {
		t.Errorf("%d alerts, %d summaries of %v matches", into.alerts, into.summaries, into.counted)
	}
	if uint64(into.evidence) != gathered.Gathered || gathered.Gathered+gathered.Dropped != signals {
		t.Errorf("%d documents of evidence: %+v", into.evidence, gathered)
	}
	const most = 64 << 20
	if peak.HeapAlloc > before.HeapAlloc+most {
		t.Errorf("the heap grew from %d to %d bytes", before.HeapAlloc, peak.HeapAlloc)
	}
	t.Logf("heap %d KiB before, %d KiB at most", before.HeapAlloc>>10, peak.HeapAlloc>>10)
}

// BenchmarkFlood is what a match costs the event path: without the throttle each
// becomes a document.
func BenchmarkFlood(b *testing.B) {
	for _, test := range []struct {
		name      string
		throttled bool
	}{{"throttled", true}, {"raised", false}} {
		b.Run(test.name, func(b *testing.B) {
			s, _ := flooded(b, test.throttled)
			for i := range 200 { // the first of the interval are raised
				s.feed(b, attackRecords(i))
			}
			records := make([]string, b.N)
			for i := range records {
				records[i] = attackRecords(200 + i)
			}
			b.ReportAllocs()
			b.ResetTimer()
			start := time.Now()
			for _, one := range records {
				s.feed(b, one)
			}
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "matches/s")
			b.StopTimer()
			s.pipeline.finish(true)
			s.closeAftermath()
			_ = s.closeOutputs()
		})
	}
	b.Run("no match", func(b *testing.B) {
		s, _ := flooded(b, true)
		records := make([]string, b.N)
		for i := range records {
			records[i] = strings.ReplaceAll(attackRecords(i), "success=yes", "success=no") // setsid failed
		}
		b.ReportAllocs()
		b.ResetTimer()
		for _, one := range records {
			s.feed(b, one)
		}
		b.StopTimer()
		s.pipeline.finish(true)
		s.closeAftermath()
		_ = s.closeOutputs()
	})
}
