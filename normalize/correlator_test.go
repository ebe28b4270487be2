package normalize

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// connect gives the records of one connect as log lines.
func connect(header string) (syscall, address, title, end string) {
	return "type=SYSCALL msg=audit(" + header + "): arch=c000003e syscall=42 success=no exit=-111 a0=5 a1=7ffe a2=10 a3=0 items=0 ppid=84 pid=93 " +
			"auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"tc64\" exe=\"/guest/tc64\" key=\"kA\"",
		"type=SOCKADDR msg=audit(" + header + "): saddr=020000097F0000010000000000000000",
		"type=PROCTITLE msg=audit(" + header + "): proctitle=2F67756573742F7463363400696E657434",
		"type=EOE msg=audit(" + header + "): "
}

// live adds lines to a correlator without order and gives the number of events
// after each.
func live(t *testing.T, c *Correlator, lines ...string) {
	t.Helper()
	for _, line := range lines {
		record, err := ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		c.Add(record)
	}
}

func TestCompleteAtOnce(t *testing.T) {
	syscall, address, title, end := connect("1.000:7")
	events := 0
	c := NewCorrelator(Options{Emit: func(*Event) { events++ }})
	live(t, c, syscall, address, title)
	if events != 0 {
		t.Fatal("emitted before its end")
	}
	live(t, c, end)
	if events != 1 || c.Pending() != 0 {
		t.Fatalf("%d events, %d pending", events, c.Pending())
	}
	live(t, c, title, end, syscall)
	c.Flush()
	if stats := c.Stats(); events != 1 || stats.Late != 3 || stats.Incomplete != 0 {
		t.Errorf("%d events, %+v", events, stats)
	}
}

func TestEndFirst(t *testing.T) {
	syscall, address, title, end := connect("1.000:7")
	for _, order := range [][]string{{end, syscall, title, address}, {address, end, title, syscall}, {title, syscall, end, address}} {
		var events []seen
		c := NewCorrelator(Options{Emit: func(e *Event) { events = append(events, look(t, e)) }})
		live(t, c, order...)
		if len(events) != 1 || events[0].text("event.action") != "connection_attempted" || events[0].text("process.command_line") != "/guest/tc64 inet4" {
			t.Errorf("%d events of %q", len(events), order)
		}
	}
}

func TestEndBeforeArguments(t *testing.T) {
	var events []seen
	c := NewCorrelator(Options{Emit: func(e *Event) { events = append(events, look(t, e)) }})
	live(t, c, syscallLine("c000003e", 59, "yes", 0, "a0=1 a1=2 a2=3 a3=4"), "type=EOE msg=audit(1.000:1): ")
	if len(events) != 0 {
		t.Fatal("emitted without the arguments")
	}
	live(t, c, `type=EXECVE msg=audit(1.000:1): argc=1 a0="x"`)
	if len(events) != 1 || events[0].text("process.command_line") != "x" {
		t.Errorf("%d events", len(events))
	}
}

func TestEndAlone(t *testing.T) {
	_, _, _, end := connect("1.000:7")
	events, stats := run(t, Options{}, end)
	if len(events) != 0 || stats.Incomplete != 1 || stats.Events != 0 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}

func TestStuckEventDelaysNobody(t *testing.T) {
	stuck, _, _, _ := connect("1.000:7")
	syscall, address, title, end := connect("1.001:8")
	var sequences []uint64
	c := NewCorrelator(Options{Emit: func(e *Event) { sequences = append(sequences, e.sequence) }})
	live(t, c, stuck, syscall, address, title, end)
	if !slices.Equal(sequences, []uint64{8}) {
		t.Fatalf("emitted %v", sequences)
	}
	c.Advance(1_000_000) // the first that is heard of the time
	c.Advance(1_000_199)
	if len(sequences) != 1 {
		t.Fatal("emitted before the tolerance was over")
	}
	c.Advance(1_000_200)
	if !slices.Equal(sequences, []uint64{8, 7}) || c.Stats().Incomplete != 1 {
		t.Errorf("emitted %v, %+v", sequences, c.Stats())
	}
}

func TestWithoutEnd(t *testing.T) {
	one, address, _, _ := connect("1.000:7")
	two, address2, _, _ := connect("3.000:8")
	var sequences []uint64
	c := NewCorrelator(Options{Emit: func(e *Event) { sequences = append(sequences, e.sequence) }})
	live(t, c, one, address, two, address2)
	if !slices.Equal(sequences, []uint64{7}) || c.Stats().Incomplete != 0 {
		t.Errorf("emitted %v, %+v", sequences, c.Stats())
	}
}

