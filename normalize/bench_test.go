package normalize

import (
	"bytes"
	"strings"
	"testing"

	"github.com/elastic/go-libaudit/v2/auparse"

	"tripline/detect"
)

// recorded is the log of connects that the benchmarks read: the lines, and the
// netlink payloads that they stand for.
func recorded(tb testing.TB) (lines [][]byte, payloads []Record, raw [][]byte) {
	tb.Helper()
	for _, line := range splitLines(readFile(tb, "testdata/kernels/6.1.0-50-debian12.cases.txt")) {
		line = strings.TrimLeft(line, " ")
		if !strings.HasPrefix(line, "type=") || len(line) > 2000 {
			continue
		}
		record, err := ParseLine([]byte(line))
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, []byte(line))
		payloads = append(payloads, record)
		raw = append(raw, []byte(line[strings.Index(line, "audit("):]))
	}
	return lines, payloads, raw
}

// later gives payloads the sequence numbers of another round, so that a benchmark
// never adds an event twice. All headers have the same form.
func later(payload []byte, round int) {
	at := bytes.IndexByte(payload, '(') + 5
	for i := range 5 {
		payload[at+4-i] = byte('0' + round%10)
		round /= 10
	}
}

func BenchmarkParseCorrelate(b *testing.B) {
	_, records, raw := recorded(b)
	size := 0
	for _, payload := range raw {
		size += len(payload)
	}
	events := 0
	c := NewCorrelator(Options{Emit: func(*Event) { events++ }, Resolver: nobody{}})
	b.ReportAllocs()
	b.SetBytes(int64(size))
	round := 0
	for b.Loop() {
		for i, payload := range raw {
			later(payload, round)
			record, err := ParsePayload(uint16(records[i].Type), payload)
			if err != nil {
				b.Fatal(err)
			}
			c.Add(record)
		}
		round++
	}
	b.ReportMetric(float64(b.N*len(raw))/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkParseLines(b *testing.B) {
	lines, _, _ := recorded(b)
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, line := range lines {
			if _, err := ParseLine(line); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkReplay is the way of a log line to an ordered event with its identity.
func BenchmarkReplay(b *testing.B) {
	lines, _, _ := recorded(b)
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	c := NewCorrelator(Options{Ordered: true})
	b.ReportAllocs()
	b.SetBytes(int64(size))
	round := 0
	for b.Loop() {
		for _, line := range lines {
			later(line[bytes.Index(line, []byte("audit(")):], round)
			record, err := ParseLine(line)
			if err != nil {
				b.Fatal(err)
			}
			c.Add(record)
		}
		round++
	}
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkFields adds what the default rule reads of every event.
func BenchmarkFields(b *testing.B) {
	_, records, _ := recorded(b)
	var ids []detect.FieldID
	for _, name := range []string{"event.category", "event.type", "event.action", "user.id", "process.executable", "process.entity_id"} {
		one, _ := Schema().Field(name)
		ids = append(ids, one.ID)
	}
	events := 0
	c := NewCorrelator(Options{Resolver: nobody{}, Emit: func(e *Event) {
		events++
		for _, id := range ids {
			e.Value(id)
		}
	}})
	b.ReportAllocs()
	round := uint64(0)
	for b.Loop() {
		for _, record := range records {
			record.Sequence += round
			record.Time += int64(round)
			c.Add(record)
		}
		round += 100000
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

func BenchmarkJSON(b *testing.B) {
	_, records, _ := recorded(b)
	var document []byte
	c := NewCorrelator(Options{Resolver: nobody{}, Emit: func(e *Event) {
		if e.record(TypeSockaddr) == nil || len(document) > 0 {
			return
		}
		b.ReportAllocs()
		for b.Loop() {
			document = e.AppendJSON(document[:0], nil)
		}
		b.SetBytes(int64(len(document)))
	}})
	for _, record := range records {
		c.Add(record)
	}
}

// BenchmarkAuparse is go-libaudit's parser over the same lines, fields included, to
// be compared with BenchmarkFields and BenchmarkReplay.
func BenchmarkAuparse(b *testing.B) {
	lines, _, _ := recorded(b)
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, line := range lines {
			message, err := auparse.ParseLogLine(string(line))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = message.Data() // fields are parsed when they are asked for; an EOE has none
		}
	}
	b.ReportMetric(float64(b.N*len(lines))/b.Elapsed().Seconds(), "records/s")
}

// nobody is a resolver that knows nothing.
type nobody struct{}

func (nobody) Identify(q ProcessQuery) Identity { return Identity{EntityID: "nobody", PID: q.PID} }
func (nobody) Transport(uint32, uint64) string  { return "" }
func (nobody) UserName(uint32) string           { return "" }
func (nobody) Executable(uint32) string         { return "" }
