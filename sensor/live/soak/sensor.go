package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"tripline/rules"
	"tripline/sensor/status"
)

// sensor is the sensor under test, in a process and a folder of its own.
type sensor struct {
	folder  string
	command *exec.Cmd
	report  *os.File
	client  *http.Client
	ended   chan error
	// reloads counts the signals that were sent.
	reloads atomic.Uint64
}

// configuration is the sensor's. Alerts go to a file that is rotated and to both
// receivers.
const configuration = `[rules]
folder = %q
[output.alerts]
path = %q
max_size = "1MiB"
keep = 0
[output.syslog]
address = "tcp://%s"
max_message = "256KiB"
[output.elasticsearch]
urls = ["http://%s"]
[output.spool]
folder = %q
max_size = "16MiB"
[evidence]
connections = %q
[control]
socket = %q
`

// patience is how long a sensor may take to answer or to end.
const patience = 60 * time.Second

// prepareFolder makes the folder of a sensor: its configuration and the shipped rules.
func prepareFolder(folder, syslogAddress, elasticAddress string) error {
	in := func(name string) string { return filepath.Join(folder, name) }
	if err := os.MkdirAll(in("rules"), 0o700); err != nil {
		return fmt.Errorf("preparing a folder: %w", err)
	}
	if err := os.CopyFS(in("rules"), rules.FS()); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("copying the shipped rules: %w", err)
	}
	text := fmt.Sprintf(configuration, in("rules"), in("alerts.ndjson"), syslogAddress, elasticAddress,
		in("spool"), in("connections.json"), in("control.sock"))
	if err := os.WriteFile(in("sensor.toml"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("configuring the sensor: %w", err)
	}
	return nil
}

// startSensor starts the sensor of a folder and waits until it answers.
func startSensor(ctx context.Context, program, folder string) (*sensor, error) {
	report, err := os.OpenFile(filepath.Join(folder, "sensor.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the sensor's log: %w", err)
	}
	socket := filepath.Join(folder, "control.sock")
	var dialer net.Dialer
	s := &sensor{
		folder: folder, report: report, ended: make(chan error, 1),
		command: exec.Command(program, "run", "--json", "--config", filepath.Join(folder, "sensor.toml")),
		client: &http.Client{Timeout: patience, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", socket)
			},
		}},
	}
	s.command.Stderr = report
	// As the service is told.
	s.command.Env = append(os.Environ(), "GOMEMLIMIT=48MiB")
	if err := s.command.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the sensor: %w", err), report.Close())
	}
	go func() { s.ended <- s.command.Wait() }()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		_, err := s.ask(ctx)
		if err == nil {
			return s, nil
		}
		if len(s.ended) > 0 || time.Now().After(deadline) || ctx.Err() != nil {
			return nil, errors.Join(fmt.Errorf("the sensor does not answer: %w; it said:\n%s", err, s.said()), s.stop())
		}
	}
}

// said is what the sensor reported, its last part.
func (s *sensor) said() string {
	text, err := os.ReadFile(s.report.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// status asks the sensor how it is. On a machine that is hardly run an answer may take
// longer than the sensor lets it: it is asked again as long as it lives.
func (s *sensor) status(ctx context.Context) (*status.Status, error) {
	for deadline := time.Now().Add(patience); ; {
		now, err := s.ask(ctx)
		if err == nil || len(s.ended) > 0 || time.Now().After(deadline) || !pause(ctx, time.Second) {
			return now, err
		}
	}
}

// ask is status that asks once.
func (s *sensor) ask(ctx context.Context) (*status.Status, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tripline/status", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking the sensor: %w", err)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the sensor: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	read := new(status.Status)
	if err := json.NewDecoder(answer.Body).Decode(read); err != nil {
		return nil, fmt.Errorf("reading the sensor's status: %w", err)
	}
	return read, nil
}

// lostSince is what was lost since an earlier status, once nothing is on its way.
func (s *sensor) lostSince(ctx context.Context, before *status.Status) (uint64, error) {
	if !pause(ctx, settle) {
		return 0, ctx.Err()
	}
	after, err := s.status(ctx)
	if err != nil {
		return 0, err
	}
	return recordsLost(after) - recordsLost(before) + uint64(kernelLost(after)-kernelLost(before)), nil
}

// losses are what went missing between the kernel and the engine.
func losses(s *status.Status) Losses {
	r, e := &s.Records, &s.Events
	return Losses{
		Overruns: r.Overruns, Gaps: r.Gaps, Late: r.Late, Truncated: r.Truncated, Unreadable: r.Unreadable,
		Incomplete: e.Incomplete, Evicted: e.Evicted,
	}
}

// recordsLost adds them up.
func recordsLost(s *status.Status) uint64 {
	all := losses(s)
	return all.sum()
}

func kernelLost(s *status.Status) uint32 {
	if s.Kernel == nil {
		return 0
	}
	return s.Kernel.LostSinceStart
}

// extraRule is a rule that comes and goes with the reloads and never matches.
const extraRule = `[metadata]
creation_date = "2026/11/28"
maturity = "production"
updated_date = "2026/11/28"
[rule]
author = ["soak"]
description = "Comes and goes."
from = "now-9m"
language = "eql"
license = "Apache-2.0"
name = "Comes and goes"
risk_score = 1
rule_id = "5f0a1c0e-8f0e-4c9a-9a51-7b1d0c0ffee0"
severity = "low"
type = "eql"
query = '''
process where event.action == "session_id_change" and process.executable == "/nonexistent/%d"
'''
`

// reload adds the extra rule, changed each time, or takes it away, and tells the
// sensor to read its rules again.
func (s *sensor) reload() error {
	path := filepath.Join(s.folder, "rules", "extra.toml")
	number := s.reloads.Load()
	var err error
	if number%2 == 0 {
		err = os.WriteFile(path, fmt.Appendf(nil, extraRule, number), 0o600)
	} else {
		err = os.Remove(path)
	}
	if err != nil {
		return fmt.Errorf("changing the rules: %w", err)
	}
	if err := s.command.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("telling the sensor to read its rules again: %w", err)
	}
	s.reloads.Add(1)
	return nil
}

// stop ends the sensor, which must end well.
func (s *sensor) stop() error {
	_ = s.command.Process.Signal(syscall.SIGTERM) // it may have ended
	var err error
	select {
	case err = <-s.ended:
	case <-time.After(patience):
		_ = s.command.Process.Kill() // as above
		err = fmt.Errorf("not within %v", patience)
	}
	if err != nil {
		err = fmt.Errorf("the sensor did not end well: %w; it said:\n%s", err, s.said())
	}
	return errors.Join(err, s.report.Close())
}
