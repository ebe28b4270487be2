package live

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
)

// auditDaemon is a real auditd with a configuration and a log of its own, and a
// kernel rule that is its own too.
type auditDaemon struct {
	t           testing.TB
	folder, log string
	command     *exec.Cmd
	client      *kernel.Client
}

// daemonConfig is auditd.conf(5); the folder is put in.
const daemonConfig = `local_events = yes
write_logs = yes
log_file = %[1]s/audit.log
log_format = ENRICHED
log_group = root
priority_boost = 0
flush = INCREMENTAL_ASYNC
freq = 50
num_logs = 5
max_log_file = 8
max_log_file_action = ROTATE
space_left = 4
space_left_action = IGNORE
admin_space_left = 2
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = %[1]s/plugins.d
`

// needAuditd skips a test where auditd is not installed, or fails it where it
// must not be skipped.
func needAuditd(t testing.TB) {
	t.Helper()
	needLive(t)
	if _, err := exec.LookPath("auditd"); err == nil {
		return
	}
	const reason = "auditd is not installed; tools/install-test-peers.sh installs it"
	if os.Getenv("CI") == "true" || os.Getenv("TRIPLINE_LIVE") == "require" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// startAuditd starts auditd with the given plugin configurations, by file name,
// in which FOLDER is the daemon's folder, and adds a rule of its own.
func startAuditd(t testing.TB, plugins map[string]string) *auditDaemon {
	t.Helper()
	needAuditd(t)
	d := &auditDaemon{t: t, folder: t.TempDir()}
	d.log = filepath.Join(d.folder, "audit.log")
	if err := os.Mkdir(filepath.Join(d.folder, "plugins.d"), 0o750); err != nil {
		t.Fatal(err)
	}
	d.write("auditd.conf", fmt.Sprintf(daemonConfig, d.folder), 0o640)
	for name, text := range plugins {
		mode := os.FileMode(0o640)
		if strings.HasSuffix(name, ".sh") {
			mode = 0o750
		}
		d.write(filepath.Join("plugins.d", name), strings.ReplaceAll(text, "FOLDER", d.folder), mode)
	}
	d.enable()
	d.command = exec.Command("auditd", "-n", "-s", "nochange", "-c", d.folder)
	said := &strings.Builder{}
	d.command.Stdout, d.command.Stderr = said, said
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("auditd said:\n%s", said)
		}
	})
	wait(t, "auditd holds the audit socket", func() bool {
		return int(d.status().PID) == d.command.Process.Pid
	})
	d.addRule()
	return d
}

func (d *auditDaemon) write(name, text string, mode os.FileMode) {
	d.t.Helper()
	if err := os.WriteFile(filepath.Join(d.folder, name), []byte(text), mode); err != nil {
		d.t.Fatal(err)
	}
}

// enable switches auditing on until the test ends.
func (d *auditDaemon) enable() {
	d.t.Helper()
	client, err := kernel.Open()
	if err != nil {
		d.t.Fatal(err)
	}
	d.client = client
	before := d.status()
	if err := client.Set(kernel.SettingEnabled, 1); err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := client.Set(kernel.SettingEnabled, before.Enabled); err != nil {
			d.t.Error(err)
		}
		_ = client.Close() // nothing is lost with it
	})
}

// ownKey marks the daemon's own rule.
const ownKey = "auditd-rule"

func (d *auditDaemon) addRule() {
	d.t.Helper()
	installed, err := auditrules.Install(d.client, foreignPlan(d.t, ownKey))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := installed.Remove(); err != nil {
			d.t.Error(err)
		}
	})
}

func (d *auditDaemon) status() kernel.Status {
	d.t.Helper()
	status, err := d.client.Status()
	if err != nil {
		d.t.Fatal(err)
	}
	return status
}

// logged waits until the daemon's own rule has logged an event of a process.
func (d *auditDaemon) logged(pid int) {
	d.t.Helper()
	wait(d.t, "auditd has logged the event", func() bool {
		for line := range strings.Lines(readFile(d.t, d.log)) {
			if strings.Contains(line, fmt.Sprintf(" pid=%d ", pid)) && strings.Contains(line, ownKey) {
				return true
			}
		}
		return false
	})
}

// stop ends the daemon as its service does. It may be called again.
func (d *auditDaemon) stop() {
	d.t.Helper()
	if d.command.ProcessState != nil {
		return
	}
	if err := d.command.Process.Signal(syscall.SIGTERM); err != nil {
		d.t.Error(err)
	}
	kill := time.AfterFunc(20*time.Second, func() {
		d.t.Error("auditd did not end within 20 s")
		_ = d.command.Process.Kill() // the test fails either way
	})
	defer kill.Stop()
	if err := d.command.Wait(); err != nil {
		d.t.Errorf("auditd ended with %v", err)
	}
	wait(d.t, "the kernel knows that auditd is gone", func() bool { return d.status().PID == 0 })
}

// besides are the ways in which the sensor runs beside auditd as a process of
// its own.
func besides(folder string) map[string][]string {
	return map[string][]string{
		"multicast, chosen by itself": nil,
		"multicast":                   {"--source", "multicast"},
		"log":                         {"--source", "log", "--log", filepath.Join(folder, "audit.log")},
		"dispatcher's socket":         {"--source", "audisp", "--audisp-socket", filepath.Join(folder, "events")},
	}
}

