package normalize

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// performed is what a program of a recorded case did, as it said itself, and the
// events of the records that it left.
type performed struct {
	section, name string
	pid, tid      int64
	exit          int64 // the call's result as a record shows it
	events        []seen
}

// says matches what the programs print: "[inet4 pid=93 tid=93 ret=-1 errno=111(…)]",
// "[i386 socketcall connect ret=-111", "[int80 from 64-bit pid=110 ret=-111]".
var says = regexp.MustCompile(`^ *\[(i386 direct|i386 socketcall|i386 setsid|[a-z0-9_]+).*?(?: pid=(\d+))?(?: tid=(\d+))? ret=(-?\d+)(?: errno=(\d+))?`)

// readCases reads a file of recorded cases.
func readCases(t *testing.T, file string) []performed {
	t.Helper()
	var all []performed
	section := ""
	var lines []string
	finish := func() {
		if len(all) > 0 && len(lines) > 0 {
			last := &all[len(all)-1]
			events, stats := run(t, Options{Ordered: true}, lines...)
			if stats.UnreadableFields != 0 || stats.Late != 0 || stats.Evicted != 0 || stats.Truncated != 0 {
				t.Errorf("%s, %s %s: %+v", file, section, last.name, stats)
			}
			last.events = append(last.events, events...)
		}
		lines = nil
	}
	for _, line := range splitLines(readFile(t, file)) {
		switch trimmed := strings.TrimLeft(line, " "); {
		case strings.HasPrefix(line, "## "):
			finish()
			section = line[3:]
		case strings.HasPrefix(trimmed, "type="):
			lines = append(lines, trimmed)
		case strings.HasPrefix(trimmed, "run "):
			finish()
			all = append(all, performed{section: section})
		case strings.HasPrefix(trimmed, "["):
			m := says.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			finish()
			one := performed{section: section, name: m[1]}
			one.pid, _ = strconv.ParseInt(m[2], 10, 64)
			one.tid, _ = strconv.ParseInt(m[3], 10, 64)
			one.exit, _ = strconv.ParseInt(m[4], 10, 64)
			if errno, err := strconv.ParseInt(m[5], 10, 64); err == nil && one.exit == -1 {
				one.exit = -errno
			}
			all = append(all, one)
		default:
			finish()
		}
	}
	finish()
	return all
}

// caseFiles lists the recorded cases of the repository and beside it.
func caseFiles(t *testing.T) []string {
	t.Helper()
	names := make(map[string]string)
	for _, folder := range []string{filepath.Join(corpora, "kernels"), "testdata/kernels"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.cases.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			names[filepath.Base(file)] = file
		}
	}
	if len(names) < 3 {
		t.Fatalf("only %d files of recorded cases", len(names))
	}
	var files []string
	for _, file := range names {
		files = append(files, file)
	}
	return files
}

// wantedAction is the action of an event that a case's own call leaves.
func wantedAction(one performed) string {
	switch one.name {
	case "inet4", "inet4ok", "nb", "inet6", "mapped", "inet4long", "thread", "nsconnect", "loginuid", "int80",
		"i386 socketcall", "udp":
		return "connection_attempted"
	case "unspec":
		return "socket_disconnected"
	case "i386 direct":
		if one.exit == enosys {
			return "connect"
		}
		return "connection_attempted"
	case "setsid", "i386 setsid":
		return "session_id_change"
	case "unix", "abstract", "badptr", "toolong", "badfd", "notsock":
		return "connect"
	case "sendto", "sendmsg":
		return one.name
	case "fastopen":
		if one.exit == eopnotsupp || one.exit == epipe {
			return "sendto" // the kernel does no fast open
		}
		return "connection_attempted"
	}
	return ""
}

// wantedDestination is where a case's call goes.
func wantedDestination(name string) string {
	switch name {
	case "inet6":
		return "::1"
	case "mapped":
		return "::ffff:127.0.0.1"
	case "unix":
		return "/tmp/no.sock"
	case "abstract":
		return "@abs"
	case "badptr", "toolong", "badfd", "notsock", "unspec", "setsid", "i386 setsid":
		return ""
	}
	return "127.0.0.1"
}

func TestKernelCases(t *testing.T) {
	for _, file := range caseFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			checked := 0
			for _, one := range readCases(t, file) {
				checked += checkCase(t, one)
			}
			if checked < 30 {
				t.Errorf("only %d events were compared", checked)
			}
		})
	}
}

