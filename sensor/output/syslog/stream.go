package syslog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"
	"unsafe"

	"tripline/sensor/output"
	"tripline/sensor/output/secure"
)

// StreamOptions are those of TCP and TLS.
type StreamOptions struct {
	Options
	// TLS names the files for the network "tls".
	TLS secure.Files
	// Confirm ends the connection after each batch and takes the batch for
	// delivered when the receiver has ended it too, which it does when it has read
	// everything.
	Confirm bool
	// Settle is for how long a connection is left alone, after the receiver's kernel
	// has acknowledged a batch, before it is ended. A receiver that stops meanwhile
	// and has read everything confirms it by that, so that only one that stops
	// between reading the batch and reading its end gets it twice. And receivers that
	// cannot bear that a connection ends while they open files are spared: the OpenSSL
	// driver of rsyslog closed descriptors twice until 2025
	// (github.com/rsyslog/rsyslog/pull/6375).
	Settle time.Duration
}

// Stream sends over TCP or TLS. Syslog has no acknowledgements (RFC 6587, section
// 5.1), and what the receiver's kernel has taken is lost when the receiver ends
// before it reads it. With Confirm the end of the connection is the
// acknowledgement: a kernel that closes a socket with unread data, or gets data
// for a closed one, answers with a reset and not with an end (RFC 1122, section
// 4.2.2.13), so an end without reset after all was sent and acknowledged says that
// all was read, whoever ended first. Without Confirm one connection is kept, and a
// batch is delivered when the receiver's kernel has acknowledged it.
type Stream struct {
	options    StreamOptions
	encoder    encoder
	sent       uint64 // messages, each counted once however often it was sent
	connection *connection
	buffer     []byte
}

var _ output.Sender = (*Stream)(nil)

// NewStream makes the sender; it connects with the first batch.
func NewStream(options StreamOptions) *Stream {
	return &Stream{options: options, encoder: encoder{origin: options.Origin, limit: options.MaxMessage}}
}

// Name implements output.Sender.
func (s *Stream) Name() string { return s.options.name() }

// Send implements output.Sender: all or nothing, because nothing tells how far a
// receiver got.
func (s *Stream) Send(ctx context.Context, items []*output.Item) error {
	s.buffer = s.buffer[:0]
	for _, one := range items {
		if one.Sequence == 0 {
			s.sent++
			one.Sequence = s.sent
		}
		message, reduced, err := s.encoder.encode(&one.Document, one.Sequence)
		if err != nil {
			s.options.Log.Error("a document is given up", "output", s.Name(), "id", one.ID, "error", err)
			one.Done, one.Rejected = true, true
			continue
		}
		one.Reduced = reduced
		s.buffer = appendCounted(s.buffer, message)
	}
	if len(s.buffer) > 0 {
		if err := s.deliver(ctx); err != nil {
			s.drop()
			return err
		}
	}
	for _, one := range items {
		one.Done = true
	}
	return nil
}

// deliver sends the buffer and waits until it is delivered.
func (s *Stream) deliver(ctx context.Context) error {
	if s.connection != nil && s.connection.hasEnded() {
		s.drop() // before anything is written that would be lost
	}
	if s.connection == nil {
		var err error
		if s.connection, err = s.connect(ctx); err != nil {
			return err
		}
	}
	c := s.connection
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() }) // what waits for it fails then
	defer stop()
	if _, err := c.Write(s.buffer); err != nil {
		return fmt.Errorf("sending messages: %w", err)
	}
	if err := c.awaitAcknowledged(ctx); err != nil || !s.options.Confirm {
		return err
	}
	defer s.drop()
	if err := c.settle(ctx, s.options.Settle); err != nil {
		return err
	}
	return c.finish(ctx, func() {
		s.options.Log.Warn("a receiver has not confirmed for a while that it read the messages; if it never ends connections set confirm = false in [output.syslog]",
			"output", s.Name())
	})
}

// connection is a connection, its TCP part, and what it has ended with.
type connection struct {
	net.Conn // TLS, or the same as raw
	raw      *net.TCPConn
	ended    chan struct{}
	reason   error // io.EOF for a proper end; valid when ended is closed
}