func TestUserRecordAtOnce(t *testing.T) {
	events := 0
	c := NewCorrelator(Options{Emit: func(*Event) { events++ }})
	live(t, c, "type=USER_AUTH msg=audit(1.000:7): pid=1 uid=0 auid=0 ses=1 msg='op=x acct=\"root\" res=success'")
	if events != 1 {
		t.Error("not emitted")
	}
}

func TestDuplicates(t *testing.T) {
	syscall, address, title, end := connect("1.000:7")
	events, stats := run(t, Options{Ordered: true}, syscall, syscall, address, title, address, end, end)
	if len(events) != 1 || stats.Duplicates != 2 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}

func TestNodesAreApart(t *testing.T) {
	syscall, address, _, end := connect("1.000:7")
	events, stats := run(t, Options{Ordered: true},
		"node=a "+syscall, "node=b "+syscall, "node=b "+address, "node=a "+address, "node=a "+end, "node=b "+end)
	if len(events) != 2 || stats.Duplicates != 0 || stats.Late != 0 {
		t.Fatalf("%d events, %+v", len(events), stats)
	}
	if events[0].text("auditd.node") != "a" || events[0].text("process.entity_id") == events[1].text("process.entity_id") {
		t.Errorf("%s\n%s", events[0].json, events[1].json)
	}
}

// TestRestart has a host start anew within a log: the same pid and program are
// another process, the same sequence number another event.
func TestRestart(t *testing.T) {
	before, address, _, _ := connect("1000.000:5000")
	after, address2, _, _ := connect("1060.000:12")
	boot := "type=SYSTEM_BOOT msg=audit(1059.000:5): pid=1 uid=0 auid=4294967295 ses=4294967295 msg='comm=\"systemd-update-utmp\" res=success'"
	for _, lines := range [][]string{{before, address, after, address2}, {before, address, boot, after, address2}} {
		events, _ := run(t, Options{Ordered: true}, lines...)
		first, last := events[0].text("process.entity_id"), events[len(events)-1].text("process.entity_id")
		if first == last || first == "" {
			t.Errorf("%d events, identities %s and %s", len(events), first, last)
		}
	}
	after, address2, _, _ = connect("1060.000:5012")
	events, _ := run(t, Options{Ordered: true}, before, address, after, address2)
	if first, last := events[0].text("process.entity_id"), events[1].text("process.entity_id"); first != last {
		t.Errorf("one process has the identities %s and %s", first, last)
	}
}

func TestSequenceWraps(t *testing.T) {
	before, address, _, _ := connect("1000.000:4294967295")
	after, address2, _, _ := connect("1010.000:0")
	events, _ := run(t, Options{Ordered: true}, before, address, after, address2)
	if len(events) != 2 || events[0].text("process.entity_id") != events[1].text("process.entity_id") {
		t.Errorf("a sequence number that wraps is taken for a restart")
	}
}

func TestLogOutOfTimeOrder(t *testing.T) {
	var lines []string
	for _, header := range []string{"900000.000:5", "900000.100:6", "100000.000:1", "100000.100:2", "950000.000:9"} {
		syscall, address, _, _ := connect(header)
		lines = append(lines, syscall, address)
	}
	events, stats := run(t, Options{Ordered: true}, lines...)
	if len(events) != 5 || stats.Incomplete != 0 || stats.Late != 0 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}

// TestOlderLogDoesNotPileUp reads a log after a much newer one.
func TestOlderLogDoesNotPileUp(t *testing.T) {
	c := NewCorrelator(Options{Ordered: true})
	for i, base := range []int{900000, 100000} {
		for j := range 100 {
			syscall, address, _, _ := connect(fmt.Sprintf("%d.000:%d", base+j, 1000-500*i+j))
			live(t, c, syscall, address)
		}
	}
	if c.Pending() > 5 || c.Stats().Events < 195 {
		t.Errorf("%d pending, %+v", c.Pending(), c.Stats())
	}
}

// TestBlockedCall has a call that took a minute: its records come at its end
// under the time of its beginning.
func TestBlockedCall(t *testing.T) {
	var lines []string
	for i := range 10 {
		syscall, address, _, _ := connect(fmt.Sprintf("10%02d.000:%d", i*6, i+1))
		lines = append(lines, syscall, address)
	}
	syscall, address, title, _ := connect("1000.500:11")
	lines = append(lines, syscall, address, title)
	events, stats := run(t, Options{Ordered: true}, lines...)
	if len(events) != 11 || stats.Incomplete != 0 || stats.Late != 0 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}

func TestEviction(t *testing.T) {
	for _, ordered := range []bool{false, true} {
		var lines []string
		for i := range 100 {
			syscall, _, _, _ := connect(fmt.Sprintf("1.000:%d", i+1))
			lines = append(lines, syscall)
		}
		events, stats := run(t, Options{Ordered: ordered, MaxPending: 10}, lines...)
		if len(events) != 100 || stats.Evicted != 90 || stats.Incomplete != 100 {
			t.Errorf("%d events, %+v", len(events), stats)
		}
	}
}

