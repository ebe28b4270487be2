package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// noSuchWay is the exit code of behave where the kernel has no such way.
const noSuchWay = 77

// way is one form of the behaviour that the shipped rule describes.
type way struct {
	name, program string
	args          []string
	// blind are the words by which the sensor names the blind spot that this way
	// may be; empty for ways that must be caught on every kernel that has them.
	blind string
}

func ways() []way {
	return []way{
		{"IPv4", behave, []string{"connect-setsid"}, ""},
		{"IPv6", behave, []string{"connect-setsid", "[::1]:9"}, ""},
		{"not blocking", behave, []string{"nonblocking-setsid"}, ""},
		{"in a thread", behave, []string{"thread-setsid"}, ""},
		{"32-bit program", behave32, []string{"connect-setsid"}, ""},
		{"int80 connect", behave, []string{"int80-setsid", "connect"}, ""},
		{"int80 socketcall", behave, []string{"int80-setsid", "socketcall"}, ""},
		{"x32", behave, []string{"x32-setsid"}, "by x32 programs"},
		{"fast open sendto", behave, []string{"fastopen-setsid", "sendto"}, ""},
		{"fast open sendmsg", behave, []string{"fastopen-setsid", "sendmsg"}, ""},
		{"fast open sendmmsg", behave, []string{"fastopen-setsid", "sendmmsg"}, ""},
		{"io_uring", behave, []string{"iouring-setsid", "plain"}, "connections through io_uring"},
		{"io_uring async", behave, []string{"iouring-setsid", "async"}, "connections through io_uring"},
		{"io_uring sqpoll", behave, []string{"iouring-setsid", "sqpoll"}, "connections through io_uring"},
	}
}

// catchSteps run a sensor over several steps: what it catches, what it must
// leave alone, and that it puts everything back.
func catchSteps(program, suffix string, few bool) []step {
	steps := []step{{name: "watch" + suffix, run: func(g *guest) (err error) {
		g.sensor, err = g.start(program)
		return err
	}}}
	for i, w := range ways() {
		if few && i > 5 {
			break
		}
		steps = append(steps, step{name: "catch " + w.name + suffix, run: w.try})
	}
	return append(steps,
		step{name: "silent" + suffix, run: silent},
		step{name: "restore" + suffix, run: func(g *guest) error {
			if g.sensor == nil {
				return errNoSensor
			}
			stopping := g.sensor
			g.sensor = nil
			return stopping.stop(syscall.SIGTERM)
		}})
}

var errNoSensor = errors.New("the sensor did not start")

// try performs the behaviour in this way and waits for the alert.
func (w way) try(g *guest) error {
	if g.sensor == nil {
		return errNoSensor
	}
	if w.name == "IPv6" && !hasIPv6() {
		return skipError("this machine has no IPv6")
	}
	done, err := g.run(w.program, w.args...)
	if refused(err) {
		return skipError("this kernel runs no 32-bit programs")
	}
	if err != nil {
		return err
	}
	if done.code == noSuchWay {
		return skipError(lastLine(done.err))
	}
	if done.code != 0 {
		return fmt.Errorf("behave: %s", lastLine(done.err))
	}
	limit := patience / 6
	if w.blind != "" && strings.Contains(g.blind, w.blind) {
		limit = patience / 30
	}
	switch {
	case g.sensor.catches(done.pid, limit):
		return nil
	case w.blind != "" && strings.Contains(g.blind, w.blind):
		if w.args[0] == "iouring-setsid" {
			if err := g.sensor.says("ring_unseen:"+w.program, "raised"); err != nil {
				return err
			}
		}
		return blindError("not caught, and named by tripline check")
	}
	return errors.New("no alert")
}

// silent performs what only looks like the behaviour. One that is caught comes
// last: when its alert is there, the others would be too.
func silent(g *guest) error {
	if g.sensor == nil {
		return errNoSensor
	}
	pids := map[int]string{}
	var all []*held
	defer func() {
		for _, one := range all {
			_ = one.release() // what it did is over
		}
	}()
	for _, args := range [][]string{
		{"setsid-connect"}, {"connect-fork"}, {"connect-failed"}, {"unix-setsid"}, {"udp-setsid"}, {"setsid"},
	} {
		// It lives until the sensor has looked: of a datagram socket that is
		// closed already nobody can tell what it was.
		held, err := g.hold(args...)
		if err != nil {
			return err
		}
		all = append(all, held)
		pids[held.pid()] = args[0]
	}
	command := exec.Command(behave, "connect-setsid")
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	done, err := g.doCommand(command)
	if err != nil {
		return err
	}
	pids[done.pid] = "connect-setsid as another user"
	last, err := g.do(behave, "connect-setsid")
	if err != nil {
		return err
	}
	if !g.sensor.catches(last.pid, patience) {
		return errors.New("no alert for what must be caught")
	}
	for pid, what := range pids {
		if g.sensor.caught(pid) {
			return fmt.Errorf("an alert was raised for %s", what)
		}
	}
	return nil
}

// plan asks what kernel rules the sensor would install here, and keeps what it
// names as blind spots.
func plan(g *guest) error {
	done, err := g.do(tripline, "check", "--json")
	if err != nil {
		return err
	}
	var planned struct {
		KernelRules []struct {
			Line string `json:"line"`
		} `json:"kernel_rules"`
		Unmet      []string          `json:"unmet"`
		BlindSpots []json.RawMessage `json:"blind_spots"`
	}
	if err := json.Unmarshal([]byte(done.out), &planned); err != nil {
		return fmt.Errorf("tripline check --json: %w", err)
	}
	lines := ""
	for _, rule := range planned.KernelRules {
		lines += rule.Line + "\n"
	}
	for _, call := range []string{"connect", "setsid", "arch=b64", "arch=b32"} {
		if !strings.Contains(lines, call) {
			return fmt.Errorf("no kernel rule has %s:\n%s", call, lines)
		}
	}
	for _, spot := range planned.BlindSpots {
		g.blind += string(spot) + "\n"
	}
	g.blind += strings.Join(planned.Unmet, "\n")
	return nil
}
