package normalize

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// passedBy reads a log as a replay does for rules about events of two categories, and returns
// the documents of these and how many others there were. Without passing all events are
// handed over.
func passedBy(t testing.TB, log []byte, passing bool) (wanted []string, others int, stats Stats) {
	t.Helper()
	wants := func(category, _ string) bool { return category == "network" || category == "process" }
	encoder := NewEncoder(nil)
	options := Options{Ordered: true, Emit: func(event *Event) {
		if category := event.category().Text(); !wants(category, "") {
			others++
		} else {
			wanted = append(wanted, string(encoder.Append(nil, event)))
		}
	}}
	if passing {
		options.Wants, options.Passed = wants, func(string, int64) { others++ }
	}
	c := NewCorrelator(options)
	var block LogBlock
	c.NewLogParser(1<<20).Parse(&block, log)
	c.AddBlock(&block, func(*BadLine) {})
	c.Flush()
	return wanted, others, c.Stats()
}

// comparePassed holds what a log gives where events pass against where none does.
func comparePassed(t testing.TB, log []byte) (others int) {
	t.Helper()
	want, wantOthers, wantStats := passedBy(t, log, false)
	got, others, stats := passedBy(t, log, true)
	if !slices.Equal(got, want) {
		t.Errorf("events are\n%s\nand not\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if others != wantOthers || stats != wantStats {
		t.Errorf("%d other events, %+v, not %d, %+v", others, stats, wantOthers, wantStats)
	}
	return others
}

// reportLines are records of programs, of many forms, that are told apart by what comes
// after: the call of the same pid is of the same process or not.
var reportLines = []string{
	`pid=147 uid=0 auid=1000 ses=3 subj=unconfined msg='op=PAM:session_open acct="root" exe="/bin/a" hostname=? addr=? terminal=cron res=success'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='op=PAM:session_open acct="root" exe="/bin/b" hostname=? addr=? terminal=cron res=success'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='op=x exe=2F62696E2F61 res=success'`,
	`pid=147 uid=0 auid=1001 ses=4 msg='op=x exe="/bin/a" res=success'`,
	`user pid=147 uid=0 auid=1000 ses=3 msg='op=x exe="/bin/a" (hostname=?, addr=?, terminal=? res=failed)'`,
	`pid=147 uid=0 auid=1000 ses=3`,
	`pid=147 uid=0 auid=1000 ses=3x msg='exe="/bin/a"'`,
	`pid=147 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=1`,
	`pid=147 uid=0 subj=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023 old-auid=1000 auid=1000 tty=pts0 old-ses=3 ses=3 res=1`,
	`pid=147 uid=0 old-auid=1000 auid=1001 tty=(none) old-ses=3 ses=4 res=0`,
	`pid=147 uid=0 old-auid=1000 auid=1001 old-ses=3 ses=4 res=2`,
	`pid=147 uid=0 old-auid=1009 auid=1001 old-ses=3 ses=4 res=1`,
	`pid=147 uid=0 old-auid=1000 auid=1001 old-ses=3 ses=4x res=1`,
	`pid=147 uid=0 subj="a old-auid=1000 auid=1000 tty=" old-ses=3 ses=3 res=1`,
	`pid=147 uid=0 old-auid=1000 auid=1000 tty=(none) old-ses=3 ses=3 res=1 ppid=37`,
	`pid=147 uid=0 subj=kernel old auid=1000 new auid=1001 old ses=3 new ses=4`,
	`pid=147 uid=0 auid=1000 ses=3 msg='ppid=36 exe="/bin/a" pid=9 auid=x'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='ppid=37 exe="/bin/a"'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='ppid=36x exe="/bin/a"'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='exe="/bin/a" arch=c000003e syscall=41 exit=3 a0=2 a1=2 a2=17 success=yes'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='exe="/bin/b" arch=c000003e syscall=59 exit=0 success=yes'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='exe="/bin/a" res=perhaps'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='exe="/bin/b" exe="/bin/a" acct="a exe="`,
	`pid=147 uid=0 auid=1000 ses=3 exe="/bin/a" old auid=7`,
	`pid=147 uid=0 auid=-1 ses=-1 msg='exe="/bin/a"'`,
	`pid=147 uid=0 auid=4294967296 ses=3 msg='exe="/bin/a"'`,
	`pid=147 uid=0 auid=1000  ses=3 msg='exe="/bin/a"'`,
	`pid=147 uid=0 subj=unconfined auid=1000 ses=3 msg='exe="/bin/a"'`,
	`pid=x uid=0 auid=1000 ses=3 msg='exe="/bin/a"'`,
	`pid=147 uid=0 auid=1000 ses=3 msg='exe="/bin/` + strings.Repeat("a", 1200) + `"'`,
	`op=start ver=3.0 format=enriched kernel=6.1 auid=1000 pid=147 uid=0 ses=3 res=success`,
	``,
}

// TestPassedReports has records of programs pass as if they had been looked at.
func TestPassedReports(t *testing.T) {
	call := func(sequence string) string {
		return `type=SYSCALL msg=audit(1700000000.` + sequence + `:` + sequence + `): arch=c000003e syscall=112 success=yes exit=147 a0=0 a1=0 a2=0 a3=0 items=0 ppid=36 pid=147 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="a" exe="/bin/a" key=(null)` + "\n"
	}
	var all bytes.Buffer
	for _, body := range reportLines {
		for _, typ := range []string{"USER_START", "DAEMON_START", "SYSTEM_BOOT", "USER_AVC", "LOGIN", "CONFIG_CHANGE", "SERVICE_START"} {
			report := "type=" + typ + " msg=audit(1700000000.101:101): " + body + "\n"
			log := call("100") + report + call("102") + strings.ReplaceAll(report, "101", "103") + call("104")
			log += strings.ReplaceAll(report, "101", "105") + strings.ReplaceAll(`type=USER_AUTH msg=audit(1700000000.105:105): `+body+"\n", `auid=1000`, `auid=1009`) + call("106")
			others := comparePassed(t, []byte(log))
			if others == 0 {
				t.Errorf("%sno event passes", log)
			}
			all.WriteString(log)
		}
	}
	comparePassed(t, all.Bytes())
}

// FuzzPassed has no log in which it makes a difference for an event whether others pass.
func FuzzPassed(f *testing.F) {
	for i, body := range reportLines {
		f.Add([]byte("type=" + []string{"USER_START", "LOGIN"}[i%2] + " msg=audit(1700000000.101:101): " + body + "\n" +
			"type=SYSCALL msg=audit(1700000000.102:102): arch=c000003e syscall=112 success=yes exit=147 ppid=36 pid=147 auid=1000 uid=0 ses=3 comm=\"a\" exe=\"/bin/a\"\n"))
	}
	f.Fuzz(func(t *testing.T, log []byte) { comparePassed(t, log) })
}
