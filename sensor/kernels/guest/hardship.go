package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/auditrules/kernel"
)

// besideDaemon runs beside a process that owns the audit socket. A kernel that
// multicasts lets the sensor listen; on another the sensor must say that it
// cannot, rather than hear nothing.
func besideDaemon(g *guest) error {
	daemon, err := g.hold("hold")
	if err != nil {
		return err
	}
	if err := setEnabled(1); err != nil {
		return err
	}
	before, err := readState()
	if err != nil {
		return err
	}
	result := g.listenBeside(daemon)
	after, err := readState()
	if err == nil && !after.equal(before) {
		err = errors.New("the daemon's settings or rules changed")
	}
	return errors.Join(result, err, setEnabled(0), daemon.release())
}

func (g *guest) listenBeside(daemon *held) error {
	s, err := g.launch(tripline)
	if err != nil {
		return err
	}
	if !s.await(patience, func() bool { return strings.Contains(s.said.String(), "watching this host") }) {
		<-s.ended
		_ = s.command.Wait() // its exit code is looked at
		said := s.log()
		if s.command.ProcessState.ExitCode() == 0 || !strings.Contains(said, "multicast") {
			return fmt.Errorf("beside a daemon the sensor ended with code %d: %s", s.command.ProcessState.ExitCode(), lastLine(said))
		}
		return nil
	}
	status, err := readState()
	if err == nil && int(status.status.PID) != daemon.pid() {
		err = fmt.Errorf("the audit socket is no longer the daemon's but of process %d", status.status.PID)
	}
	done, behaveErr := g.do(behave, "connect-setsid")
	if behaveErr == nil && !s.catches(done.pid, patience/3) {
		err = errors.Join(err, errors.New("the sensor watches beside a daemon and catches nothing"))
	}
	return errors.Join(err, behaveErr, s.stop(terminate))
}

func setEnabled(value uint32) error {
	return withClient(func(client *kernel.Client) error { return client.Set(kernel.SettingEnabled, value) })
}

// neverTask has the rule by which distributions switch system call auditing off.
// Processes born under it are never recorded: the self-test must not claim
// otherwise, and doctor names the rule.
func neverTask(g *guest) error {
	remove, err := addRule("-a never,task")
	if err != nil {
		return err
	}
	done, err := g.run(tripline, "selftest", "--json")
	detected := strings.Contains(done.out, `"detected":true`)
	if err == nil && done.code != 0 == detected {
		err = fmt.Errorf("selftest ended with code %d: %s%s", done.code, done.out, done.err)
	}
	var named error
	if !detected {
		named = g.doctorNames("never,task")
	}
	return errors.Join(err, remove(), named)
}

// Kernels on which a wait time of 0 has no effect, although it can be set.
func waitTimeIneffective(release string) bool {
	return strings.HasPrefix(release, "3.16.") || strings.HasPrefix(release, "4.9.")
}

// floodSize is more connects than the small buffers below have room for.
const floodSize = 4000

