package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sensor is a running sensor.
type sensor struct {
	command *exec.Cmd

	mu     sync.Mutex
	alerts []alert
	said   strings.Builder
	// news is told of every change of the above.
	news chan struct{}
	// ended is closed when the sensor's outputs have ended.
	ended chan struct{}
}

// alert is what the steps read of an alert.
type alert struct {
	Event struct {
		Kind string `json:"kind"`
	} `json:"event"`
	Process struct {
		PID        int    `json:"pid"`
		Executable string `json:"executable"`
	} `json:"process"`
	Rule struct {
		ID string `json:"id"`
	} `json:"rule"`
}

// shippedRule is the id of the rule that the steps are about.
const shippedRule = "eb6a3790-d52d-11ec-8ce9-f661ea17fbce"

// launch starts a sensor and does not wait.
func (g *guest) launch(program string, args ...string) (*sensor, error) {
	s := &sensor{
		command: exec.Command(program, append([]string{"run", "--json", "--alert-file="}, args...)...),
		news:    make(chan struct{}, 1), ended: make(chan struct{}),
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	g.started = append(g.started, s.command)
	g.logs = append(g.logs, s.log)
	var read sync.WaitGroup
	read.Go(func() { s.read(stdout, s.addAlert) })
	read.Go(func() { s.read(stderr, func(line string) { s.said.WriteString(line + "\n") }) })
	go func() {
		read.Wait()
		close(s.ended)
	}()
	return s, nil
}

// start starts a sensor and waits until it watches.
func (g *guest) start(program string, args ...string) (*sensor, error) {
	s, err := g.launch(program, args...)
	if err != nil {
		return nil, err
	}
	if !s.await(patience, func() bool { return strings.Contains(s.said.String(), "watching this host") }) {
		return nil, fmt.Errorf("the sensor does not watch: %s", lastLine(s.log()))
	}
	return s, nil
}

// read hands over each line, with the lock held.
func (s *sensor) read(from io.Reader, take func(line string)) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.mu.Lock()
		take(lines.Text())
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

func (s *sensor) addAlert(line string) {
	var one alert
	if err := json.Unmarshal([]byte(line), &one); err != nil {
		s.said.WriteString("standard output has a line that is no JSON: " + line + "\n")
		return
	}
	if one.Rule.ID == shippedRule {
		s.alerts = append(s.alerts, one)
	}
}

// await waits until something is so, which is asked with the lock held; false
// where the sensor ended before or time is up.
func (s *sensor) await(limit time.Duration, so func() bool) bool {
	deadline := time.After(limit)
	for {
		if s.now(so) {
			return true
		}
		select {
		case <-s.news:
		case <-deadline:
			return false
		case <-s.ended:
			return s.now(so)
		}
	}
}

// now asks with the lock held.
func (s *sensor) now(so func() bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return so()
}

// catches waits for the alert of a process.
func (s *sensor) catches(pid int, limit time.Duration) bool {
	return s.await(limit, func() bool {
		return slices.ContainsFunc(s.alerts, func(a alert) bool { return a.Process.PID == pid })
	})
}

// caught says whether the alert of a process has arrived.
func (s *sensor) caught(pid int) bool { return s.catches(pid, 0) }

func (s *sensor) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.String()
}

// stop ends the sensor, which must end well.
func (s *sensor) stop(signal syscall.Signal) error {
	if err := s.command.Process.Signal(signal); err != nil {
		return fmt.Errorf("sending %v to the sensor: %w", signal, err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = s.command.Process.Kill() // the step fails either way
		return fmt.Errorf("the sensor did not end within %v of %v", patience, signal)
	}
	if err := s.command.Wait(); err != nil {
		return fmt.Errorf("the sensor ended badly after %v: %w: %s", signal, err, lastLine(s.log()))
	}
	return nil
}

// kill ends the sensor as a power loss would.
func (s *sensor) kill() {
	_ = s.command.Process.Kill() // it may have ended
	<-s.ended
	_ = s.command.Wait() // killed
}

// held is a program that acts once it is released.
type held struct {
	command *exec.Cmd
	stdin   io.WriteCloser
}

// hold starts a program and waits for its first line. It lives until released.
func (g *guest) hold(args ...string) (*held, error) {
	command := exec.Command(behave, args...)
	command.Env = append(os.Environ(), "BEHAVE_LINGER=1")
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		return nil, errors.Join(fmt.Errorf("behave %s says nothing: %w", strings.Join(args, " "), err), command.Wait())
	}
	return &held{command, stdin}, nil
}

// release lets the program act and waits for its end.
func (h *held) release() error {
	_ = h.stdin.Close() // the program sees the end
	if err := h.command.Wait(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(h.command.Args, " "), err)
	}
	return nil
}

func (h *held) pid() int { return h.command.Process.Pid }

// lastLine is the last line of a text, which is where errors are.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
