package normalize

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// parsedLines parses a text as a block and line by line, and holds the records and
// what is wrong with the other lines against each other.
func parsedLines(t *testing.T, text []byte) {
	t.Helper()
	var got, want []string
	say := func(r *Record) string {
		return fmt.Sprintf("%d %q %d:%d %q %q", r.Type, r.Node, r.Time, r.Sequence, r.Body, r.Enriched)
	}
	records, lines := 0, 0
	for line := range bytes.Lines(text) {
		lines++
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		record, err := ParseLine(line)
		switch {
		case len(line) == 0:
			want = append(want, "empty")
		case err != nil:
			want = append(want, err.Error())
		case record.Type != TypeEOE:
			want = append(want, say(&record))
		}
		if err == nil {
			records++
		}
	}
	var block LogBlock
	if n := NewCorrelator(Options{Ordered: true}).NewLogParser(1<<20).Parse(&block, text); n != lines || block.total != uint64(records) {
		t.Errorf("%d lines and %d records, want %d and %d", n, block.total, lines, records)
	}
	for i := range len(block.runs) + 1 {
		for _, one := range block.bad {
			if one.Run == i && one.Err != nil {
				got = append(got, one.Err.Error())
			} else if one.Run == i {
				got = append(got, "empty")
			}
		}
		if i == len(block.runs) {
			break
		}
		run := &block.runs[i]
		for _, one := range block.records[run.first:run.last] {
			record := Record{Type: one.typ, Node: run.node.of(text), Time: run.time, Sequence: run.sequence, Body: block.body(&one), Enriched: block.enriched(&one)}
			got = append(got, say(&record))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("of %q\ngot  %q\nwant %q", text, got, want)
	}
}

func TestLogParser(t *testing.T) {
	const header = "msg=audit(1700000000.123:45): "
	var text []byte
	for _, line := range []string{
		"type=SYSCALL " + header + "arch=c000003e",
		"type=SOCKADDR " + header + "saddr=0200",
		"type=SOCKADDR " + header,
		"type=SOCKADDR msg=audit(1700000000.123:45):",
		"type=SOCKADDR msg=audit(1700000000.123:45)",
		"type=PATH msg=audit(1700000000.123:451): item=0",
		"type=PATH " + header + "item=0\x1dOUID=\"root\"\r\n",
		"type=CWD  " + header + "cwd=\"/\"",
		"type=CWD msg=audit(1.5:45): cwd=\"/\"",
		"type=EXECVE " + header + "argc=0\x00\x00",
		"type=EXECVEX " + header,
		"type=EOE " + header,
		"type=PROCTITLE " + header + "proctitle=41",
		"type=PROCTITLE audit(1700000000.123:45): proctitle=41",
		"node=a type=SYSCALL " + header + "arch=c000003e",
		"node=a type=SOCKADDR " + header + "saddr=0200",
		"node=b type=SYSCALL " + header + "arch=c000003e",
		"node=b type=SOCKADDR " + header + "saddr=0200\x1dSADDR={}",
		"type=SYSCALL " + header + "arch=c000003e",
		"node=b type=CWD " + header + "cwd=\"/\"", "node=b  type=CWD " + header, "node=b type=EOE " + header, "node=bc type=EOE " + header,
		"node=bc type=CWD " + header + "cwd=\"/\"", "node=bc ", "node=bc", "node=", "node= type=CWD " + header, "node=bc type=CWD\r",
		"node=a node=b type=CWD " + header, "node=anode=b type=CWD " + header, "nodes=a type=CWD " + header, "n",
		"node=a type=b type=CWD " + header, "node=a type=CWD " + header + "\r", "node=a type=CWD " + header + "cwd=\"/\"",
		"type=USER_AUTH " + header + "pid=1",
		"type=SY", "type=", "type=SYSCALL", "type=SYSCALL msg=audit(", "", "nonsense",
		"type=SYSCALL msg=audit(9000000000.123:45): arch=c000003e",
		"type=SYSCALL msg=audit(8999999999.999:999999999999999999): arch=c000003e",
		"type=SOCKADDR msg=audit(8999999999.999:999999999999999999): saddr=0200",
	} {
		text = append(append(text, line...), '\n')
	}
	parsedLines(t, text)
	parsedLines(t, bytes.TrimSuffix(text, []byte("\n")))
}

// FuzzLogParser has a parser read what ParseLine reads.
func FuzzLogParser(f *testing.F) {
	seeds(f, func(line []byte) { f.Add(slices.Concat(line, []byte("\n"), line, []byte("\n"))) })
	f.Fuzz(func(t *testing.T, text []byte) { parsedLines(t, text) })
}

// TestPlainValues has the values that a document takes as they are need no escape.
func TestPlainValues(t *testing.T) {
	for i := range registry {
		for _, value := range registry[i].only {
			if plainPrefix(value) != len(value) {
				t.Errorf("%s: %q", registry[i].name, value)
			}
		}
	}
}
