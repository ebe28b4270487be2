package live

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// reloadingSensor starts a sensor on a rules folder and a configuration of its
// own, with the shipped rule in it.
func reloadingSensor(t *testing.T) (s *runningSensor, rule, configuration string) {
	t.Helper()
	folder := t.TempDir()
	text, err := os.ReadFile("../../rules/suspicious_network_connection_attempt_by_root.toml")
	if err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(folder, "rules")
	if err := os.Mkdir(rules, 0o755); err != nil {
		t.Fatal(err)
	}
	rule, configuration = filepath.Join(rules, "default.toml"), filepath.Join(folder, "sensor.toml")
	write(t, rule, string(text))
	write(t, configuration, "[rules]\nfolder = \""+rules+"\"\n")
	return startSensor(t, "--config", configuration), rule, configuration
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload makes the sensor read its rules again and waits until it says so.
func reload(t testing.TB, s *runningSensor, signal syscall.Signal, says string) {
	t.Helper()
	before := strings.Count(s.log(), says)
	if err := s.command.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	wait(t, "the sensor says "+says, func() bool { return strings.Count(s.log(), says) > before })
}

// TestReload changes exceptions and rules under a running sensor.
func TestReload(t *testing.T) {
	needLive(t)
	unchanged(t)
	s, rule, configuration := reloadingSensor(t)
	plain := readFile(t, configuration)

	// A sequence that is pending survives: the connect comes before, setsid after.
	pending := hold(t, "connect-hold")
	reload(t, s, syscall.SIGHUP, "unchanged=1")
	pending.release(t)
	if _, ok := s.alertOf(pending.pid(), soon); !ok {
		t.Errorf("a pending sequence did not survive; the sensor said:\n%s", s.log())
	}

	// An exception exempts, and what is broken in the file keeps the rule.
	write(t, configuration, plain+`
[[exceptions]]
rule = "*"
condition = 'process.executable == "`+built.behave+`"'
comment = "the tests' helper"
`)
	write(t, rule, "[rule]\nname = \"broken")
	reload(t, s, syscall.SIGUSR1, "kept_as_they_were=1")
	if !strings.Contains(s.log(), "default.toml:2:") {
		t.Errorf("it did not say what is broken:\n%s", s.log())
	}
}

// TestReloadExceptions exempts a program and stops to.
func TestReloadExceptions(t *testing.T) {
	needLive(t)
	unchanged(t)
	s, _, configuration := reloadingSensor(t)
	plain := readFile(t, configuration)
	write(t, configuration, plain+`
[[exceptions]]
rule = "eb6a3790-d52d-11ec-8ce9-f661ea17fbce"
condition = 'process.executable == "`+built.behave+`"'
comment = "the tests' helper"
`)
	reload(t, s, syscall.SIGUSR1, "unchanged=1")
	// It lives until it was looked at: what has ended cannot prove its executable.
	exempt := hold(t, "connect-hold")
	time.Sleep(quiet)
	exempt.release(t)
	time.Sleep(quiet)
	if alert, raised := s.alertOf(exempt.pid(), 0); raised {
		t.Errorf("an exempted event raised an alert: %s", alert.raw)
	}
	write(t, configuration, plain)
	reload(t, s, syscall.SIGUSR1, "unchanged=1")
	pid := behave(t, "connect-setsid")
	if _, ok := s.alertOf(pid, soon); !ok {
		t.Errorf("no alert after the exception was removed; the sensor said:\n%s", s.log())
	}
}
