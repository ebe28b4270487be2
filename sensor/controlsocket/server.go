package controlsocket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// What a client may cost: connections at once, and the time for its request and
// for taking the answer. Answers have some tens of kilobytes.
const (
	maxConnections = 8
	requestTime    = 2 * time.Second
	answerTime     = 10 * time.Second
)

// maxPath is how long the path of a Unix socket may be (sun_path of unix(7), with
// its final NUL).
const maxPath = 107

// Answer is what a resource answers with.
type Answer struct {
	// ContentType is the media type of Body.
	ContentType string
	Body        []byte
}

// Resource makes an answer. It is called by several goroutines, and returns soon
// once ctx has ended.
type Resource func(ctx context.Context) (Answer, error)

// Options say how a Server works.
type Options struct {
	// Path is that of the socket. Its folder is made if it is not there.
	Path string
	// Resources are what can be asked for, by their path, such as "/status".
	Resources map[string]Resource
	// Allowed are the users who may connect; none for root and the user of this
	// process.
	Allowed []uint32
	// Log is told, at its debug level, what is wrong with single connections.
	Log hclog.Logger
}

// Server answers on a Unix socket that belongs to the sensor.
type Server struct {
	options  Options
	listener *net.UnixListener
	made     os.FileInfo // the socket as it was made
	stop     context.CancelFunc
	running  sync.WaitGroup

	accepted, refused atomic.Uint64
}

// Stats count connections.
type Stats struct {
	// Accepted and Refused count connections; refused were those of other users.
	Accepted, Refused uint64
}

// Listen makes the socket, with mode 0600, and answers on it until Close. A socket
// that nobody listens on any more, as a killed sensor leaves it, is replaced; one
// that somebody listens on, and what is no socket, is left alone and is an error.
func Listen(options Options) (*Server, error) {
	if len(options.Path) > maxPath {
		return nil, fmt.Errorf("the path of a socket may have %d bytes, not %d: %s", maxPath, len(options.Path), options.Path)
	}
	if len(options.Allowed) == 0 {
		options.Allowed = []uint32{0, uint32(os.Geteuid())} //nolint:gosec // user ids have 32 bits
	}
	if err := os.MkdirAll(filepath.Dir(options.Path), 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of the control socket: %w", err)
	}
	if err := removeStale(options.Path); err != nil {
		return nil, err
	}
	s := &Server{options: options}
	if err := s.listen(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running.Go(func() { s.accept(ctx) })
	return s, nil
}

// listen makes the socket. Its mode is set before it has a name, so that it is
// never open to others.
func (s *Server) listen() error {
	private := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		var err error
		return errors.Join(raw.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), 0o600) }), err)
	}}
	listener, err := private.Listen(context.Background(), "unix", s.options.Path)
	if err != nil {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	made, ok := listener.(*net.UnixListener)
	if !ok {
		return errors.Join(fmt.Errorf("opening the control socket: %w", errors.ErrUnsupported), listener.Close())
	}
	s.listener = made
	s.listener.SetUnlinkOnClose(false) // what lies there by then may be another's
	if s.made, err = os.Lstat(s.options.Path); err == nil && s.made.Mode().Perm() != 0o600 {
		err = os.Chmod(s.options.Path, 0o600)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("opening the control socket: %w", err), s.listener.Close())
	}
	return nil
}

// removeStale removes a socket that nobody listens on.
func removeStale(path string) error {
	found, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("opening the control socket: %w", err)
	case found.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("opening the control socket: %s is there and is no socket", path)
	}
	connection, err := net.DialTimeout("unix", path, requestTime)
	if err == nil {
		return errors.Join(fmt.Errorf("opening the control socket: another process listens on %s", path), connection.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("removing the control socket of a sensor that was killed: %w", err)
	}
	return nil
}

// acceptPause is how long no connection is taken after that failed, for instance
// because the process has too many files open.
const acceptPause = 100 * time.Millisecond

// accept takes connections until ctx ends, so many at once; further ones wait in
// the kernel. Each has its place back by its deadlines at the latest.
func (s *Server) accept(ctx context.Context) {
	places := make(chan struct{}, maxConnections)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		connection, err := s.listener.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			s.options.Log.Debug("the control socket", "error", err)
			<-places
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		s.running.Go(func() {
			defer func() { <-places }()
			if err := s.serve(ctx, connection); err != nil {
				s.options.Log.Debug("a connection to the control socket", "error", err)
			}
		})
	}
}

// serve answers the one request of a connection, which ends with ctx.
func (s *Server) serve(ctx context.Context, connection *net.UnixConn) (err error) {
	stop := context.AfterFunc(ctx, func() { _ = connection.Close() }) // what is lost is the answer
	defer func() {
		stop()
		_ = connection.Close() // the client sees whether the answer is whole
	}()
	if !s.allowed(connection) {
		s.refused.Add(1)
		return nil
	}
	s.accepted.Add(1)
	now := time.Now()
	if err := errors.Join(connection.SetReadDeadline(now.Add(requestTime)), connection.SetWriteDeadline(now.Add(requestTime+answerTime))); err != nil {
		return err
	}
	return s.answer(ctx, connection)
}

// Stats are the counters so far. It may be called from any goroutine.
func (s *Server) Stats() Stats {
	return Stats{Accepted: s.accepted.Load(), Refused: s.refused.Load()}
}

// Close ends all connections, waits until no request is answered any more, and
// removes the socket if it is still the one that was made.
func (s *Server) Close() error {
	s.stop()
	err := s.listener.Close()
	s.running.Wait()
	if now, statErr := os.Lstat(s.options.Path); statErr == nil && os.SameFile(now, s.made) {
		err = errors.Join(err, os.Remove(s.options.Path))
	}
	if err != nil {
		return fmt.Errorf("closing the control socket: %w", err)
	}
	return nil
}

// allowed asks the kernel whose process connected.
func (s *Server) allowed(connection *net.UnixConn) bool {
	raw, err := connection.SyscallConn()
	if err != nil {
		return false
	}
	var peer *syscall.Ucred
	var failure error
	err = raw.Control(func(fd uintptr) {
		peer, failure = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err != nil || failure != nil {
		return false
	}
	for _, user := range s.options.Allowed {
		if peer.Uid == user {
			return true
		}
	}
	return false
}
