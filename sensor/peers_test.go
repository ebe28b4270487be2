package sensor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-libaudit/v2"
	"github.com/elastic/go-libaudit/v2/aucoalesce"
	"github.com/elastic/go-libaudit/v2/auparse"
)

const (
	// peersLog is the size in bytes of the log that the fast ones read; the others
	// read a part of it. A shorter one, of 100 MB, would measure the start of tripline, a
	// seventh of its time then, which go-libaudit has not here.
	peersLog = 400 << 20
	// peersRounds is how often each of them reads it, in turn.
	peersRounds = 5
)

// reader is one way to read an audit log.
type reader struct {
	name string
	// part is how much of the log it reads, as a divisor: what takes minutes for
	// the whole reads less.
	part int
	read func(b *testing.B, log []byte, file string) (cpu time.Duration)
}

// readFigures are what one reader needed.
type readFigures struct {
	Name string
	// RecordsPerCPUSecond is the best of all rounds, RatioOfReplay how many times as
	// many a replay reads.
	RecordsPerCPUSecond, RatioOfReplay float64
}

// BenchmarkPeersReplay reads a log of connects and one that is like a host's with Tripline, LAUREL, ausearch and go-libaudit,
// in turn, and prints how many records each reads in a second of processor time. It
// is asked for with BENCH_PEERS=1, because it installs nothing and takes minutes.
func BenchmarkPeersReplay(b *testing.B) {
	if os.Getenv("BENCH_PEERS") == "" {
		b.Skip("compares with programs of others for some minutes: make bench-peers")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	log, lines, _ := syntheticLog(peersLog)
	host, hostLines, _ := hostLog(peersLog, false)
	binary := filepath.Join(b.TempDir(), "tripline")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/tripline").CombinedOutput(); err != nil {
		b.Fatalf("building tripline: %v\n%s", err, out)
	}
	for range b.N {
		printPeers(b, "a log of connects", "", measurePeers(b, readers(binary), log, lines))
		printPeers(b, "a host's log", "host_", measurePeers(b, readers(binary), host, hostLines))
	}
}

// readers are those that are compared; the first is what the others are held
// against.
func readers(binary string) []reader {
	return []reader{
		{"tripline replay", 1, program("GOMAXPROCS=1", binary, "replay")},
		{"tripline replay --events", 2, program("GOMAXPROCS=1", binary, "replay", "--events")},
		{"LAUREL", 10, laurel},
		{"ausearch --raw", 20, program("", "ausearch", "--raw", "-if")},
		{"ausearch -i", 50, program("", "ausearch", "-i", "-if")},
		{"go-libaudit Reassembler, aucoalesce", 50, reassemble},
	}
}