func TestRecordLimit(t *testing.T) {
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("type=PATH msg=audit(1.000:1): item=%d name=\"/x%d\"", i, i))
	}
	events, stats := run(t, Options{MaxEventRecords: 5}, lines...)
	if len(events) != 1 || stats.Truncated != 15 || len(events[0].fields["file.path"].Elements()) != 5 {
		t.Errorf("%d events, %+v", len(events), stats)
	}
}

// TestRetained holds events while the correlator works on.
func TestRetained(t *testing.T) {
	var held []*Event
	c := NewCorrelator(Options{Emit: func(e *Event) {
		e.Retain()
		held = append(held, e)
	}})
	for i := range 50 {
		syscall, address, title, end := connect(fmt.Sprintf("1.000:%d", i+1))
		live(t, c, syscall, address, title, end)
	}
	for i, event := range held {
		if one := look(t, event); event.sequence != uint64(i+1) || one.text("process.command_line") != "/guest/tc64 inet4" {
			t.Fatalf("event %d: %s", i, one.json)
		}
		event.Release()
	}
	if len(c.free) != 50 {
		t.Errorf("%d events are free", len(c.free))
	}
}

// TestPermutations shuffles records within the tolerance: the events and their
// order stay the same.
func TestPermutations(t *testing.T) {
	var lines []string
	for _, line := range splitLines(readFile(t, "testdata/kernels/6.1.0-50-debian12.cases.txt")) {
		if line = strings.TrimLeft(line, " "); strings.HasPrefix(line, "type=") {
			lines = append(lines, line)
		}
	}
	want, _ := run(t, Options{Ordered: true}, lines...)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		shuffled := shuffleWithin(t, lines, 1900, random)
		got, stats := run(t, Options{Ordered: true}, shuffled...)
		if stats.Late != 0 || stats.Duplicates != 0 || !bytes.Equal(joined(got), joined(want)) {
			t.Fatalf("round %d: %d events instead of %d, %+v", round, len(got), len(want), stats)
		}
	}
}

// shuffleWithin puts lines into a random order in which none is further from its
// place than so many milliseconds.
func shuffleWithin(t *testing.T, lines []string, millis int64, random *rand.Rand) []string {
	t.Helper()
	type placed struct {
		line string
		at   int64
	}
	all := make([]placed, len(lines))
	for i, line := range lines {
		record, err := ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		all[i] = placed{line, record.Time + random.Int64N(millis)}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return int(a.at - b.at) })
	shuffled := make([]string, len(lines))
	for i := range all {
		shuffled[i] = all[i].line
	}
	return shuffled
}

// TestInterleavedLive mixes the records of many events.
func TestInterleavedLive(t *testing.T) {
	var lines []string
	for i := range 200 {
		syscall, address, title, end := connect(fmt.Sprintf("1.%03d:%d", i, i+1))
		lines = append(lines, syscall, address, title, end)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		events, stats := run(t, Options{Tolerance: time.Second}, lines...)
		if len(events) != 200 || stats.Incomplete != 0 || stats.Records != 800 {
			t.Fatalf("%d events, %+v", len(events), stats)
		}
		for _, event := range events {
			if event.text("event.action") != "connection_attempted" {
				t.Fatal(event.json)
			}
		}
	}
}

// TestNoAllocation runs the whole way from payloads to the fields that the
// default rule reads.
func TestNoAllocation(t *testing.T) {
	lines, _, _ := recorded(t)
	var document []byte
	fields := []string{"event.category", "event.type", "event.action", "user.id", "process.executable", "process.entity_id", "destination.ip", "process.args"}
	schema := Schema()
	for _, ordered := range []bool{false, true} {
		c := NewCorrelator(Options{Ordered: ordered, Resolver: nobody{}, Emit: func(e *Event) {
			for _, name := range fields {
				one, _ := schema.Field(name)
				e.Value(one.ID)
			}
			document = e.AppendJSON(document[:0], nil)
		}})
		round := 0
		all := func() {
			for _, line := range lines {
				later(line[bytes.Index(line, []byte("audit(")):], round)
				record, err := ParseLine(line)
				if err != nil {
					t.Fatal(err)
				}
				c.Add(record)
			}
			c.Advance(int64(round) * 1000)
			round++
		}
		for range 100 {
			all()
		}
		if n := testing.AllocsPerRun(100, all); n != 0 {
			t.Errorf("ordered %v: %v allocations in %d records", ordered, n, len(lines))
		}
	}
}