// hasEnded says whether the receiver has ended the connection.
func (c *connection) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// connect connects and watches for the end of the connection: a receiver has
// nothing else to say.
func (s *Stream) connect(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	// Probes find out within two minutes that a receiver's host is gone.
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 15 * time.Second, Count: 6}}
	plain, err := dialer.DialContext(ctx, "tcp", s.options.Address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	raw, ok := plain.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("connecting: not a TCP connection"), plain.Close())
	}
	c := &connection{Conn: raw, raw: raw, ended: make(chan struct{})}
	if s.options.Network == "tls" {
		if c.Conn, err = s.handshake(ctx, raw); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
	}
	go func() {
		defer close(c.ended)
		_, c.reason = io.Copy(io.Discard, c.Conn)
		if c.reason == nil { // the end of TLS; that of TCP says whether all was read
			_, c.reason = io.Copy(io.Discard, c.raw)
		}
		if c.reason == nil {
			c.reason = io.EOF
		}
	}()
	return c, nil
}

// handshake makes a TLS connection of a plain one.
func (s *Stream) handshake(ctx context.Context, raw net.Conn) (net.Conn, error) {
	config, err := s.options.TLS.Config()
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		if config.ServerName, _, err = net.SplitHostPort(s.options.Address); err != nil {
			return nil, fmt.Errorf("connecting: %w", err)
		}
	}
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("the TLS handshake: %w", err)
	}
	return secured, nil
}

// errReset says that it is not known how much the receiver has read.
var errReset = errors.New("the receiver ended the connection before it had read everything")

// settle waits, unless the receiver ends the connection before.
func (c *connection) settle(ctx context.Context, span time.Duration) error {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-c.ended:
	}
	return nil
}

// finish ends the sending side and waits until the receiver has ended the other,
// having read everything. slow is called where that takes long. There is no other
// limit: a receiver that is stopped, not gone, reads on later, and would have the
// messages twice if they were sent again.
func (c *connection) finish(ctx context.Context, slow func()) error {
	// A receiver that has ended already takes no data, not even the end of TLS.
	if secured, ok := c.Conn.(*tls.Conn); ok && !c.hasEnded() {
		if err := secured.CloseWrite(); err != nil {
			return fmt.Errorf("ending the TLS connection: %w", err)
		}
	}
	if err := c.raw.CloseWrite(); err != nil {
		return fmt.Errorf("ending the connection: %w", err)
	}
	const patience = 30 * time.Second
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for waiting := true; waiting; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			slow()
		case <-c.ended:
			waiting = false
		}
	}
	if !errors.Is(c.reason, io.EOF) {
		return fmt.Errorf("%w: %w", errReset, c.reason)
	}
	return c.awaitAcknowledged(ctx)
}

// awaitAcknowledged waits until the receiver's kernel has acknowledged all that
// was sent.
func (c *connection) awaitAcknowledged(ctx context.Context) error {
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 50*time.Millisecond) {
		left, err := c.unacknowledged()
		if err != nil || left == 0 {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if pause >= 50*time.Millisecond && c.hasEnded() { // and acknowledges no more
			return fmt.Errorf("%w: %w", errReset, c.reason)
		}
	}
}

// unacknowledged asks how many bytes the receiver's kernel has not acknowledged:
// SIOCOUTQ of tcp(7), which is called TIOCOUTQ too. A connection that was reset
// is an error.
func (c *connection) unacknowledged() (int, error) {
	raw, err := c.raw.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("asking what was acknowledged: %w", err)
	}
	var left int32
	var errno syscall.Errno
	var status int
	var statusErr error
	err = raw.Control(func(fd uintptr) {
		status, statusErr = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR) //nolint:gosec // a descriptor
		_, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&left)))
	})
	if status != 0 {
		statusErr = errors.Join(statusErr, syscall.Errno(status)) //nolint:gosec // an errno
	}
	if errno != 0 {
		err = errors.Join(err, errno)
	}
	if err = errors.Join(err, statusErr); err != nil {
		return 0, fmt.Errorf("asking what was acknowledged: %w", err)
	}
	return int(left), nil
}

// drop closes the connection.
func (s *Stream) drop() {
	if s.connection != nil {
		_ = s.connection.Close() // nothing depends on it any more
		<-s.connection.ended
		s.connection = nil
	}
}

// Close implements output.Sender.
func (s *Stream) Close() error {
	s.drop()
	return nil
}