// measurePeers measures every reader that is there.
func measurePeers(b *testing.B, all []reader, log []byte, lines int) []readFigures {
	b.Helper()
	files := make(map[int]string)
	figures := make([]readFigures, 0, len(all))
	for _, one := range all {
		figures = append(figures, readFigures{Name: one.name})
		if files[one.part] == "" {
			files[one.part] = filepath.Join(b.TempDir(), "audit.log")
			if err := os.WriteFile(files[one.part], wholeLines(log, len(log)/one.part), 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	for range peersRounds {
		for i, one := range all {
			part := wholeLines(log, len(log)/one.part)
			records := float64(lines) * float64(len(part)) / float64(len(log))
			if cpu := one.read(b, part, files[one.part]); cpu > 0 {
				figures[i].RecordsPerCPUSecond = max(figures[i].RecordsPerCPUSecond, records/cpu.Seconds())
			}
		}
	}
	figures = slices.DeleteFunc(figures, func(f readFigures) bool { return f.RecordsPerCPUSecond == 0 })
	for i := range figures {
		figures[i].RatioOfReplay = figures[0].RecordsPerCPUSecond / figures[i].RecordsPerCPUSecond
	}
	return figures
}

// wholeLines is the beginning of a log, of about size bytes.
func wholeLines(log []byte, size int) []byte {
	if size >= len(log) {
		return log
	}
	return log[:size+bytes.IndexByte(log[size:], '\n')+1]
}

// program runs a command with the log's file as its last argument.
func program(environment string, command ...string) func(*testing.B, []byte, string) time.Duration {
	return func(b *testing.B, _ []byte, file string) time.Duration {
		b.Helper()
		run := exec.Command(command[0], append(slices.Clone(command[1:]), file)...)
		if environment != "" {
			run.Env = append(os.Environ(), environment)
		}
		return cpuOf(b, run)
	}
}

// cpuOf runs a command and returns the processor time that it needed; 0 where it is
// not installed.
func cpuOf(b *testing.B, run *exec.Cmd) time.Duration {
	b.Helper()
	var complaints bytes.Buffer
	run.Stderr = &complaints
	err := run.Run()
	if errors.Is(err, exec.ErrNotFound) {
		b.Logf("%s is not installed and is left out", run.Args[0])
		return 0
	}
	if err != nil {
		b.Fatalf("%v: %v\n%s", run.Args, err, complaints.Bytes())
	}
	return run.ProcessState.UserTime() + run.ProcessState.SystemTime()
}

// laurel feeds LAUREL as the audit daemon does: an end-of-event record after each
// event. Its lookups of processes are off, because a log's are gone.
func laurel(b *testing.B, log []byte, _ string) time.Duration {
	b.Helper()
	folder := b.TempDir()
	configuration := filepath.Join(folder, "laurel.toml")
	text := fmt.Sprintf("directory = %q\nstatusreport-period = 0\n[auditlog]\nfile = \"audit.log\"\nsize = 1000000000\ngenerations = 1\n"+
		"[enrich]\npid = false\ncontainer = false\nscript = false\n", folder)
	if err := os.WriteFile(configuration, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	run := exec.Command("laurel", "-c", configuration)
	run.Stdin = bytes.NewReader(withEnds(log))
	cpu := cpuOf(b, run)
	written, err := os.ReadFile(filepath.Join(folder, "audit.log"))
	if cpu > 0 && (err != nil || bytes.Count(written, []byte{'\n'}) < bytes.Count(log, []byte("type=SYSCALL"))*9/10) {
		b.Fatalf("LAUREL wrote %d events, %v", bytes.Count(written, []byte{'\n'}), err)
	}
	return cpu
}

// withEnds adds the end-of-event records that the audit daemon's log leaves out.
func withEnds(log []byte) []byte {
	var out bytes.Buffer
	var last []byte
	for line := range bytes.Lines(log) {
		at := bytes.Index(line, []byte("msg="))
		header := line[at : at+bytes.IndexByte(line[at:], ')')+1]
		if last != nil && !bytes.Equal(header, last) {
			fmt.Fprintf(&out, "type=EOE %s: \n", last)
		}
		last = header
		out.Write(line)
	}
	fmt.Fprintf(&out, "type=EOE %s: \n", last)
	return out.Bytes()
}

// coalesced takes what the Reassembler puts together.
type coalesced struct {
	events int
}

// ReassemblyComplete implements libaudit.Stream.
func (c *coalesced) ReassemblyComplete(messages []*auparse.AuditMessage) {
	event, err := aucoalesce.CoalesceMessages(messages)
	if err == nil && json.NewEncoder(io.Discard).Encode(event) == nil {
		c.events++
	}
}

// EventsLost implements libaudit.Stream.
func (c *coalesced) EventsLost(int) {}

// reassemble joins and decodes the log's records in this process, whose processor
// time is taken.
func reassemble(b *testing.B, log []byte, _ string) time.Duration {
	b.Helper()
	var into coalesced
	reassembler, err := libaudit.NewReassembler(5, 2*time.Second, &into)
	if err != nil {
		b.Fatal(err)
	}
	before := processorTime(b)
	for line := range strings.Lines(string(withEnds(log))) {
		if message, err := auparse.ParseLogLine(strings.TrimSuffix(line, "\n")); err == nil {
			reassembler.PushMessage(message)
		}
	}
	if err := reassembler.Close(); err != nil {
		b.Fatal(err)
	}
	if into.events == 0 {
		b.Fatal("go-libaudit gave no event")
	}
	return processorTime(b) - before
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// printPeers prints the table of a log; the names of its metrics have a prefix.
func printPeers(b *testing.B, log, prefix string, figures []readFigures) {
	b.Helper()
	fmt.Printf("\n%s: records a second of processor time, one core, best of %d rounds in turn\n", log, peersRounds)
	for _, f := range figures {
		fmt.Printf("%-38s %12.0f   replay reads %.1f times as many\n", f.Name, f.RecordsPerCPUSecond, f.RatioOfReplay)
		b.ReportMetric(f.RatioOfReplay, prefix+strings.NewReplacer(" ", "_", ",", "").Replace(f.Name)+"_ratio")
	}
}
