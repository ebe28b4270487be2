package controlsocket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// options are those of a server in a folder of its own.
func options(t *testing.T) Options {
	t.Helper()
	folder, err := os.MkdirTemp("", "tripline-socket-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return Options{
		Path: filepath.Join(folder, "new", "control.sock"), Log: hclog.NewNullLogger(),
		Resources: map[string]Resource{
			"/hello": func(context.Context) (Answer, error) {
				return Answer{ContentType: "text/plain", Body: []byte("hello")}, nil
			},
			"/broken": func(context.Context) (Answer, error) { return Answer{}, errors.New("it is broken") },
			"/panic":  func(context.Context) (Answer, error) { panic("no") },
			"/large": func(context.Context) (Answer, error) {
				return Answer{ContentType: "text/plain", Body: bytes.Repeat([]byte("large\n"), 1<<20)}, nil
			},
			"/waits": func(ctx context.Context) (Answer, error) {
				<-ctx.Done()
				return Answer{}, ctx.Err()
			},
		},
	}
}

func listen(t *testing.T, options Options) *Server {
	t.Helper()
	server, err := Listen(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() }) // most tests close it themselves
	return server
}

func get(t *testing.T, path, resource string) (string, error) {
	t.Helper()
	text, err := Client{Path: path}.Get(t.Context(), resource)
	return string(text), err
}

func TestAnswers(t *testing.T) {
	o := options(t)
	server := listen(t, o)
	info, err := os.Stat(o.Path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if got, err := get(t, o.Path, "/hello"); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := get(t, o.Path, "/large"); err != nil || len(got) != 6<<20 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for resource, want := range map[string]string{
		"/nothing": "404 Not Found: there is no such resource here",
		"/broken":  "500 Internal Server Error: it is broken",
		"/panic":   "500 Internal Server Error: internal error, please report it: no",
	} {
		if _, err := get(t, o.Path, resource); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", resource, err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(o.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := get(t, o.Path, "/hello"); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
	if stats := server.Stats(); stats != (Stats{Accepted: 5}) {
		t.Errorf("%+v", stats)
	}
}

// raw sends bytes and returns the first line of the answer.
func raw(t *testing.T, path, text string) string {
	t.Helper()
	connection, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, text); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(connection) // a reset is the end too
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

func TestGarbage(t *testing.T) {
	o := options(t)
	listen(t, o)
	for text, want := range map[string]string{
		"GET /hello HTTP/1.0\r\n\r\n":                    "HTTP/1.1 200 OK",
		"POST /hello HTTP/1.1\r\nHost: x\r\n\r\n":        "HTTP/1.1 405 Method Not Allowed",
		"GET /../hello HTTP/1.1\r\nHost: x\r\n\r\n":      "HTTP/1.1 404 Not Found",
		"\x00\x01\x02\r\n\r\n":                           "HTTP/1.1 400 Bad Request",
		"GET /hello\r\n\r\n":                             "HTTP/1.1 400 Bad Request",
		"GET /" + strings.Repeat("x", 2*maxRequest):      "HTTP/1.1 400 Bad Request",
		"GET http://a/hello HTTP/1.1\r\nHost: b\r\n\r\n": "HTTP/1.1 200 OK",
	} {
		if got := raw(t, o.Path, text); got != want && (len(text) <= maxRequest || got != "") {
			t.Errorf("%.40q was answered %q", text, got)
		}
	}
	if got, err := get(t, o.Path, "/hello"); err != nil || got != "hello" {
		t.Errorf("afterwards: %q, %v", got, err)
	}
}

// TestSlowClients lets all places be taken by clients that say nothing: they lose
// them, and another is answered.
func TestSlowClients(t *testing.T) {
	o := options(t)
	server := listen(t, o)
	for range maxConnections + 3 {
		connection, err := net.Dial("unix", o.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close() // until the end
	}
	if got, err := get(t, o.Path, "/hello"); err == nil && got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	for deadline := time.Now().Add(time.Minute); ; { // two rounds of requestTime
		if got, err := get(t, o.Path, "/hello"); err == nil && got == "hello" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no more client is answered")
		}
	}
	if stats := server.Stats(); stats.Accepted < maxConnections+1 {
		t.Errorf("%+v", stats)
	}
}

// TestCloseEndsConnections closes while a client says nothing, one takes no
// answer, and one waits for it.
func TestCloseEndsConnections(t *testing.T) {
	o := options(t)
	server := listen(t, o)
	for _, text := range []string{"", "GET /large HTTP/1.1\r\nHost: x\r\n\r\n", "GET /waits HTTP/1.1\r\nHost: x\r\n\r\n"} {
		connection, err := net.Dial("unix", o.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer connection.Close() // until the end
		if _, err := io.WriteString(connection, text); err != nil {
			t.Fatal(err)
		}
	}
	for server.Stats().Accepted < 3 {
		time.Sleep(time.Millisecond)
	}
	if err := server.Close(); err != nil { // the test's own time limit ends a Close that hangs
		t.Error(err)
	}
}

func TestOtherUsersAreRefused(t *testing.T) {
	o := options(t)
	o.Allowed = []uint32{uint32(os.Geteuid()) + 1}
	server := listen(t, o)
	if got, err := get(t, o.Path, "/hello"); err == nil {
		t.Errorf("another user was answered: %q", got)
	}
	if stats := server.Stats(); stats != (Stats{Refused: 1}) {
		t.Errorf("%+v", stats)
	}
}

// stale makes a socket that nobody listens on, as after kill -9.
func stale(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	o := options(t)
	stale(t, o.Path)
	listen(t, o)
	if got, err := get(t, o.Path, "/hello"); err != nil || got != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestWhatIsNotOursStays leaves another's socket and a file alone.
func TestWhatIsNotOursStays(t *testing.T) {
	o := options(t)
	first := listen(t, o)
	if _, err := Listen(o); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("got %v", err)
	}
	if got, err := get(t, o.Path, "/hello"); err != nil || got != "hello" {
		t.Errorf("the first no longer answers: %q, %v", got, err)
	}
	// A socket that took the place of ours meanwhile stays when ours is closed.
	if err := os.Remove(o.Path); err != nil {
		t.Fatal(err)
	}
	second := listen(t, o)
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if got, err := get(t, o.Path, "/hello"); err != nil || got != "hello" {
		t.Errorf("the second no longer answers: %q, %v", got, err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(o.Path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(o); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(o.Path); err != nil || string(text) != "mine" {
		t.Errorf("the file: %q, %v", text, err)
	}
	o.Path = "/" + strings.Repeat("long/", 30)
	if _, err := Listen(o); err == nil || !strings.Contains(err.Error(), "may have 107 bytes") {
		t.Errorf("got %v", err)
	}
}

// TestClientFailures tells a sensor that hangs up from one that is not there.
func TestClientFailures(t *testing.T) {
	path := options(t).Path
	if _, err := get(t, path, "/x"); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
	stale(t, path)
	if _, err := get(t, path, "/x"); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			_ = connection.Close()
		}
	})
	if _, err := get(t, path, "/x"); err == nil || !strings.Contains(err.Error(), "without an answer") {
		t.Errorf("got %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	serving.Wait()
}
