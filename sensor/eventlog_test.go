package sensor

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/output"
	"tripline/sensor/source"
)

// benchmarkLog opens an event log that is written to a file. Rotated files are not
// compressed, which takes a core of its own.
func benchmarkLog(b *testing.B) (*eventLog, *output.Queue) {
	b.Helper()
	host, err := normalize.ReadHostFacts("/")
	if err != nil {
		b.Fatal(err)
	}
	settings := config.Default().Output.Events
	settings.Path = filepath.Join(b.TempDir(), "events.ndjson")
	settings.Keep, settings.Compress = 1, false
	file, err := output.OpenFile(fileOptions(&settings, false, hclog.NewNullLogger()))
	if err != nil {
		b.Fatal(err)
	}
	queue := output.NewQueue(file, eventQueueCapacity, func(err error) { b.Error(err) })
	return &eventLog{encoder: normalize.NewEncoder(host), queues: []*output.Queue{queue}, dropped: func(*output.Queue) {}}, queue
}

// reportWritten waits until all is written and reports how many events a second
// were, by the clock and by the time that the process had a core.
func reportWritten(b *testing.B, queue *output.Queue, began time.Duration) {
	b.Helper()
	if err := queue.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	stats := queue.Stats()
	b.ReportMetric(float64(stats.Written)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(stats.Written)/(cpuTime(b)-began).Seconds(), "events/cpu-s")
	if stats.Dropped+stats.Failed > 0 {
		b.Errorf("%+v", stats)
	}
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// makeRoom waits while a queue is more than half full, so that no event is dropped.
func makeRoom(queue *output.Queue) {
	for queue.Stats().Waiting > eventQueueCapacity/2 {
		time.Sleep(50 * time.Microsecond)
	}
}

// BenchmarkEventLog is what the event log costs on one core: "written" what it adds
// to an event's way, encoding, queue and file together; "encoded" the first of these;
// "encoding/json" what the standard library needs to encode the same document from a
// struct that is there already; "from records" the whole way of a live event from the
// records of a connect to the file, rules and all that /proc says included.
func BenchmarkEventLog(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b.Run("written", func(b *testing.B) {
		event := retainedEvent(b)
		log, queue := benchmarkLog(b)
		b.ReportAllocs()
		began := cpuTime(b)
		for b.Loop() {
			log.add(event)
			makeRoom(queue)
		}
		reportWritten(b, queue, began)
	})
	b.Run("encoded", func(b *testing.B) {
		event := retainedEvent(b)
		encoder := normalize.NewEncoder(nil)
		var document []byte
		b.ReportAllocs()
		began := cpuTime(b)
		for b.Loop() {
			document = encoder.Append(document[:0], event)
		}
		b.SetBytes(int64(len(document)))
		b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "events/cpu-s")
	})
	b.Run("from records", func(b *testing.B) { benchmarkEventsFromRecords(b) })
	b.Run("encoding/json", func(b *testing.B) {
		document := normalize.NewEncoder(nil).Append(nil, retainedEvent(b))
		value := structOf(b, document)
		b.SetBytes(int64(len(document)))
		b.ReportAllocs()
		began := cpuTime(b)
		for b.Loop() {
			if _, err := json.Marshal(value); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/(cpuTime(b)-began).Seconds(), "events/cpu-s")
	})
}

// benchmarkEventsFromRecords runs connects of this process through the pipeline of a
// sensor, which asks /proc about it.
func benchmarkEventsFromRecords(b *testing.B) {
	rules, err := LoadRules("", nil)
	if err != nil {
		b.Fatal(err)
	}
	log, queue := benchmarkLog(b)
	host, err := normalize.ReadHostFacts("/")
	if err != nil {
		b.Fatal(err)
	}
	resolver, err := normalize.NewProcResolver("/proc", host)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resolver.Close() }()
	p := newPipeline(rules, detect.Limits{}, resolver)
	p.onJudged = log.add
	payloads := []struct {
		typ  uint16
		text string
	}{
		{1300, `audit(%d.%03d:%d): arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=7ffd03b3ce90 a2=10 a3=0 items=0 ppid=%d pid=%d auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=3 comm="agent" exe="/usr/local/bin/agent" key="tripline"`},
		{1306, `audit(%d.%03d:%d): saddr=020001BBC00002010000000000000000`},
		{1327, `audit(%d.%03d:%d): proctitle=2F7573722F6C6F63616C2F62696E2F6167656E74002D2D666F726567726F756E64`},
		{1320, `audit(%d.%03d:%d): `},
	}
	var texts [][]byte // of one event after the other, made ahead
	const ahead = 4096
	messages := make([]source.Message, 0, len(payloads))
	n, now := 0, time.Now().UnixMilli()
	b.ReportAllocs()
	began := cpuTime(b)
	for b.Loop() {
		if n%ahead == 0 {
			b.StopTimer()
			before := cpuTime(b)
			texts = texts[:0]
			for i := n; i < n+ahead; i++ {
				at := now + int64(i/100)
				for k, one := range payloads {
					values := []any{at / 1000, at % 1000, i, os.Getppid(), os.Getpid()}
					if k > 0 {
						values = values[:3]
					}
					texts = append(texts, fmt.Appendf(nil, one.text, values...))
				}
			}
			began += cpuTime(b) - before
			b.StartTimer()
		}
		messages = messages[:0]
		for i := range payloads {
			messages = append(messages, source.Message{Type: payloads[i].typ, Data: texts[n%ahead*len(payloads)+i]})
		}
		p.add(messages)
		n++
		makeRoom(queue)
	}
	p.finish(true)
	reportWritten(b, queue, began)
}

// structOf is a pointer to a struct that encoding/json encodes as the document.
func structOf(b *testing.B, document []byte) any {
	b.Helper()
	var tree map[string]any
	if err := json.Unmarshal(document, &tree); err != nil {
		b.Fatal(err)
	}
	value := reflect.New(structType(tree)).Interface()
	if err := json.Unmarshal(document, value); err != nil {
		b.Fatal(err)
	}
	if again, err := json.Marshal(value); err != nil || len(again) != len(document) {
		b.Fatalf("encoding/json gives another document: %s, %v", again, err)
	}
	return value
}

// structType is a struct with the fields of a document.
func structType(tree map[string]any) reflect.Type {
	var fields []reflect.StructField
	for i, name := range slices.Sorted(maps.Keys(tree)) {
		typ := reflect.TypeOf("")
		switch value := tree[name].(type) {
		case map[string]any:
			typ = structType(value)
		case []any:
			typ = reflect.TypeOf([]string{})
		case float64:
			typ = reflect.TypeOf(int64(0))
		case bool:
			typ = reflect.TypeOf(false)
		}
		fields = append(fields, reflect.StructField{Name: fmt.Sprint("F", i), Type: typ, Tag: reflect.StructTag(`json:"` + name + `"`)})
	}
	return reflect.StructOf(fields)
}
