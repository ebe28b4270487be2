package sensor

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// hostLog makes an audit log of about size bytes as a host has it whose rules watch
// executed programs, opened and changed files, and connections: services, people who
// log in, jobs that begin every few minutes. One in a thousand of its events completes
// the behaviour of the shipped rule. It returns how many lines and attacks are in it.
func hostLog(size int, enriched bool) (log []byte, lines, attacks int) {
	h := hostLogger{random: rand.New(rand.NewPCG(1, 2)), millis: 1_700_000_000_000, sequence: 1000, pid: 3000, program: "/usr/sbin/cron", enriched: enriched}
	for events := 1; h.text.Len() < size; events++ {
		h.begin()
		switch part := h.random.IntN(1000); {
		case part < 330:
			h.executes()
		case part < 720:
			h.opens()
		case part < 860:
			h.changesFile()
		case part < 900:
			h.connects(1000)
		case part < 905:
			h.connects(0)
		case part < 980:
			h.says(programSays[h.random.IntN(len(programSays))])
		default:
			h.says(unitSays[h.random.IntN(len(unitSays))])
		}
		if events%1000 == 0 {
			h.attacks()
			attacks++
		}
	}
	return h.text.Bytes(), h.lines, attacks
}

// reportLog makes an audit log of about size bytes as a host has it whose rules watch
// little: nearly all of it is what programs and systemd write about logins, jobs and
// services. It returns what hostLog returns.
func reportLog(size int) (log []byte, lines, attacks int) {
	h := hostLogger{random: rand.New(rand.NewPCG(1, 2)), millis: 1_700_000_000_000, sequence: 1000}
	says := slices.Concat(programSays, unitSays)
	for events := 1; h.text.Len() < size; events++ {
		h.begin()
		h.says(says[h.random.IntN(len(says))])
		if events%1000 == 0 {
			h.attacks()
			attacks++
		}
	}
	return h.text.Bytes(), h.lines, attacks
}

// hostLogger writes the records of one event after another.
type hostLogger struct {
	text     bytes.Buffer
	lines    int
	random   *rand.Rand
	enriched bool
	// millis is the time, sequence the number of the event in work.
	millis, sequence int64
	// pid is the newest process, uid whose it is and program what it executes.
	pid, uid int
	program  string
}

// What such a host executes, opens and hears from its programs.
var (
	hostPrograms = []string{
		"/usr/bin/bash", "/usr/bin/dash", "/usr/bin/grep", "/usr/bin/cat", "/usr/bin/python3.11", "/usr/sbin/cron", "/usr/bin/date",
		"/usr/bin/ps", "/usr/bin/curl", "/usr/lib/systemd/systemd-executor", "/usr/local/sbin/backup agent",
	}
	openedFiles = []string{
		"/etc/passwd", "/etc/shadow", "/etc/ld.so.cache", "/lib/x86_64-linux-gnu/libc.so.6", "/etc/localtime", "/var/log/syslog",
		"/usr/share/zoneinfo/Etc/UTC", "/etc/nsswitch.conf", "/home/anna/notes of today.txt", "/proc/self/status",
	}
	programSays = []string{"USER_ACCT PAM:accounting", "CRED_ACQ PAM:setcred", "USER_START PAM:session_open", "USER_END PAM:session_close", "CRED_DISP PAM:setcred", "LOGIN"}
	unitSays    = []string{"SERVICE_START", "SERVICE_STOP"}
)

// begin goes on to the next event, some 40 of which are a second.
func (h *hostLogger) begin() {
	h.millis += int64(h.random.IntN(50))
	h.sequence++
}

// record writes one record; names is what auditd adds where it enriches.
func (h *hostLogger) record(kind, names, format string, values ...any) {
	fmt.Fprintf(&h.text, "type=%s msg=audit(%d.%03d:%d): ", kind, h.millis/1000, h.millis%1000, h.sequence)
	fmt.Fprintf(&h.text, format, values...)
	if h.enriched && names != "" {
		h.text.WriteString("\x1d" + names)
	}
	h.text.WriteByte('\n')
	h.lines++
}

