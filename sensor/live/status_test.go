package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/common/expfmt"

	"tripline/auditrules/kernel"
	"tripline/sensor"
	"tripline/sensor/status"
)

const controlSocket = "/run/tripline/control.sock"

// statusOf runs "tripline status" and returns what it printed, what it said and
// its exit code.
func statusOf(t *testing.T, args ...string) (said, complained string, code int) {
	t.Helper()
	command := exec.Command(built.tripline, append([]string{"status"}, args...)...)
	var out, problems bytes.Buffer
	command.Stdout, command.Stderr = &out, &problems
	var exit *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), problems.String(), command.ProcessState.ExitCode()
}

// parsedStatus asks a sensor that must answer.
func parsedStatus(t *testing.T) *status.Status {
	t.Helper()
	text, complained, code := statusOf(t, "--json")
	if code != 0 {
		t.Fatalf("status ended with %d: %s%s", code, text, complained)
	}
	said := new(status.Status)
	if err := json.Unmarshal([]byte(text), said); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return said
}

// statusConfig is a configuration with a metrics file.
func statusConfig(t *testing.T) (configuration, textfile string) {
	t.Helper()
	folder := t.TempDir()
	configuration, textfile = filepath.Join(folder, "sensor.toml"), filepath.Join(folder, "tripline.prom")
	write(t, configuration, "[metrics]\ntextfile = \""+textfile+"\"\ninterval = \"1s\"\n")
	return configuration, textfile
}

// startAnswering starts a sensor and waits until it answers on the control socket,
// which is soon after it watches.
func startAnswering(t *testing.T, arguments ...string) *runningSensor {
	t.Helper()
	s := startSensor(t, arguments...)
	wait(t, "somebody answers on the control socket", func() bool {
		connection, err := net.Dial("unix", controlSocket)
		if err != nil {
			return false
		}
		_ = connection.Close() // nothing was said
		return true
	})
	return s
}

// TestStatus asks a running sensor how it is, before and after an alert, and once
// it has ended.
func TestStatus(t *testing.T) {
	needLive(t)
	unchanged(t)
	if _, complained, code := statusOf(t); code != 1 || !strings.Contains(complained, "no tripline is watching this host") {
		t.Errorf("before the start: %d, %s", code, complained)
	}
	configuration, textfile := statusConfig(t)
	s := startAnswering(t, "--config", configuration)
	info, err := os.Lstat(controlSocket)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	before := parsedStatus(t)
	if len(before.Rules) != 1 || before.Rules[0].Matches != 0 || before.Alerts.Raised != 0 || before.State != status.OK {
		t.Errorf("before: state %s, %+v, %+v", before.State, before.Rules, before.Alerts)
	}
	pid := behave(t, "connect-setsid")
	if _, ok := s.alertOf(pid, soon); !ok {
		t.Fatalf("no alert; the sensor said:\n%s", s.log())
	}
	wait(t, "both outputs have the alert and its evidence", func() bool {
		outputs := parsedStatus(t).Outputs
		return len(outputs) == 2 && outputs[0].Written == 2 && outputs[1].Written == 2
	})
	after := parsedStatus(t)
	checkStatus(t, s, after)
	if after.Records.Received <= before.Records.Received || after.Events.Joined <= before.Events.Joined {
		t.Errorf("records %+v, events %+v", after.Records, after.Events)
	}
	checkMetrics(t, after)
	wait(t, "the metrics file has the match", func() bool {
		text, err := os.ReadFile(textfile)
		return err == nil && strings.Contains(string(text), "Connection Attempt by Root\"} 1\n")
	})

	s.stop(syscall.SIGTERM)
	for _, path := range []string{controlSocket, textfile} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
	if _, complained, code := statusOf(t); code != 1 || !strings.Contains(complained, "no tripline is watching this host") {
		t.Errorf("after the end: %d, %s", code, complained)
	}
}