// smallBuffers is a configuration under which records are lost soon.
func smallBuffers() (path string, err error) {
	path = "/tmp/small.toml"
	text := "[kernel]\nbacklog_limit = 64\nreceive_buffer = \"64KiB\"\n"
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// stoppedSensor stops a sensor that has little room, and sees that another
// process makes all its connects nevertheless; and that the sensor says what it
// lost once it goes on.
func stoppedSensor(g *guest) error {
	config, err := smallBuffers()
	if err != nil {
		return err
	}
	s, err := g.start(tripline, "--config", config)
	if err != nil {
		return err
	}
	if err := s.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	flood := exec.Command(behave, "flood", strconv.Itoa(floodSize))
	ended := make(chan error, 1)
	if err := flood.Start(); err != nil {
		return err
	}
	g.started = append(g.started, flood)
	go func() { ended <- flood.Wait() }()
	select {
	case err = <-ended:
	case <-time.After(patience):
		return g.endFreeze(s, ended)
	}
	if err := errors.Join(err, s.command.Process.Signal(syscall.SIGCONT)); err != nil {
		return err
	}
	said := func() bool {
		return strings.Contains(s.said.String(), "lost") || strings.Contains(s.said.String(), "events are missing")
	}
	if !s.await(patience, said) {
		err = errors.New("the sensor does not say that records were lost")
	}
	return errors.Join(err, s.stop(terminate))
}

// endFreeze kills a stopped sensor that holds up another process, which must
// then go on. On kernels that offer no better this is all that can be done.
func (g *guest) endFreeze(s *sensor, ended <-chan error) error {
	state, err := readState()
	if err != nil {
		return err
	}
	s.kill()
	select {
	case err = <-ended:
	case <-time.After(patience):
		return errors.New("another process hangs, even after the sensor was killed")
	}
	_, removeErr := g.do(tripline, "rules", "remove")
	if err := errors.Join(err, removeErr); err != nil {
		return err
	}
	release := strings.TrimSpace(readText("/proc/sys/kernel/osrelease"))
	if state.status.Features&kernel.FeatureBacklogWaitTime == 0 || waitTimeIneffective(release) {
		return skipError("this kernel makes processes wait for a stopped receiver; killing it freed them")
	}
	return errors.New("a stopped sensor held up another process until it was killed")
}

// failurePanic lets the sensor lose records where the kernel is set to panic for
// that: the machine must live.
func failurePanic(g *guest) error {
	if err := setFailure(2); err != nil {
		return err
	}
	before, err := readState()
	if err != nil {
		return err
	}
	config, err := smallBuffers()
	if err != nil {
		return err
	}
	s, err := g.start(tripline, "--config", config)
	if err != nil {
		return err
	}
	during, err := readState()
	if err == nil && during.status.Failure == 2 {
		// Losing records now would end the machine, and with it all other steps.
		err = errors.New("the kernel would panic when the sensor is too slow (failure=2)")
	} else if err == nil {
		err = g.lose(s)
	}
	err = errors.Join(err, s.stop(terminate))
	after, stateErr := readState()
	if stateErr == nil && !after.equal(before) {
		stateErr = fmt.Errorf("kernel audit was %s and is %s", before, after)
	}
	return errors.Join(err, stateErr, setFailure(g.before.status.Failure))
}

// lose stops the sensor until records were lost.
func (g *guest) lose(s *sensor) error {
	if err := s.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	// Where the kernel makes the process wait, this fails, and that is the
	// business of another step.
	_, _ = g.do(behave, "flood", strconv.Itoa(floodSize))
	return s.command.Process.Signal(syscall.SIGCONT)
}

// lockedWithout locks audit while it has no rules. The sensor must say so and
// what to do.
func lockedWithout(g *guest) error {
	if err := setEnabled(2); err != nil {
		return err
	}
	var failures []error
	for _, args := range [][]string{{"run", "--alert-file="}, {"selftest"}} {
		done, err := g.run(tripline, args...)
		if err == nil && (done.code == 0 || !strings.Contains(done.err, "locked") || !strings.Contains(done.err, "rules.d")) {
			err = fmt.Errorf("%s ended with code %d: %s", args[0], done.code, done.err)
		}
		failures = append(failures, err)
	}
	return errors.Join(append(failures, g.doctorNames("locked"))...)
}

// lockedWith locks audit while a sensor runs. That one ends well and says that
// its rules stay; the next watches with them, and changes nothing.
func lockedWith(g *guest) error {
	s, err := g.start(tripline)
	if err != nil {
		return err
	}
	if err := s.firstLook(); err != nil {
		return err
	}
	if err := setEnabled(2); err != nil {
		return err
	}
	before, err := readState()
	if err != nil {
		return err
	}
	if err := s.says("audit_locked", "raised"); err != nil {
		return err
	}
	if err := s.stop(terminate); err != nil {
		return err
	}
	if !strings.Contains(s.log(), "stays until the next boot") {
		return errors.New("the sensor does not say that what it changed stays")
	}
	failure := g.runAndCatch()
	after, err := readState()
	before.status.PID = 0
	if err == nil && !after.equal(before) {
		err = fmt.Errorf("locked kernel audit was %s and is %s", before, after)
	}
	return errors.Join(failure, err)
}

// says waits until the sensor has told of a health condition.
func (s *sensor) says(id, state string) error {
	line := "health=" + id + " state=" + state
	if !s.await(patience, func() bool { return strings.Contains(s.said.String(), line) }) {
		return fmt.Errorf("the sensor does not say %s", line)
	}
	return nil
}

// firstLook waits until a sensor that has just begun has looked at what is usual
// here: what is changed before that is taken for usual. It tells of auditing that
// was switched off at once.
func (s *sensor) firstLook() error {
	return errors.Join(setEnabled(0), s.says("auditing_off", "raised"), setEnabled(1), s.says("auditing_off", "cleared"))
}

// worseSettings makes settings worse while a sensor runs, which must say so.
func worseSettings(g *guest) error {
	s, err := g.start(tripline)
	if err != nil {
		return err
	}
	if err := s.firstLook(); err != nil {
		return err
	}
	during, err := readState()
	if err != nil {
		return err
	}
	settings := []struct {
		setting kernel.Setting
		worse   uint32
	}{
		{kernel.SettingFailure, 2}, {kernel.SettingRateLimit, 5000}, {kernel.SettingBacklogLimit, during.status.BacklogLimit / 2},
	}
	if during.status.Features&kernel.FeatureBacklogWaitTime != 0 {
		settings = append(settings, struct {
			setting kernel.Setting
			worse   uint32
		}{kernel.SettingBacklogWaitTime, 500})
	}
	for _, one := range settings {
		set := func(value uint32) error {
			return withClient(func(client *kernel.Client) error { return client.Set(one.setting, value) })
		}
		id := "setting_changed:" + one.setting.String()
		err = errors.Join(err, set(one.worse), s.says(id, "raised"), set(one.setting.Of(during.status)), s.says(id, "cleared"))
	}
	return errors.Join(err, s.stop(terminate))
}

// setClock sets the clock an hour forward and back while a sensor runs. It must
// say so each time, and go on.
func setClock(g *guest) error {
	s, err := g.start(tripline)
	if err != nil {
		return err
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		err = errors.Join(err, s.noticesClock(by))
	}
	done, behaveErr := g.do(behave, "connect-setsid")
	if behaveErr == nil && !s.catches(done.pid, patience) {
		err = errors.Join(err, errors.New("no alert after the clock was set"))
	}
	return errors.Join(err, behaveErr, s.stop(terminate))
}

// noticesClock sets the clock and expects the sensor to say so. The sensor looks
// every few seconds, for the first time soon after it says that it watches; a
// change before that it cannot notice, so that this tries again.
func (s *sensor) noticesClock(by time.Duration) error {
	const attempts, each = 4, 20 * time.Second
	for range attempts {
		before := strings.Count(s.log(), "health=clock_jump state=raised")
		when := syscall.NsecToTimeval(time.Now().Add(by).UnixNano())
		if err := syscall.Settimeofday(&when); err != nil {
			return fmt.Errorf("setting the clock by %v: %w", by, err)
		}
		if s.await(each, func() bool {
			return strings.Count(s.said.String(), "health=clock_jump state=raised") > before
		}) {
			return nil
		}
	}
	return fmt.Errorf("the sensor does not say that the clock was set by %v", by)
}

// refusesOff expects a command to say that audit is switched off.
func refusesOff(args ...string) func(*guest) error {
	return func(g *guest) error {
		done, err := g.run(tripline, args...)
		if err == nil && (done.code == 0 || !strings.Contains(done.err, "audit=0")) {
			err = fmt.Errorf("%s ended with code %d: %s", args[0], done.code, done.err)
		}
		return err
	}
}

func setFailure(value uint32) error {
	return withClient(func(client *kernel.Client) error { return client.Set(kernel.SettingFailure, value) })
}