// call writes the SYSCALL record of the newest process.
func (h *hostLogger) call(number int, name string, exit, items int, key string) {
	success, login, terminal, session := "yes", int64(1000), "pts0", int64(3)
	if exit < 0 {
		success = "no"
	}
	if h.pid%3 == 0 {
		login, terminal, session = 4294967295, "(none)", 4294967295
	}
	h.record("SYSCALL", fmt.Sprintf(`ARCH=x86_64 SYSCALL=%s AUID="%s" UID="%[3]s" GID="%[3]s" EUID="%[3]s" SUID="%[3]s" FSUID="%[3]s" EGID="%[3]s" SGID="%[3]s" FSGID="%[3]s"`,
		name, map[int64]string{1000: "anna", 4294967295: "unset"}[login], map[int]string{0: "root", 1000: "anna"}[h.uid]),
		`arch=c000003e syscall=%d success=%s exit=%d a0=%x a1=7ff%09x a2=%x a3=0 items=%d ppid=%d pid=%d auid=%d uid=%[11]d gid=%[11]d euid=%[11]d suid=%[11]d fsuid=%[11]d egid=%[11]d sgid=%[11]d fsgid=%[11]d tty=%[12]s ses=%[13]d comm=%[14]s exe=%[15]s subj=unconfined key=%[16]q`,
		number, success, exit, h.random.IntN(8), h.random.Int64N(1<<36), h.random.IntN(1<<16), items, h.pid-h.pid%7, h.pid, login, h.uid,
		terminal, session, untrustedText(lastPart(h.program)), untrustedText(h.program), key)
}

// path writes a PATH record.
func (h *hostLogger) path(item int, name, kind string) {
	h.record("PATH", `OUID="root" OGID="root"`,
		`item=%d name=%s inode=%d dev=fd:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=%s cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0`,
		item, untrustedText(name), 100000+h.random.IntN(900000), kind)
}

// title writes the PROCTITLE record.
func (h *hostLogger) title() {
	h.record("PROCTITLE", "", "proctitle=%X", h.program+"\x00--quiet\x00/etc/passwd")
}

// executes has a new process execute a program.
func (h *hostLogger) executes() {
	h.pid = 3000 + (h.pid-2999+h.random.IntN(3))%29000
	h.uid, h.program = 1000*h.random.IntN(2), hostPrograms[h.random.IntN(len(hostPrograms))]
	h.call(59, "execve", 0, 2, "exec")
	h.record("EXECVE", "", `argc=3 a0=%s a1="--quiet" a2="/etc/passwd"`, untrustedText(h.program))
	h.record("CWD", "", `cwd="/home/anna"`)
	h.path(0, h.program, "NORMAL")
	h.path(1, "/lib64/ld-linux-x86-64.so.2", "NORMAL")
	h.title()
}

// opens has the process open a file, which it may not always.
func (h *hostLogger) opens() {
	h.call(257, "openat", 3-16*(h.random.IntN(8)/7), 1, "file-access")
	h.record("CWD", "", `cwd="/home/anna"`)
	h.path(0, openedFiles[h.random.IntN(len(openedFiles))], "NORMAL")
	h.title()
}

// changesFile has it rename a file.
func (h *hostLogger) changesFile() {
	h.call(82, "rename", 0, 4, "file-change")
	h.record("CWD", "", `cwd="/var/lib"`)
	h.path(0, "/var/lib/dpkg/", "PARENT")
	h.path(1, "/var/lib/dpkg/", "PARENT")
	h.path(2, "/var/lib/dpkg/status-new", "DELETE")
	h.path(3, "/var/lib/dpkg/status", "CREATE")
	h.title()
}

// connects has it connect as a user.
func (h *hostLogger) connects(uid int) {
	h.uid = uid
	h.call(42, "connect", -115, 0, "network")
	h.record("SOCKADDR", "SADDR={ saddr_fam=inet laddr=192.0.2.7 lport=443 }", "saddr=020001BBC0000207%016x", 0)
	h.title()
}

// says has a program or systemd write a record of its own.
func (h *hostLogger) says(what string) {
	kind, operation, _ := strings.Cut(what, " ")
	pid := 400 + h.random.IntN(20)
	switch {
	case kind == "LOGIN":
		h.record(kind, `UID="root" OLD-AUID="unset" AUID="root"`, "pid=%d uid=0 subj=unconfined old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=%d res=1", pid, h.sequence)
	case operation == "":
		h.record(kind, `UID="root" AUID="unset"`, `pid=1 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='unit=apt-daily-%d comm="systemd" exe="/usr/lib/systemd/systemd" hostname=? addr=? terminal=? res=success'`, pid)
	default:
		h.record(kind, `UID="root" AUID="root"`, `pid=%d uid=0 auid=0 ses=%d subj=unconfined msg='op=%s grantors=pam_permit acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'`, pid, h.sequence, operation)
	}
}

// attacks has a process of root that connects and then becomes a session leader.
func (h *hostLogger) attacks() {
	h.begin()
	h.pid, h.program = 32000+h.pid%700, "/usr/bin/python3.11"
	h.connects(0)
	h.begin()
	h.call(112, "setsid", h.pid, 0, "session")
	h.title()
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// untrustedText is a text as the kernel writes it.
func untrustedText(text string) string {
	if strings.Contains(text, " ") {
		return strings.ToUpper(hex.EncodeToString([]byte(text)))
	}
	return `"` + text + `"`
}