// checkStatus holds a status after one alert against what is known otherwise.
func checkStatus(t *testing.T, s *runningSensor, said *status.Status) {
	t.Helper()
	if said.PID != s.command.Process.Pid || said.Source.Mode != "unicast" || !said.Pipeline.Answering || said.State != status.OK {
		t.Errorf("process %d, %+v, %+v, state %s with %+v", said.PID, said.Source, said.Pipeline, said.State, said.Health)
	}
	if said.Rules[0].Matches != 1 || said.Alerts.Raised != 1 || said.Alerts.Tests != 0 || said.Engine.Matches != 1 {
		t.Errorf("%+v, %+v", said.Rules[0], said.Alerts)
	}
	if k := said.Kernel; k == nil || k.Enabled != 1 || int(k.PID) != said.PID || k.BacklogLimit != 8192 || k.LostSinceStart != 0 || k.Rules != len(said.KernelRules) || k.Rules == 0 {
		t.Errorf("kernel %+v", k)
	}
	if said.Identities.Verified == 0 || said.Process.Resident < 1<<20 || said.Process.CPU <= 0 || said.Evidence == nil || said.Evidence.Gathered != 1 {
		t.Errorf("%+v, %+v, %+v", said.Identities, said.Process, said.Evidence)
	}
	client, err := kernel.Open()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := client.Rules()
	if err != nil || len(rules) != said.Kernel.Rules {
		t.Errorf("the kernel has %d rules, the status says %d: %v", len(rules), said.Kernel.Rules, err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

// checkMetrics reads the metrics with Prometheus' parser and holds them against
// the status.
func checkMetrics(t *testing.T, said *status.Status) {
	t.Helper()
	text, complained, code := statusOf(t, "--metrics")
	if code != 0 {
		t.Fatalf("status --metrics ended with %d: %s", code, complained)
	}
	var parser expfmt.TextParser
	found, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := found["tripline_rule_matches_total"].GetMetric()[0]; got.GetCounter().GetValue() != 1 || got.GetLabel()[0].GetValue() != said.Rules[0].ID {
		t.Errorf("matches %v", got)
	}
	if got := found["tripline_failing"].GetMetric()[0].GetGauge().GetValue(); got != 0 {
		t.Errorf("failing %v", got)
	}
	if got := found["tripline_records_received_total"].GetMetric()[0].GetCounter().GetValue(); got < float64(said.Records.Received) {
		t.Errorf("received %v, less than %d before", got, said.Records.Received)
	}
}

// TestStatusBesideBadClients has clients that say nothing, say nonsense and take no
// answer: the sensor goes on catching, and ends in time.
func TestStatusBesideBadClients(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startAnswering(t)
	for _, text := range []string{"", "", "", "GET /status", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "\x00\xff\r\n\r\n", strings.Repeat("x", 100_000)} {
		connection, err := net.Dial("unix", controlSocket)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close()              // until the end
		_, _ = connection.Write([]byte(text)) // refused in the middle is well, too
	}
	pid := behave(t, "connect-setsid")
	if _, ok := s.alertOf(pid, soon); !ok {
		t.Errorf("no alert; the sensor said:\n%s", s.log())
	}
	wait(t, "the sensor answers", func() bool {
		_, _, code := statusOf(t, "--json")
		return code == 0
	})
	if said := parsedStatus(t); said.Rules[0].Matches != 1 {
		t.Errorf("%+v", said.Rules)
	}
	s.stop(syscall.SIGTERM)
}

// TestStatusAfterKill lets a second sensor leave the socket of the first alone, and
// replace it once that was killed. Another user is refused in a sentence.
func TestStatusAfterKill(t *testing.T) {
	needLive(t)
	unchanged(t)
	first := startAnswering(t)
	if pid, err := sensor.Running(sensor.DefaultLock); err != nil || pid != first.command.Process.Pid {
		t.Errorf("the running sensor is %d: %v", pid, err)
	}
	if out, err := exec.Command(built.tripline, "run", "--alert-file", "").CombinedOutput(); err == nil {
		t.Errorf("a second sensor ran: %s", out)
	}
	if said := parsedStatus(t); said.PID != first.command.Process.Pid {
		t.Errorf("process %d answers", said.PID)
	}
	other := exec.Command(built.tripline, "status")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := other.CombinedOutput(); err == nil || !strings.Contains(string(out), "needs root") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("another user: %v, %s", err, out)
	}
	first.kill()
	if _, err := os.Lstat(controlSocket); err != nil {
		t.Fatalf("kill -9 left no socket: %v", err)
	}
	if _, complained, code := statusOf(t); code != 1 || !strings.Contains(complained, "no tripline is watching") {
		t.Errorf("after kill -9: %d, %s", code, complained)
	}
	second := startAnswering(t)
	if said := parsedStatus(t); said.PID != second.command.Process.Pid {
		t.Errorf("process %d answers, not %s", said.PID, strconv.Itoa(second.command.Process.Pid))
	}
	second.stop(syscall.SIGTERM)
}
