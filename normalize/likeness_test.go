package normalize

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"tripline/detect"
)

// variedLog is a log of some processes that do much of what there is a likeness for, and
// of what there is none for. Its events are numbered.
func variedLog(rng *rand.Rand, from, events int) []byte {
	var log bytes.Buffer
	pick := func(texts ...string) string { return texts[rng.IntN(len(texts))] }
	for i := from; i < from+events; i++ {
		header := fmt.Sprintf("msg=audit(%d.%03d:%d): ", 1_700_000_000+i/50, i%1000, i+1)
		call := pick("42", "42", "42", "41", "44", "46", "59", "112", "231", "257", "49", "425", "426", "9999")
		first := pick("3", "0", "1")
		if call == "41" { // socket(2) of IPv4
			first = "2"
		}
		arch := pick("c000003e", "c000003e", "c000003e", "40000003")
		success := pick("yes", "no")
		program := pick("agent", "sshd", "curl")
		fmt.Fprintf(&log, "type=SYSCALL %sarch=%s syscall=%s success=%s exit=%s a0=%s a1=%s a2=%s a3=%s items=0 ppid=1 pid=%d "+
			"auid=1000 uid=0 gid=0 euid=%s suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=%q exe=\"/usr/bin/%s\" key=\"k\"\n",
			header, arch, call, success, pick("0", "3", "-115", "-106", "-111", "-14", "-95", "-4"), first, pick("1", "2", "7f"), pick("0", "1", "20000000"),
			pick("0", "20000000"), 100+rng.IntN(4), pick("0", "33"), program, program)
		for range rng.IntN(3) % 2 * (1 + rng.IntN(8)/7) {
			fmt.Fprintf(&log, "type=SOCKADDR %ssaddr=%s\n", header, pick("020001BBC00002010000000000000000", "0a0001bb0000000020010DB800000000000000000000000100000000",
				"0000"+"000000000000000000000000", "01002F72756E2F7800", "0100", "020001BBC0000g", "0200 x", "1000000000000000", "\"02\""))
		}
		if rng.IntN(3) == 0 {
			fmt.Fprintf(&log, "type=%s %s%s\n", pick("EXECVE", "PROCTITLE", "LOGIN", "AVC"), header, pick(`argc=1 a0="x"`, "proctitle=78", "pid=1 uid=0 old-auid=1 auid=2 res=1"))
		}
	}
	return log.Bytes()
}

// TestLikeEventsHaveTheSameValues has events of one likeness compared by all fields that
// it is to decide.
func TestLikeEventsHaveTheSameValues(t *testing.T) {
	known := make(map[uint64]string)
	like := 0
	c := NewCorrelator(Options{Ordered: true, Emit: func(event *Event) {
		if event.Likeness() == 0 {
			return
		}
		var values []byte
		for id := range registry {
			if registry[id].alike {
				values = fmt.Appendf(values, "%s=%s ", registry[id].name, valueText(event.Value(detect.FieldID(id))))
			}
		}
		if before, ok := known[event.Likeness()]; !ok {
			known[event.Likeness()] = string(values)
		} else if like++; before != string(values) {
			t.Fatalf("events of one likeness are\n%s\n%s", before, values)
		}
	}})
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 20 { // so that several parsers number what they read
		var block LogBlock
		c.NewLogParser(1<<20).Parse(&block, variedLog(rng, 3000*i, 3000))
		c.AddBlock(&block, func(bad *BadLine) { t.Fatal(bad.Err) })
		c.Flush()
	}
	if like < 5000 || len(known) < 1000 {
		t.Errorf("%d events were like others, of %d likenesses", like, len(known))
	}
}

// valueText shows a value.
func valueText(value detect.Value) string {
	if value.Kind() == detect.KindList {
		return fmt.Sprint(len(value.Elements()))
	}
	return fmt.Sprint(value.Kind(), value.Text(), value.Int())
}
