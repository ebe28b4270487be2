package normalize

import (
	"bytes"
	"reflect"
	"testing"
)

// sameAsParseLine holds a parser, which has parsed other lines before, against
// ParseLine.
func sameAsParseLine(t *testing.T, parser *LineParser, line []byte) {
	t.Helper()
	want, wantErr := ParseLine(line)
	var got Record
	err := parser.Parse(line, bytes.IndexByte(line, EnrichedSeparator) >= 0, &got)
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("%q: %v, want %v", line, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %+v, want %+v", line, got, want)
	}
}

func TestLineParser(t *testing.T) {
	const header = "msg=audit(1700000000.123:45): "
	var parser LineParser
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
		"type=USER_AUTH " + header + "pid=1",
		"type=SY", "type=", "type=SYSCALL", "type=SYSCALL msg=audit(", "", "nonsense",
		"type=SYSCALL msg=audit(9000000000.123:45): arch=c000003e",
		"type=SYSCALL msg=audit(8999999999.999:999999999999999999): arch=c000003e",
		"type=SOCKADDR msg=audit(8999999999.999:999999999999999999): saddr=0200",
	} {
		sameAsParseLine(t, &parser, []byte(line))
	}
}

// FuzzLineParser has a parser read what ParseLine reads, whatever it read before.
func FuzzLineParser(f *testing.F) {
	seeds(f, func(line []byte) { f.Add(line, line) })
	f.Fuzz(func(t *testing.T, before, line []byte) {
		var parser LineParser
		sameAsParseLine(t, &parser, before)
		sameAsParseLine(t, &parser, line)
	})
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
