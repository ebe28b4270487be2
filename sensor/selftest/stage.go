package selftest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tripline/sensor/selftest/ways"
)

// stage is what a sample has while it is performed.
type stage struct {
	technique Technique
	// folder is the sample's own, empty for techniques without.
	folder string
	in     *bufio.Reader
	out    io.Writer
}

// RunChild is the body of the hidden subcommand: told so by a line on its
// standard input, it performs its part of a sample, answers with a line, and
// waits until its standard input ends. The arguments are the technique, the
// sample's folder, the part, and whatever the part takes.
func RunChild(args []string, in io.Reader, out io.Writer) error {
	if len(args) < 3 {
		return errors.New("a technique, a folder and a part are needed; this command is for the self-test alone")
	}
	technique, err := Find(args[0])
	if err != nil {
		return err
	}
	s := &stage{technique: technique, folder: args[1], in: bufio.NewReader(in), out: out}
	run, began := s.part(args[2])
	if run == nil {
		return fmt.Errorf("the technique %s has no part %q", technique.Name, args[2])
	}
	if !began {
		if err := s.awaitGo(); err != nil {
			return err
		}
	}
	if err := s.answer(run(s)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, s.in); err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	return nil
}

// The parts that a process of a sample can play beside the first, which has no
// name.
const (
	partAct           = "act" // the sample's own process, in another program
	partConnect       = "connect"
	partSetsid        = "setsid"
	partConnectSetsid = "connect-setsid"
	partGiven         = "connect-given-setsid"
	partReceived      = "connect-received-setsid"
	partSetuid        = "setuid-connect-setsid"
)

// part finds what a process is to do, and says whether it was told to go before
// it became this program.
func (s *stage) part(name string) (run func(*stage) error, began bool) {
	switch name {
	case "":
		return s.technique.run, false
	case partAct:
		return s.technique.act, true
	case partConnect:
		return func(*stage) error { return connect4() }, false
	case partSetsid:
		return func(*stage) error { return ways.Setsid() }, false
	case partConnectSetsid:
		return func(*stage) error { return connectSetsid() }, false
	case partGiven:
		return func(*stage) error { return attemptSetsid(firstFile) }, false
	case partReceived:
		return func(*stage) error { return receivedSetsid() }, false
	case partSetuid:
		return func(*stage) error { return setuidSetsid() }, false
	}
	return nil, false
}

// awaitGo waits to be told to go.
func (s *stage) awaitGo() error {
	if _, err := s.in.ReadString('\n'); err != nil {
		return fmt.Errorf("waiting to be told to go: %w", err)
	}
	return nil
}

// answer tells who started the process how its part went.
func (s *stage) answer(err error) error {
	text := wordDone
	if err != nil {
		text = strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	if reason, cut := strings.CutPrefix(text, ways.ErrImpossible.Error()+": "); cut {
		text = wordImpossible + reason
	} else if errors.Is(err, ways.ErrImpossible) {
		text = wordImpossible + text
	}
	if _, err := fmt.Fprintln(s.out, text); err != nil {
		return fmt.Errorf("answering: %w", err)
	}
	return nil
}

// announce says that another process will act, and waits until that is known.
func (s *stage) announce(pid int) error {
	if _, err := fmt.Fprintln(s.out, wordProcess+strconv.Itoa(pid)); err != nil {
		return fmt.Errorf("announcing a process: %w", err)
	}
	return s.awaitGo()
}

// become goes on as the program at a path, whose act the technique has, with
// further arguments.
func (s *stage) become(path string, more ...string) error {
	return ways.Become(path, append(arguments(s.technique, s.folder, partAct), more...))
}

// actor starts another process of the sample, which is announced and waits to be
// told to go.
func (s *stage) actor(part string, attributes *syscall.SysProcAttr, files ...*os.File) (*Child, error) {
	program := ways.Self
	if attributes != nil && attributes.Credential != nil {
		program = programFile
	}
	child, err := launch(program, arguments(s.technique, s.folder, part), attributes, files)
	if err != nil {
		return nil, err
	}
	return child, s.announce(child.PID)
}

// partLimit is how long one part of a sample may take.
const partLimit = 20 * time.Second

// play lets an actor do its part.
func (c *Child) play() error {
	return c.Perform(context.Background(), partLimit, func(int) {})
}

// alone starts an actor and lets it do its part. It lives on until the sample
// ends.
func (s *stage) alone(part string, attributes *syscall.SysProcAttr, files ...*os.File) error {
	child, err := s.actor(part, attributes, files...)
	if err != nil {
		return err
	}
	return child.play()
}

// playing is alone as a step of others.
func (s *stage) playing(part string) func() error {
	return func() error { return s.alone(part, nil) }
}

// inTurn takes steps until one fails.
func inTurn(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