// socketPlugin makes auditd's dispatcher listen on a Unix socket. From audit 3.1
// on that is a program.
func socketPlugin() string {
	kind, path := "builtin", "builtin_af_unix"
	for _, program := range []string{"/sbin/audisp-af_unix", "/usr/sbin/audisp-af_unix"} {
		if _, err := os.Stat(program); err == nil {
			kind, path = "always", program
		}
	}
	return "active = yes\ndirection = out\npath = " + path + "\ntype = " + kind + "\nargs = 0640 FOLDER/events\nformat = string\n"
}

// TestBesideAuditd runs beside a real auditd in every way. Both see what
// happens, nothing of auditd's changes, and either may stop first.
func TestBesideAuditd(t *testing.T) {
	needAuditd(t)
	for name := range besides("") {
		for _, first := range []string{"the sensor", "auditd"} {
			t.Run(name+", "+first+" stops first", func(t *testing.T) {
				unchanged(t)
				daemon := startAuditd(t, map[string]string{"af_unix.conf": socketPlugin()})
				before, err := snapshot()
				if err != nil {
					t.Fatal(err)
				}
				s := startSensor(t, besides(daemon.folder)[name]...)
				during, err := snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if during.status != before.status {
					t.Errorf("the settings were %+v and are %+v", before.status, during.status)
				}
				if !added(before.list, during.list) {
					t.Errorf("of %d rules there are %d, and not each of the old ones in its order", len(before.list), len(during.list))
				}
				catchBeside(t, daemon, s)
				if first == "auditd" {
					daemon.stop()
					s.stop(syscall.SIGTERM)
					return
				}
				s.stop(syscall.SIGTERM)
				after, err := snapshot()
				if err != nil {
					t.Fatal(err)
				}
				if difference := before.difference(after); difference != "" {
					t.Error(difference)
				}
				daemon.logged(behave(t, "connect-setsid"))
			})
		}
	}
}

// added says whether rules were added to before, which all are there in their
// order.
func added(before, during [][]byte) bool {
	left := before
	for _, rule := range during {
		if len(left) > 0 && bytes.Equal(rule, left[0]) {
			left = left[1:]
		}
	}
	return len(left) == 0 && len(during) > len(before)
}

// catchBeside performs the behaviour and sees it in both.
func catchBeside(t *testing.T, daemon *auditDaemon, s *runningSensor) {
	t.Helper()
	helper := hold(t, "connect-setsid")
	document, ok := s.alertOf(helper.pid(), soon)
	if !ok {
		t.Fatalf("no alert; the sensor said:\n%s", s.log())
	}
	if document.Tripline.Identity == "inferred" {
		t.Error("a process that still runs was not identified through /proc")
	}
	helper.release(t)
	daemon.logged(helper.pid())
}

// TestAuditdPlugin lets auditd start the sensor as its plugin, with the shipped
// configuration, in both formats, and stops it by stopping auditd.
func TestAuditdPlugin(t *testing.T) {
	needAuditd(t)
	shipped := readFile(t, "../../packaging/audisp/tripline.conf")
	for _, format := range []string{"string", "binary"} {
		t.Run(format, func(t *testing.T) {
			unchanged(t)
			config := strings.NewReplacer("active = no", "active = yes", "/usr/libexec/tripline/audisp-plugin", "FOLDER/plugins.d/start.sh",
				"format = string", "format = "+format).Replace(shipped)
			daemon := startAuditd(t, map[string]string{
				"tripline.conf": config,
				"start.sh":      "#!/bin/sh\nexec " + built.tripline + " run --source audisp --alert-file FOLDER/alerts 2>FOLDER/said\n",
			})
			said := func() string { text, _ := os.ReadFile(daemon.folder + "/said"); return string(text) }
			wait(t, "the plugin watches", func() bool { return strings.Contains(said(), "watching this host") })
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("the plugin said:\n%s", said())
				}
			})
			pid := behave(t, "connect-setsid")
			daemon.logged(pid)
			wait(t, "the plugin has raised an alert", func() bool {
				text, _ := os.ReadFile(daemon.folder + "/alerts")
				return strings.Contains(string(text), fmt.Sprintf(`"pid":%d`, pid))
			})
			daemon.stop()
			wait(t, "the plugin has ended", func() bool { return strings.Contains(said(), "kernel audit is as it was before") })
			if strings.Contains(said(), "[ERROR]") {
				t.Errorf("the plugin said:\n%s", said())
			}
		})
	}
}

// TestLogRotates follows auditd's log while auditd rotates it (SIGUSR1).
func TestLogRotates(t *testing.T) {
	needAuditd(t)
	unchanged(t)
	daemon := startAuditd(t, nil)
	s := startSensor(t, "--source", "log", "--log", daemon.log)
	for i := range 3 {
		if _, ok := s.alertOf(behave(t, "connect-setsid"), soon); !ok {
			t.Fatalf("no alert after %d rotations; the sensor said:\n%s", i, s.log())
		}
		if err := daemon.command.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		wait(t, "auditd has rotated its log", func() bool {
			_, err := os.Stat(fmt.Sprintf("%s.%d", daemon.log, i+1))
			return err == nil
		})
	}
	s.stop(syscall.SIGTERM)
}
