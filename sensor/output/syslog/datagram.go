package syslog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output"
)

// Options say where messages go.
type Options struct {
	// Network is "unix", "udp", "tcp" or "tls"; Address is a path, or host:port.
	Network, Address string
	Origin           Origin
	// MaxMessage is the size of the largest message that the receiver takes.
	MaxMessage int
	// Log is told what goes wrong, and when it works again.
	Log hclog.Logger
}

// name is the receiver's as in the configuration.
func (o *Options) name() string { return "syslog " + o.Network + "://" + o.Address }

const (
	// connectPatience bounds how long connecting may take.
	connectPatience = 10 * time.Second
	// writePatience bounds how long a local receiver may take to make room before
	// the message counts as one more attempt.
	writePatience = 5 * time.Second
	// retryPause is the pause after an attempt that failed.
	retryPause = time.Second
	// smallest is the size below which a message is not reduced to pass a network
	// that refuses large ones: what every receiver takes by RFC 5426, section 3.2.
	smallest = 480
)

// Local is an output over a Unix socket or UDP. It keeps nothing on the disk: a
// message counts as written when the kernel has taken it. While the receiver is
// not there, messages wait in the queue.
type Local struct {
	options    Options
	encoder    encoder
	connection net.Conn
	stream     bool   // messages end with a line ending
	sent       uint64 // messages

	retried, reduced, rejected atomic.Uint64
	trouble                    atomic.Pointer[string]
}

var (
	_ output.Writer  = (*Local)(nil)
	_ output.Counted = (*Local)(nil)
)

// NewLocal makes the output; it connects with the first message.
func NewLocal(options Options) *Local {
	return &Local{options: options, encoder: encoder{origin: options.Origin, limit: options.MaxMessage}}
}

// Name implements output.Writer.
func (l *Local) Name() string { return l.options.name() }

// Counters implements output.Counted.
func (l *Local) Counters() output.Counters {
	counters := output.Counters{Retried: l.retried.Load(), Reduced: l.reduced.Load(), Rejected: l.rejected.Load()}
	if trouble := l.trouble.Load(); trouble != nil {
		counters.Trouble = *trouble
	}
	return counters
}

// Write implements output.Writer.
func (l *Local) Write(ctx context.Context, document output.Document) error {
	defer func() { l.encoder.limit = l.options.MaxMessage }()
	l.sent++
	for {
		message, reduced, err := l.encoder.encode(&document, l.sent)
		if err != nil {
			return fmt.Errorf("sending to %s: %w", l.Name(), err)
		}
		err = l.send(ctx, message)
		switch {
		case err == nil:
			if reduced {
				l.reduced.Add(1)
			}
			l.sayWell()
			return nil
		case errors.Is(err, syscall.EMSGSIZE) && len(message) > smallest:
			l.encoder.limit = max(smallest, len(message)*3/4) // the network or the socket takes less
			continue
		}
		l.say(err)
		l.disconnect()
		timer := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("giving up on a message to %s: %w", l.Name(), err)
		case <-timer.C:
		}
		l.retried.Add(1)
	}
}

// send sends one message.
func (l *Local) send(ctx context.Context, message []byte) error {
	if l.connection == nil {
		if err := l.connect(ctx); err != nil {
			return err
		}
	}
	if l.stream {
		message = append(message, '\n')
	}
	stop := context.AfterFunc(ctx, func() { _ = l.connection.SetWriteDeadline(time.Unix(1, 0)) }) // the write fails then
	defer stop()
	if err := l.connection.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	_, err := l.connection.Write(message)
	if errors.Is(err, syscall.ECONNREFUSED) && l.options.Network == "udp" {
		_, err = l.connection.Write(message) // the refusal is of an earlier message
	}
	if err != nil {
		return fmt.Errorf("sending a message: %w", err)
	}
	return nil
}

// connect connects; a Unix socket may be for datagrams, as /dev/log usually is,
// or for streams.
func (l *Local) connect(ctx context.Context) error {
	dialer := net.Dialer{Timeout: connectPatience}
	networks := []string{"udp"}
	if l.options.Network == "unix" {
		networks = []string{"unixgram", "unix"}
	}
	var err error
	for _, network := range networks {
		l.connection, err = dialer.DialContext(ctx, network, l.options.Address)
		if err == nil {
			l.stream = network == "unix"
			return nil
		}
		l.connection = nil
		if !errors.Is(err, syscall.EPROTOTYPE) {
			break
		}
	}
	return fmt.Errorf("connecting: %w", err)
}

func (l *Local) disconnect() {
	if l.connection != nil {
		_ = l.connection.Close() // it failed already
		l.connection = nil
	}
}

// say tells once what is wrong.
func (l *Local) say(err error) {
	text := err.Error()
	if l.trouble.Swap(&text) == nil {
		l.options.Log.Error("delivery fails; messages wait in memory and are dropped when that is full", "output", l.Name(), "error", err)
	}
}

// sayWell tells that what was wrong is over.
func (l *Local) sayWell() {
	if l.trouble.Swap(nil) != nil {
		l.options.Log.Info("delivery works again", "output", l.Name())
	}
}

// Close implements output.Writer.
func (l *Local) Close() error {
	l.disconnect()
	return nil
}
