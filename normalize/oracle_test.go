package normalize

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// oracleLogs are the logs that are read by both parsers.
func oracleLogs(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/golden/*.log")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(corpora, "*", "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, more...)
}

// TestAuparse compares single records with what go-libaudit's parser makes of
// them, except where that is known to be wrong: comm is not decoded, exe=(null)
// drops the record's data, the NULs of a title become spaces.
func TestAuparse(t *testing.T) {
	compared := 0
	for _, file := range oracleLogs(t) {
		for _, line := range splitLines(readFile(t, file)) {
			wanted, err := auparse.ParseLogLine(line)
			record, ourErr := ParseLine([]byte(line))
			if err != nil || ourErr != nil {
				if err == nil && ourErr != nil {
					t.Errorf("%s: %v", line, ourErr)
				}
				continue
			}
			if uint16(record.Type) != uint16(wanted.RecordType) || record.Time != wanted.Timestamp.UnixMilli() || record.Sequence != uint64(wanted.Sequence) {
				t.Errorf("%s: %+v", line, record)
			}
			fields, err := wanted.Data()
			if err != nil || strings.Contains(line, "exe=(null)") {
				continue
			}
			compareRecord(t, line, record.Type, fields)
			compared++
		}
	}
	if compared < 200 {
		t.Errorf("only %d records were compared", compared)
	}
}

// mappedLike is an address in the form that a SOCKADDR record has it in: package
// net, which auparse uses, does not tell a mapped IPv4 address from IPv4.
func mappedLike(line string, addr netip.Addr) string {
	if strings.Contains(line, "saddr=0A00") && addr.Unmap().Is4() {
		return netip.AddrFrom16(addr.As16()).String()
	}
	return addr.Unmap().String()
}

// compareRecord compares the fields of one record.
func compareRecord(t *testing.T, line string, typ RecordType, wanted map[string]string) {
	t.Helper()
	events, _ := run(t, Options{}, line)
	if len(events) == 0 {
		return
	}
	one := events[0]
	same := func(field, got, want string) {
		if want == "?" || want == "unset" || want == "(none)" || want == "(null)" {
			want = ""
		}
		if got != want {
			t.Errorf("%s is %q, auparse has %q: %s", field, got, want, line)
		}
	}
	switch typ {
	case TypeSyscall:
		for field, key := range map[string]string{
			"user.id": "euid", "user.real.id": "uid", "user.saved.id": "suid", "user.group.id": "egid", "user.audit.id": "auid", "auditd.session": "ses",
			"auditd.data.tty": "tty", "auditd.data.a0": "a0", "auditd.data.a3": "a3",
		} {
			same(field, one.text(field), wanted[key])
		}
		same("process.executable", one.text("process.executable"), strings.TrimSuffix(wanted["exe"], deletedSuffix))
	case TypeSockaddr:
		if addr, err := netip.ParseAddr(wanted["addr"]); err == nil {
			same("destination.ip", one.text("destination.ip"), mappedLike(line, addr))
		}
	case TypeProctitle:
		same("process.command_line", one.text("process.command_line"), strings.TrimRight(wanted["proctitle"], " "))
	case TypeCwd:
		same("process.working_directory", one.text("process.working_directory"), wanted["cwd"])
	case TypeExecve:
		args := one.fields["process.args"].Elements()
		for i, key := range []string{"a0", "a1", "a2"} {
			if want, ok := wanted[key]; ok && i < len(args) && !slices.Contains([]string{"(null)", "?"}, want) {
				same(key, args[i].Text(), want)
			}
		}
	}
}
