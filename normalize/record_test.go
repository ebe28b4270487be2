package normalize

import (
	"errors"
	"strings"
	"testing"

	"tripline/internal/diag"
)

func TestParseLine(t *testing.T) {
	body := "arch=c000003e syscall=42"
	for _, test := range []struct {
		name, line string
		want       Record
	}{
		{"raw", "type=SYSCALL msg=audit(1795464318.928:8): " + body, Record{Type: TypeSyscall, Time: 1795464318928, Sequence: 8}},
		{"line ending", "type=SYSCALL msg=audit(1795464318.928:8): " + body + "\r\n", Record{Type: TypeSyscall, Time: 1795464318928, Sequence: 8}},
		{"node", "node=db-1 type=SYSCALL msg=audit(0.001:8): " + body, Record{Type: TypeSyscall, Node: []byte("db-1"), Time: 1, Sequence: 8}},
		{"unknown number", "type=UNKNOWN[1333] msg=audit(1.5:8): " + body, Record{Type: 1333, Time: 1500, Sequence: 8}},
		{"number", "type=1327 msg=audit(1.05:8): " + body, Record{Type: TypeProctitle, Time: 1050, Sequence: 8}},
		{"no msg=", "type=1300 audit(1.928:8): " + body, Record{Type: TypeSyscall, Time: 1928, Sequence: 8}},
		{"kernel log", "[   12.345678] audit: type=1400 audit(1524662933.080:61207): " + body, Record{Type: 1400, Time: 1524662933080, Sequence: 61207}},
		{"syslog", "Nov 23 20:00:00 h audispd: node=h.example type=SYSCALL msg=audit(1.928:8): " + body, Record{Type: TypeSyscall, Node: []byte("h.example"), Time: 1928, Sequence: 8}},
		{"wrapped", "type=SYSCALL msg=audit(1.928:4294967295): " + body, Record{Type: TypeSyscall, Time: 1928, Sequence: 4294967295}},
		{"no colon", "type=SYSCALL msg=audit(1.928:8) " + body, Record{Type: TypeSyscall, Time: 1928, Sequence: 8}},
		{"microseconds", "type=SYSCALL msg=audit(1.928777:8): " + body, Record{Type: TypeSyscall, Time: 1928, Sequence: 8}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseLine([]byte(test.line))
			if err != nil {
				t.Fatal(err)
			}
			if got.Type != test.want.Type || string(got.Node) != string(test.want.Node) || got.Time != test.want.Time ||
				got.Sequence != test.want.Sequence || string(got.Body) != body || got.Enriched != nil {
				t.Errorf("got %+v with body %q", got, got.Body)
			}
		})
	}
}

func TestParseLineEnriched(t *testing.T) {
	got, err := ParseLine([]byte("type=SYSCALL msg=audit(1.928:8): arch=c000003e uid=0\x1dARCH=x86_64 UID=\"root\"\n"))
	if err != nil || string(got.Body) != "arch=c000003e uid=0" || string(got.Enriched) != `ARCH=x86_64 UID="root"` {
		t.Errorf("body %q, enriched %q, error %v", got.Body, got.Enriched, err)
	}
}

