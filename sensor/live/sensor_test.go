package live

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// alertDocument is what the tests read of an alert.
type alertDocument struct {
	Process struct {
		PID        int    `json:"pid"`
		EntityID   string `json:"entity_id"`
		Executable string `json:"executable"`
	} `json:"process"`
	Destination struct {
		IP   string `json:"ip"`
		Port int    `json:"port"`
	} `json:"destination"`
	Rule struct {
		ID string `json:"id"`
	} `json:"rule"`
	Tripline struct {
		Identity string `json:"identity"`
		Alert    struct {
			ID         string            `json:"id"`
			Incomplete bool              `json:"incomplete"`
			Test       bool              `json:"test"`
			Sequence   []json.RawMessage `json:"sequence"`
		} `json:"alert"`
	} `json:"tripline"`

	raw     string // the events of the alert, for messages
	arrived time.Time
}

// runningSensor is a sensor in a process of its own.
type runningSensor struct {
	t       testing.TB
	command *exec.Cmd
	file    string

	mu     sync.Mutex
	alerts []alertDocument
	health []healthDocument
	// evidence are the documents that follow alerts.
	evidence []evidenceDocument
	// rest is for how long a line is left alone once its time of arrival was noted, in
	// nanoseconds.
	rest    atomic.Int64
	said    strings.Builder
	changed chan struct{}
	ready   chan struct{}
	read    sync.WaitGroup
}

// startSensor starts tripline with arguments and waits until it watches. The
// test fails when it does not end well.
func startSensor(t testing.TB, args ...string) *runningSensor {
	t.Helper()
	s := launchSensor(t, args...)
	s.awaitReady()
	return s
}

// awaitReady waits until the sensor watches.
func (s *runningSensor) awaitReady() {
	s.t.Helper()
	select {
	case <-s.ready:
	case <-time.After(10 * time.Second):
		s.t.Fatalf("the sensor does not watch after 10 s; it said:\n%s", s.log())
	}
}

// launchSensor starts tripline and does not wait.
func launchSensor(t testing.TB, args ...string) *runningSensor {
	t.Helper()
	return launchWith(t, func(*exec.Cmd) {}, args...)
}

// launchWith is launchSensor for a command that is to be prepared first.
func launchWith(t testing.TB, prepare func(*exec.Cmd), args ...string) *runningSensor {
	t.Helper()
	s := &runningSensor{t: t, changed: make(chan struct{}, 1), ready: make(chan struct{})}
	s.file = filepath.Join(t.TempDir(), "alerts.ndjson")
	s.command = exec.Command(built.tripline, append([]string{"run", "--alert-file", s.file}, args...)...)
	prepare(s.command)
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := s.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	s.read.Add(2)
	go s.readAlerts(stdout)
	go s.readLog(stderr)
	t.Cleanup(func() {
		if s.command.ProcessState == nil {
			s.stop(syscall.SIGTERM)
		}
	})
	return s
}

func (s *runningSensor) readAlerts(from io.Reader) {
	defer s.read.Done()
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		arrived := time.Now()
		time.Sleep(time.Duration(s.rest.Load()))
		if s.readHealth(lines.Text()) || s.readEvidence(lines.Text()) {
			continue
		}
		document := parseAlert(s.t, lines.Text())
		document.arrived = arrived
		s.mu.Lock()
		s.alerts = append(s.alerts, document)
		s.mu.Unlock()
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

func (s *runningSensor) readLog(from io.Reader) {
	defer s.read.Done()
	ready := s.ready
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		s.mu.Lock()
		s.said.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if ready != nil && strings.Contains(lines.Text(), "watching this host") {
			close(ready)
			ready = nil
		}
	}
}

// parseAlert reads one line of an output.
func parseAlert(t testing.TB, line string) alertDocument {
	t.Helper()
	var document alertDocument
	if err := json.Unmarshal([]byte(line), &document); err != nil {
		t.Errorf("an output has a line that is no JSON: %v: %q", err, line)
	}
	for _, event := range document.Tripline.Alert.Sequence {
		document.raw += string(event) + "\n"
	}
	return document
}

// log is what the sensor said on standard error so far.
func (s *runningSensor) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// alertOf waits for the alert of a process and returns it; false when none came
// within the time.
func (s *runningSensor) alertOf(pid int, within time.Duration) (alertDocument, bool) {
	deadline := time.After(within)
	for {
		s.mu.Lock()
		for _, document := range s.alerts {
			if document.Process.PID == pid {
				s.mu.Unlock()
				return document, true
			}
		}
		s.mu.Unlock()
		select {
		case <-s.changed:
		case <-deadline:
			return alertDocument{}, false
		}
	}
}

// count is how many alerts have arrived.
func (s *runningSensor) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.alerts)
}

// stop sends a signal and waits for the end, which must be clean.
func (s *runningSensor) stop(signal syscall.Signal) {
	s.t.Helper()
	if err := s.command.Process.Signal(signal); err != nil {
		s.t.Error(err)
	}
	s.end(signal.String())
}

// end waits for the end, which must be clean, after what is its cause.
func (s *runningSensor) end(cause string) {
	s.t.Helper()
	ended := make(chan error, 1)
	go func() {
		s.read.Wait()
		ended <- s.command.Wait()
	}()
	select {
	case err := <-ended:
		if err != nil {
			s.t.Errorf("the sensor ended with %v; it said:\n%s", err, s.log())
		}
	case <-time.After(15 * time.Second):
		_ = s.command.Process.Kill() // the test fails either way
		s.t.Errorf("the sensor did not end within 15 s of: %s; it said:\n%s", cause, s.log())
	}
}

// behave runs an action of the helper and returns the pid that it was.
func behave(t testing.TB, args ...string) int {
	t.Helper()
	return perform(t, exec.Command(built.behave, args...))
}

// perform runs a command to its end and returns its pid. It runs in the root
// folder, so that no recorded log tells where the tests are.
func perform(t testing.TB, command *exec.Cmd) int {
	t.Helper()
	command.Dir = "/"
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", command.Args, err, out)
	}
	return command.Process.Pid
}

// held is a helper that lingers until released.
type held struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	lines   *bufio.Reader
	said    string // its first line
}

// hold starts a command that lingers and waits for its first line.
func hold(t testing.TB, args ...string) *held {
	t.Helper()
	return holdCommand(t, exec.Command(built.behave, args...))
}

func holdCommand(t testing.TB, command *exec.Cmd) *held {
	t.Helper()
	h := &held{command: command}
	h.command.Env = append(os.Environ(), "BEHAVE_LINGER=1")
	h.command.Stderr = os.Stderr
	stdin, err := h.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := h.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.command.Start(); err != nil {
		t.Fatal(err)
	}
	h.stdin = stdin
	t.Cleanup(func() { h.release(t) })
	h.lines = bufio.NewReader(stdout)
	if h.said, err = h.lines.ReadString('\n'); err != nil {
		t.Fatalf("%v: %v", h.command.Args, err)
	}
	return h
}

// release ends the helper.
func (h *held) release(t testing.TB) {
	t.Helper()
	if h.command.ProcessState != nil {
		return
	}
	_ = h.stdin.Close() // the helper sees the end
	if err := h.command.Wait(); err != nil {
		t.Errorf("%v: %v", h.command.Args, err)
	}
}

func (h *held) pid() int { return h.command.Process.Pid }
