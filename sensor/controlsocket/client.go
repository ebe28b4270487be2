package controlsocket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// ErrNobody says that nobody listens on the socket.
var ErrNobody = errors.New("nobody listens on the control socket")

// maxAnswer is far above any answer.
const maxAnswer = 16 << 20

// clientTime bounds one request of a client.
const clientTime = 5 * time.Second

// Client asks a running sensor.
type Client struct {
	// Path is that of the sensor's control socket.
	Path string
}

// Get asks for a resource, such as "/status". The error is ErrNobody where no
// sensor listens, fs.ErrPermission where this user may not ask.
func (c Client) Get(ctx context.Context, resource string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", c.Path)
		},
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://tripline"+resource, http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("asking the sensor: %w", err)
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, c.explain(err)
	}
	defer answer.Body.Close() //nolint:errcheck // nothing was written
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the sensor's answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the sensor answered %s: %s", answer.Status, strings.TrimSpace(string(body[:min(len(body), 200)])))
	}
	return body, nil
}

// explain tells failures apart.
func (c Client) explain(err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w %s", ErrNobody, c.Path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the control socket %s: %w", c.Path, fs.ErrPermission)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the sensor does not answer within %s on %s: %w", clientTime, c.Path, err)
	case hungUp(err):
		return fmt.Errorf("the sensor ended the connection on %s without an answer (it stops, or refuses this user): %w", c.Path, err)
	}
	return fmt.Errorf("asking the sensor: %w", err)
}

// hungUp says that the other end closed the connection. Of one that was closed before
// the request was written net/http has an error without a name.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.HasSuffix(err.Error(), "http: server closed idle connection")
}
