package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// guardRestart is how long to wait before a guard that died is replaced.
	guardRestart = time.Second
	// guardEnd is how long a guard may take to end.
	guardEnd = 2 * time.Second
)

// guardProcess is a guard over this process, kept running until closed.
type guardProcess struct {
	program []string
	notify  func(string)
	closing chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	command *exec.Cmd
	alive   io.Closer
}

// startGuard starts the program with this process's id as last argument. It has
// a process group of its own: what stops the sensor's must not stop it.
func startGuard(program []string, notify func(string)) (*guardProcess, error) {
	g := &guardProcess{program: program, notify: notify, closing: make(chan struct{}), ended: make(chan struct{})}
	if err := g.start(); err != nil {
		return nil, err
	}
	go g.keep()
	return g, nil
}

func (g *guardProcess) start() error {
	command := exec.Command(g.program[0], append(g.program[1:len(g.program):len(g.program)], strconv.Itoa(os.Getpid()))...)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := command.StdinPipe()
	if err != nil {
		return fmt.Errorf("making the guard's pipe: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting the guard that keeps audited processes from waiting: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.command, g.alive = command, alive
	return nil
}

// keep replaces a guard that has died.
func (g *guardProcess) keep() {
	defer close(g.ended)
	for {
		err := g.command.Wait()
		select {
		case <-g.closing:
			return
		default:
		}
		g.notify(fmt.Sprintf("the guard has ended (%v) and is started again", err))
		for again := errors.New("not yet"); again != nil; again = g.start() {
			select {
			case <-g.closing:
				return
			case <-time.After(guardRestart):
			}
		}
	}
}

// close ends the guard.
func (g *guardProcess) close() error {
	close(g.closing)
	g.mu.Lock()
	alive, process := g.alive, g.command.Process
	g.mu.Unlock()
	_ = alive.Close() // closed already where the guard has died
	select {
	case <-g.ended:
		return nil
	case <-time.After(guardEnd):
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending the guard: %w", err)
	}
	<-g.ended
	return nil
}
