package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pipeSize is the size in bytes that is asked for where the dispatcher
	// writes into a pipe: room for a burst, so that it does not wait for us.
	pipeSize = 1 << 20
	// returnInterval is how often a dispatcher's socket that went away is looked
	// for.
	returnInterval = time.Second
)

// AudispOptions say where an audit daemon's dispatcher is.
type AudispOptions struct {
	// Socket is the path of its Unix socket (the plugin builtin_af_unix). Empty
	// means that the dispatcher started this process and writes to its standard
	// input.
	Socket string
	// Input is standard input; it is not closed.
	Input *os.File
	// Notify is told in a sentence when the dispatcher goes away and comes back.
	Notify func(string)
}

// AudispSource is a Source of the records that an audit daemon hands to its
// plugins: lines of text (format = string) or framed messages (format = binary).
type AudispSource struct {
	options AudispOptions
	waker   *waker
	holder  *HeldError
	fd      int
	next    time.Time // of the next attempt to connect
	stream  dispatched
	ended   bool
	count   counters
}

var _ Live = (*AudispSource)(nil)

// ErrTerminal says that standard input, on which an audit daemon's records are
// expected, is a terminal.
var ErrTerminal = errors.New("standard input is a terminal: this mode is for a program that the audit daemon starts as its plugin")

// OpenAudisp connects to a dispatcher. Its socket must exist; later it may go
// away and come back. On standard input the end is io.EOF.
func OpenAudisp(options AudispOptions) (*AudispSource, error) {
	a := &AudispSource{options: options, fd: -1}
	var err error
	if a.waker, err = newWaker(); err != nil {
		return nil, err
	}
	if options.Socket == "" {
		a.fd = int(options.Input.Fd())
		if _, err := unix.IoctlGetTermios(a.fd, unix.TCGETS); err == nil {
			return nil, errors.Join(ErrTerminal, a.waker.close())
		}
		// A socket, or a kernel before 2.6.35, has no such size.
		_, _ = unix.FcntlInt(uintptr(a.fd), unix.F_SETPIPE_SZ, pipeSize)
		a.stream = newDispatched(&a.count)
		return a, nil
	}
	if err := a.connect(); err != nil {
		return nil, errors.Join(err, a.waker.close())
	}
	return a, nil
}

// connect connects to the dispatcher's socket.
func (a *AudispSource) connect() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening a Unix socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: a.options.Socket}); err != nil {
		err = fmt.Errorf("connecting to the audit dispatcher at %s (its plugin builtin_af_unix must be active): %w", a.options.Socket, err)
		return errors.Join(err, unix.Close(fd))
	}
	a.fd, a.stream = fd, newDispatched(&a.count)
	return nil
}

// Receive implements Source.
func (a *AudispSource) Receive(wait time.Duration) ([]Message, error) {
	deadline := deadlineAfter(wait)
	for !a.waker.interrupted.Load() {
		if a.ended {
			return nil, io.EOF
		}
		until := deadline
		if a.fd < 0 {
			until = sooner(deadline, a.next)
		}
		ready, woken, err := a.waker.wait(a.fd, until)
		if err != nil {
			return nil, err
		}
		if ready {
			if messages, err := a.read(); err != nil || len(messages) > 0 {
				return messages, err
			}
		}
		a.reconnect()
		if (woken || past(deadline)) && !a.waker.interrupted.Load() {
			return nil, nil
		}
	}
	return nil, ErrInterrupted
}

// read reads once what is there, or finds that the stream has ended.
func (a *AudispSource) read() ([]Message, error) {
	n, err := a.stream.fill(fdReader(a.fd))
	switch {
	case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
		return nil, nil
	case err != nil && a.options.Socket == "":
		return nil, fmt.Errorf("reading audit records from standard input: %w", err)
	case err != nil || n == 0:
		return a.end(), nil
	}
	if err := a.stream.split(); err != nil {
		return nil, err
	}
	return a.stream.messages, nil
}

// end is called when the stream has ended: for good on standard input, until the
// daemon is back on a socket. It hands out a last line without an ending.
func (a *AudispSource) end() []Message {
	torn := a.stream.rest()
	if a.options.Socket == "" {
		a.ended = true
	} else {
		_ = unix.Close(a.fd) // only read
		a.fd, a.next = -1, time.Now().Add(returnInterval)
		a.options.Notify("the audit dispatcher closed " + a.options.Socket + ": nothing is received until it is back")
	}
	if !torn {
		return nil
	}
	return a.stream.messages
}

// reconnect connects again to a socket that went away, when it is time.
func (a *AudispSource) reconnect() {
	if a.fd >= 0 || time.Now().Before(a.next) {
		return
	}
	if a.connect() != nil {
		a.next = time.Now().Add(returnInterval)
		return
	}
	a.options.Notify("the audit dispatcher is back at " + a.options.Socket)
}

// Interrupt implements Source.
func (a *AudispSource) Interrupt() { a.waker.interrupt() }

// Wake implements Live.
func (a *AudispSource) Wake() { a.waker.wake() }

// Mode implements Live.
func (a *AudispSource) Mode() Mode { return Audisp }

// Holder implements Live.
func (a *AudispSource) Holder() *HeldError { return a.holder }

// Changes implements Live: there are none.
func (a *AudispSource) Changes() []Change { return nil }

// Stats implements Source.
func (a *AudispSource) Stats() Stats { return a.count.stats() }

// Close implements Source. Standard input stays open.
func (a *AudispSource) Close() error {
	failures := []error{a.waker.close()}
	if a.options.Socket != "" && a.fd >= 0 {
		if err := unix.Close(a.fd); err != nil {
			failures = append(failures, fmt.Errorf("closing the audit dispatcher's socket: %w", err))
		}
	}
	return errors.Join(failures...)
}

// fdReader reads a file descriptor with read(2), once a call. The end is no
// error but no bytes.
type fdReader int

// Read implements io.Reader.
func (f fdReader) Read(p []byte) (int, error) {
	n, err := unix.Read(int(f), p)
	return max(n, 0), err
}
