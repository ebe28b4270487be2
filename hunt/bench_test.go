package hunt

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// rareQuery matches none of the benchmark's documents, and has to look at
// several fields of each.
const rareQuery = `sequence by process.entity_id with maxspan=1m
	[process where event.type == "start" and user.id == "1000" and process.executable : ("/usr/bin/nc*", "/tmp/*")]
	[network where destination.port == 4444]`

// BenchmarkHunt reads a file, from the disk's cache to matches.
func BenchmarkHunt(b *testing.B) {
	data := bytes.Join(benchmarkLines(100_000), []byte("\n"))
	folder := b.TempDir()
	plainFile, zipped := filepath.Join(folder, "events.ndjson"), filepath.Join(folder, "events.ndjson.gz")
	if err := os.WriteFile(plainFile, data, 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(zipped, compress(b, data), 0o600); err != nil {
		b.Fatal(err)
	}
	var many []string
	for i := range 300 { // as rules have it, few are about the same action
		action := "other"
		if i%30 == 0 {
			action = "exec"
		}
		many = append(many, fmt.Sprintf(`process where event.action == "%s" and process.name : "name-%d*" and other.field_%d != null`, action, i, i%100))
	}
	for _, benchmark := range []struct {
		name, file string
		queries    []string
	}{
		{"rare", plainFile, []string{rareQuery}},
		{"rare gzip", zipped, []string{rareQuery}},
		{"300 rare queries", plainFile, many},
		{"every document matches", plainFile, []string{"any where true"}},
	} {
		b.Run(benchmark.name, func(b *testing.B) {
			queries := newQueries(b, benchmark.queries...)
			b.SetBytes(int64(len(data)))
			began := cpuTime(b)
			for b.Loop() {
				if _, err := Run(context.Background(), queries, []string{benchmark.file}, Options{
					OnMatch: func(*Match) error { return nil },
					Report:  func(err error) { b.Error(err) },
				}); err != nil {
					b.Fatal(err)
				}
			}
			reportCore(b, len(data), began)
		})
	}
	b.Run("encoding json decoding", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		began := cpuTime(b)
		for b.Loop() {
			for line := range bytes.Lines(data) {
				decodeStruct(b, line)
			}
		}
		reportCore(b, len(data), began)
	})
}

// cpuTime is how long the process has been running on processors. It does not
// count what else the machine does, as the clock would.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// reportCore reports the megabytes read in a second of one core's time.
func reportCore(b *testing.B, size int, began time.Duration) {
	b.Helper()
	b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpuTime(b)-began).Seconds(), "MB/cpu-s")
}

// decodeStruct decodes what rareQuery asks for with encoding/json.
func decodeStruct(b *testing.B, line []byte) {
	b.Helper()
	var document struct {
		Timestamp string `json:"@timestamp"`
		Event     struct {
			Category, Type []string
			Action         string
			Sequence       int64
		}
		User        struct{ ID string }
		Process     struct{ Executable, EntityID string }
		Destination struct{ Port int64 }
	}
	if err := json.Unmarshal(line, &document); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkScan compares the scanner with encoding/json on the same documents.
func BenchmarkScan(b *testing.B) {
	lines := benchmarkLines(1000)
	size := int64(len(bytes.Join(lines, nil)))
	b.Run("scanner", func(b *testing.B) {
		queries := newQueries(b, rareQuery)
		scanner, d := queries.newScanner(), newDocument(queries.fields)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				d.line = line
				if !scanner.scan(d) {
					b.Fatal(scanner.problem)
				}
			}
		}
	})
	b.Run("json struct", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				decodeStruct(b, line)
			}
		}
	})
	b.Run("json valid", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range lines {
				if !json.Valid(line) {
					b.Fatal("not valid")
				}
			}
		}
	})
}

func compress(t testing.TB, data []byte) []byte {
	t.Helper()
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return zipped.Bytes()
}
