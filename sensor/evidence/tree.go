package evidence

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// treeLimit bounds how far up the tree is followed.
const treeLimit = 64

// subject is the process of a request, which is read at once: it may end any moment.
type subject struct {
	Part
	process *Process // nil where it has ended
}

// readSubject reads the process of the request.
func (g *Gatherer) readSubject(request *Request, running bool, part *subject) {
	if !running {
		return
	}
	switch one, err := g.readProcess(request.PID); {
	case errors.Is(err, errEnded):
	case err != nil:
		part.fail("process %d: %v", request.PID, err)
	default:
		part.process = &one
	}
}

// readTree reads the processes from that of the request up to the first one.
func (g *Gatherer) readTree(ctx context.Context, request *Request, from *subject, tree *Tree) {
	tree.begin()
	if tree.Failed = from.Failed; len(tree.Failed) > 0 {
		return
	}
	pid := request.ParentPID
	if from.process != nil {
		tree.Processes = append(tree.Processes, *from.process)
		pid = from.process.ParentPID
	} else {
		tree.Processes = append(tree.Processes, g.fromEvent(request))
		tree.fail("process %d has ended: what is said of it is what its events said", request.PID)
	}
	seen := map[uint32]bool{request.PID: true}
	for pid != 0 && len(tree.Processes) < treeLimit && !seen[pid] {
		if ctx.Err() != nil {
			tree.fail("stopped at process %d: no time was left", pid)
			return
		}
		seen[pid] = true
		one, err := g.readProcess(pid)
		if err != nil {
			tree.fail("process %d: %v", pid, err)
			return
		}
		tree.Processes = append(tree.Processes, one)
		pid = one.ParentPID
	}
}

// fromEvent is a process as its events told of it.
func (g *Gatherer) fromEvent(request *Request) Process {
	one := Process{
		PID: request.PID, ParentPID: request.ParentPID, Source: "event",
		Name: request.Name, Executable: request.Executable, CommandLine: request.CommandLine,
		User: g.user(request.UserID), Login: g.user(request.LoginID),
	}
	return one
}

// errEnded says that a process is not there.
var errEnded = errors.New("has ended")

// readProcess reads one process of the tree.
func (g *Gatherer) readProcess(pid uint32) (Process, error) {
	stat, err := g.proc.stat(pid)
	if gone(err) {
		return Process{}, errEnded
	}
	if err != nil {
		return Process{}, err
	}
	one := Process{
		PID: pid, ParentPID: stat.ppid, Name: stat.name, Leader: stat.session, Start: g.startTime(stat.start),
		User: g.user(g.proc.effectiveUser(pid)), Login: g.user(setOrEmpty(g.proc.text(pid, "loginuid"))),
		Session: setOrEmpty(g.proc.text(pid, "sessionid")), Kernel: stat.flags&kernelThread != 0,
	}
	if stat.terminal != 0 {
		one.Terminal = terminalName(stat.terminal)
	}
	one.Executable, _, _ = g.proc.executable(pid) // a kernel thread has none
	one.CommandLine, err = g.proc.commandLine(pid)
	one.Directory, _ = g.proc.link(pid, "cwd") // missing where it cannot be read
	if err != nil && !gone(err) {
		return one, fmt.Errorf("its command line: %w", err)
	}
	return one, nil
}

// terminalName names a terminal by its device number: pseudo terminals have the
// major numbers 136 to 143, consoles 4, see the kernel's
// Documentation/admin-guide/devices.txt.
func terminalName(device uint64) string {
	major, minor := device>>8&0xfff, device&0xff|device>>12&0xfff00
	switch {
	case major >= 136 && major <= 143:
		return "pts/" + strconv.FormatUint((major-136)<<8|minor, 10)
	case major == 4 && minor < 64:
		return "tty" + strconv.FormatUint(minor, 10)
	case major == 4:
		return "ttyS" + strconv.FormatUint(minor-64, 10)
	default:
		return fmt.Sprintf("%d:%d", major, minor)
	}
}

// startTime is the time of a number of clock ticks after boot; a tick is 10 ms
// for programs on every architecture that Go runs on.
func (g *Gatherer) startTime(ticks uint64) time.Time {
	boot := g.bootTime()
	if boot.IsZero() {
		return time.Time{}
	}
	return boot.Add(time.Duration(ticks) * 10 * time.Millisecond).UTC().Truncate(time.Second)
}

// user is a user by its number, nil for none.
func (g *Gatherer) user(id string) *User {
	if id == "" {
		return nil
	}
	return &User{ID: id, Name: g.users.name(id)}
}