// checkCase compares the events of a case's own call with what the program says.
func checkCase(t *testing.T, one performed) (checked int) {
	t.Helper()
	want := wantedAction(one)
	for _, event := range one.events {
		action := event.text("event.action")
		call := event.text("auditd.data.syscall")
		switch call {
		case "connect", "setsid", "sendto", "sendmsg":
		default:
			if action == "connection_attempted" && event.text("auditd.data.uring_op") == "" && call != "io_uring_enter" || action == "session_id_change" {
				t.Errorf("%s, %s: a %s is a %s", one.section, one.name, call, action)
			}
			continue
		}
		if want == "" {
			continue
		}
		checked++
		if action != want {
			t.Errorf("%s, %s: the action is %s, not %s: %s", one.section, one.name, action, want, event.json)
		}
		if pid := event.fields["process.pid"].Int(); one.pid > 1 && pid != one.pid && pid != one.tid {
			t.Errorf("%s, %s: pid %d, not %d", one.section, one.name, pid, one.pid)
		}
		if exit := event.text("auditd.data.exit"); exit != strconv.FormatInt(one.exit, 10) {
			t.Errorf("%s, %s: exit %s, not %d", one.section, one.name, exit, one.exit)
		}
		if outcome := event.text("event.outcome"); outcome != wantedOutcome(one.exit) {
			t.Errorf("%s, %s: outcome %s of exit %d", one.section, one.name, outcome, one.exit)
		}
		address := event.text("destination.address")
		if wanted := wantedDestination(one.name); address != wanted && one.name != "i386 direct" && one.name != "notsock" && one.name != "badfd" {
			t.Errorf("%s, %s: destination %q, not %q", one.section, one.name, address, wanted)
		}
	}
	return checked
}

func wantedOutcome(exit int64) string {
	switch {
	case exit == einprogress:
		return "unknown"
	case exit < 0:
		return "failure"
	default:
		return "success"
	}
}

// TestKernelCasesUring checks io_uring's connects, which leave no SYSCALL record
// of connect.
func TestKernelCasesUring(t *testing.T) {
	for _, file := range caseFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, one := range readCases(t, file) {
				if strings.HasPrefix(one.name, "uring") {
					checkUring(t, one)
				}
			}
		})
	}
}

// checkUring compares the connects of a case with what its rules let the kernel
// record: with the address there is an attempt, in the calls of the case's own
// thread and of the kernel's; without it nothing is claimed.
func checkUring(t *testing.T, one performed) {
	t.Helper()
	attempts, addresses := 0, 0
	for _, event := range one.events {
		if event.text("destination.address") != "" {
			addresses++
		}
		if event.text("event.action") != "connection_attempted" {
			continue
		}
		attempts++
		if event.text("event.outcome") != "unknown" || event.text("destination.ip") != "127.0.0.1" || event.fields["process.pid"].Int() != one.pid {
			t.Errorf("%s, %s: %s", one.section, one.name, event.json)
		}
	}
	if attempts != addresses {
		t.Errorf("%s, %s: %d attempts, %d addresses", one.section, one.name, attempts, addresses)
	}
	recorded := len(one.events) > 0 && (one.name == "uring_enter" || one.name == "uring_sqpoll_enter" && strings.HasPrefix(one.section, "case G io_uring"))
	if recorded && attempts != 1 {
		t.Errorf("%s, %s: %d attempts", one.section, one.name, attempts)
	}
}

// TestCorporaRead checks that every recorded log reads without a defect, twice the
// same.
func TestCorporaRead(t *testing.T) {
	needCorpora(t)
	files, err := filepath.Glob(filepath.Join(corpora, "*", "*.log"))
	if err != nil || len(files) < 25 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		// The kernel of audit-rhel7.log wrote records of a type that auditd could not read.
		lines := slices.DeleteFunc(splitLines(readFile(t, file)), func(line string) bool {
			return strings.HasPrefix(line, "type=UNKNOWN[1329] msg=") && !strings.Contains(line, "audit(")
		})
		events, stats := run(t, Options{Ordered: true}, lines...)
		t.Logf("%s: %d events, %+v", filepath.Base(file), len(events), stats)
		if len(events) == 0 || stats.Records != uint64(len(lines)) {
			t.Errorf("%s: %+v of %d lines", file, stats, len(lines))
		}
		if stats.UnreadableFields != 0 || stats.Evicted != 0 || stats.Truncated != 0 {
			t.Errorf("%s: %+v", file, stats)
		}
		again, _ := run(t, Options{Ordered: true}, lines...)
		if !bytes.Equal(joined(events), joined(again)) {
			t.Errorf("%s: the second run gives other events", file)
		}
	}
}

// joined is the documents of events, one on each line.
func joined(events []seen) []byte {
	var all []byte
	for _, event := range events {
		all = append(append(all, event.json...), '\n')
	}
	return all
}
