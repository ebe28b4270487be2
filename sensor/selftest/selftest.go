// Package selftest performs harmless samples of the behaviour that the shipped
// rule describes, so that a user sees that this host is really watched.
//
// A sample is a child process of the sensor that touches nothing but loopback.
// The sensor knows the child's pid for as long as it holds the child, and marks
// an alert as a test by that alone: nothing that another process can imitate.
package selftest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ChildCommand is the hidden subcommand under which the program runs a sample.
const ChildCommand = "selftest-child"

// discardPort is where samples connect to on loopback. Nothing listens there,
// as a rule, and an attempt counts whatever comes of it.
const discardPort = 9

// Technique is one sample.
type Technique struct {
	// Name is how the command line calls it.
	Name string
	// What says in a few words what the sample does.
	What string
	run  func() error
}

// Techniques lists the samples.
func Techniques() []Technique {
	return []Technique{
		{Name: "connect-setsid", What: "connect to 127.0.0.1, then setsid", run: connectThenSetsid},
	}
}

// Find looks a technique up by name.
func Find(name string) (Technique, error) {
	names := make([]string, 0, 4)
	for _, t := range Techniques() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Technique{}, fmt.Errorf("there is no self-test technique %q; there is: %s", name, strings.Join(names, ", "))
}

// Child is a running sample.
type Child struct {
	// PID is the sample's process. It cannot belong to another process before
	// Stop returns.
	PID     int
	process *os.Process
	stdin   *os.File
	stdout  *os.File
}

// Start makes the child process that will perform a technique, through the
// program itself. It does nothing before Perform and runs until Stop.
func Start(program string, technique Technique) (*Child, error) {
	childIn, stdin, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the self-test: %w", err)
	}
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a pipe for the self-test: %w", err), childIn.Close(), stdin.Close())
	}
	process, err := os.StartProcess(program, []string{"tripline", ChildCommand, technique.Name}, &os.ProcAttr{
		Env: []string{}, Files: []*os.File{childIn, childOut, os.Stderr},
	})
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("starting the self-test: %w", err), stdin.Close(), stdout.Close())
	}
	return &Child{PID: process.Pid, process: process, stdin: stdin, stdout: stdout}, nil
}

// Perform lets the child perform its sample and waits until it has, at most for
// the given time. It returns what went wrong in the sample.
func (c *Child) Perform(limit time.Duration) error {
	if _, err := c.stdin.WriteString("go\n"); err != nil {
		return fmt.Errorf("starting the self-test's sample: %w", err)
	}
	if err := c.stdout.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("waiting for the self-test: %w", err)
	}
	line, err := bufio.NewReader(c.stdout).ReadString('\n')
	if err != nil {
		return fmt.Errorf("waiting for the self-test: %w", err)
	}
	if line = strings.TrimSpace(line); line != "done" {
		return errors.New("the self-test's sample failed: " + line)
	}
	return nil
}

// Stop ends the child and waits for it.
func (c *Child) Stop() error {
	err := errors.Join(c.stdin.Close(), c.stdout.Close(), c.process.Kill())
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	if _, waitErr := c.process.Wait(); waitErr != nil {
		err = errors.Join(err, waitErr)
	}
	if err != nil {
		return fmt.Errorf("ending the self-test: %w", err)
	}
	return nil
}

// RunChild is the body of the hidden subcommand: told so by a line on its
// standard input, it performs the sample, answers with a line, and waits until
// its standard input ends.
func RunChild(name string, in io.Reader, out io.Writer) error {
	technique, err := Find(name)
	if err != nil {
		return err
	}
	lines := bufio.NewReader(in)
	if _, err := lines.ReadString('\n'); err != nil {
		return fmt.Errorf("waiting to be told to begin: %w", err)
	}
	answer := "done"
	if err := technique.run(); err != nil {
		answer = err.Error()
	}
	if _, err := fmt.Fprintln(out, answer); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	if _, err := io.Copy(io.Discard, lines); err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	return nil
}

// connectThenSetsid is the plain form of the behaviour, both calls by the main
// thread's system calls.
func connectThenSetsid() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("making a socket: %w", err)
	}
	loopback := [4]byte(net.IPv4(127, 0, 0, 1).To4())
	// Refused is what is expected, and as good as accepted.
	_ = syscall.Connect(fd, &syscall.SockaddrInet4{Port: discardPort, Addr: loopback})
	if err := syscall.Close(fd); err != nil {
		return fmt.Errorf("closing the socket: %w", err)
	}
	if _, err := syscall.Setsid(); err != nil {
		return fmt.Errorf("setsid: %w", err)
	}
	return nil
}