func TestParsePayload(t *testing.T) {
	for _, end := range []string{"", "\n", "\x00", "\x00\x00\x00", "\r\n"} {
		got, err := ParsePayload(1320, []byte("audit(1795464318.928:8): "+end))
		if err != nil || got.Type != TypeEOE || got.Time != 1795464318928 || got.Sequence != 8 || len(got.Body) != 0 {
			t.Errorf("with %q: %+v, %v", end, got, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct {
		line, message string
		column        int
	}{
		{"", `no "type="`, 1},
		{"hello world", `no "type="`, 1},
		{"type=SYSCALL", "ends after its type", 13},
		{"type=NOTHING msg=audit(1.000:1): x", `unknown record type "NOTHING"`, 6},
		{"type=70000 msg=audit(1.000:1): x", "unknown record type", 6},
		{"type=UNKNOWN[] msg=audit(1.000:1): x", "unknown record type", 6},
		{"type=\x1b[2J msg=audit(1.000:1): x", `"?[2J"`, 6},
		{"type=SYSCALL msg=g", "no header", 18},
		{"type=SYSCALL msg=audit(x.000:1): x", "no number of seconds", 24},
		{"type=SYSCALL msg=audit(99999999999999999999.000:1): x", "no number of seconds", 24},
		{"type=SYSCALL msg=audit(9000000001.000:1): x", "no number of seconds", 24},
		{"type=SYSCALL msg=audit(1:1): x", "milliseconds", 25},
		{"type=SYSCALL msg=audit(1.000-1): x", "milliseconds", 29},
		{"type=SYSCALL msg=audit(1.000:): x", "sequence number", 30},
		{"type=SYSCALL msg=audit(1.000:9223372036854775808): x", "sequence number", 30},
		{"type=SYSCALL msg=audit(1.000:1: x", "does not end", 31},
		{"node=é type=SYSCALL msg=g", "no header", 25},
	} {
		_, err := ParseLine([]byte(test.line))
		var defect *diag.Error
		if !errors.As(err, &defect) {
			t.Errorf("%q: %v", test.line, err)
			continue
		}
		if !strings.Contains(defect.Message, test.message) || defect.Column != test.column || defect.Hint == "" {
			t.Errorf("%q: column %d: %s; %s", test.line, defect.Column, defect.Message, defect.Hint)
		}
	}
}

func TestRecordTypes(t *testing.T) {
	for n := range 1 << 16 {
		typ := RecordType(n)
		got, ok := ParseRecordType([]byte(typ.String()))
		if !ok || got != typ {
			t.Fatalf("%d is %s is %d", n, typ, got)
		}
	}
	for name, number := range map[string]RecordType{
		"LOGIN": 1006, "USER_AUTH": 1100, "USER_CMD": 1123, "SERVICE_START": 1130, "DAEMON_START": 1200, "SYSCALL": 1300,
		"CONFIG_CHANGE": 1305, "NETFILTER_CFG": 1325, "URINGOP": 1336, "AVC": 1400, "ANOM_PROMISCUOUS": 1700, "KERNEL": 2000,
		"CRYPTO_KEY_USER": 2404, "VIRT_CONTROL": 2500,
	} {
		if got, ok := ParseRecordType([]byte(name)); !ok || got != number {
			t.Errorf("%s is %d, not %d", name, got, number)
		}
	}
}

func TestLongLine(t *testing.T) {
	line := "type=PROCTITLE msg=audit(1.000:1): proctitle=" + strings.Repeat("41", 1<<19)
	events, stats := run(t, Options{}, line)
	if len(events) != 1 || stats.Truncated != 1 {
		t.Fatalf("%d events, %+v", len(events), stats)
	}
	if title := events[0].text("process.command_line"); !strings.HasPrefix(title, "AAAA") || len(title) > 256<<10 {
		t.Errorf("the title has %d bytes", len(title))
	}
}

// TestPlainHeader holds what is read of a header of the usual form against what is
// read of it as of any other.
func TestPlainHeader(t *testing.T) {
	tests := []struct {
		header string
		plain  bool
	}{
		{"1795464318.928:8): body", true},
		{"0000000000.000:0): ", true},
		{"8999999999.999:999999999999999999): x", true},
		{"9000000000.000:1): x", false},
		{"9999999999.999:1): x", false},
		{"1795464318.928:9223372036854775807): x", false},
		{"1795464318.928:18446744073709551616): x", false},
		{"1795464318.92:8): x", false},
		{"1795464318.9281:8): x", false},
		{"179546431.928:8): x", false},
		{"17954643180.928:8): x", false},
		{"179546431:.928:8): x", false},
		{"1795464/18.928:8): x", false},
		{"\xb195464318.928:8): x", false},
		{"1795464318.9a8:8): x", false},
		{"1795464318.928:): x", false},
		{"1795464318.928:8):x", false},
		{"1795464318.928:8) x", false},
		{"1795464318.928:8", false},
		{"1795464318.928", false},
		{"", false},
	}
	for _, test := range tests {
		t.Run(test.header, func(t *testing.T) {
			if plain := samePlainHeader(t, []byte(test.header)); plain != test.plain {
				t.Errorf("of the usual form: %v", plain)
			}
		})
	}
}

// samePlainHeader reads a header both ways where it has the usual form.
func samePlainHeader(t *testing.T, header []byte) bool {
	t.Helper()
	var plain, other Record
	if !plain.parsePlainHeader(header, 0) {
		return false
	}
	if err := other.parseAnyHeader(header, 0); err != nil || plain.Time != other.Time ||
		plain.Sequence != other.Sequence || string(plain.Body) != string(other.Body) {
		t.Errorf("%q: %v\n%+v\n%+v", header, err, plain, other)
	}
	return true
}
