package syslog

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output"
	"tripline/sensor/output/secure"
)

// receiver reads counted messages and remembers the numbers of their documents.
type receiver struct {
	t        *testing.T
	listener net.Listener
	mu       sync.Mutex
	got      []int
	serving  sync.WaitGroup
	// read, if set, reads a connection in place of the receiver.
	read func(net.Conn)
}

func listen(t *testing.T, address string, secured *tls.Config, read func(net.Conn)) *receiver {
	t.Helper()
	var listener net.Listener
	var err error
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if listener, err = net.Listen("tcp", address); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	if secured != nil {
		listener = tls.NewListener(listener, secured)
	}
	r := &receiver{t: t, listener: listener, read: read}
	r.serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			r.serving.Go(func() {
				defer connection.Close()
				if r.read != nil {
					r.read(connection)
					return
				}
				r.readAll(connection)
			})
		}
	})
	return r
}

func (r *receiver) readAll(connection io.Reader) {
	from := bufio.NewReader(connection)
	for {
		var length int
		if _, err := fmt.Fscanf(from, "%d ", &length); err != nil {
			return
		}
		message := make([]byte, length)
		if _, err := io.ReadFull(from, message); err != nil {
			return
		}
		n := number(r.t, string(message))
		r.mu.Lock()
		r.got = append(r.got, n)
		r.mu.Unlock()
	}
}

func (r *receiver) numbers() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *receiver) stop() {
	_ = r.listener.Close()
	r.serving.Wait()
}

// openStream opens an output to a receiver.
func openStream(t *testing.T, options StreamOptions) *output.Remote {
	t.Helper()
	remote, err := output.OpenRemote(NewStream(options), output.RemoteOptions{
		Folder: filepath.Join(t.TempDir(), "spool"), MaxBytes: 8 << 20, Documents: rsyslogBatch, Bytes: 1 << 20,
		FirstPause: 2 * time.Millisecond, LongestPause: 50 * time.Millisecond, Log: hclog.NewNullLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

func send(t *testing.T, to *output.Remote, from, until int) {
	t.Helper()
	for n := from; n < until; n++ {
		if err := to.Write(context.Background(), document(n)); err != nil {
			t.Error(err)
		}
	}
}

func await(t *testing.T, remote *output.Remote, what string, so func(output.Counters) bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !so(remote.Counters()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come: %s; %+v", what, remote.Counters())
		}
	}
}

func idle(c output.Counters) bool { return c.Waiting == 0 }

func counting(from, to int) []int {
	var all []int
	for ; from < to; from++ {
		all = append(all, from)
	}
	return all
}

// TestStream sends over TCP and TLS, with confirmation and without, to a receiver
// that ends between messages and comes back.
func TestStream(t *testing.T) {
	ca := newAuthority(t)
	certificate, key := ca.pair(t, "sensor.example")
	for _, network := range []string{"tcp", "tls"} {
		for _, confirm := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, confirm %v", network, confirm), func(t *testing.T) {
				var secured *tls.Config
				if network == "tls" {
					secured = ca.server(t, "logs.example")
				}
				first := listen(t, "127.0.0.1:0", secured, nil)
				options := StreamOptions{
					Options: testOptions(network, first.listener.Addr().String()), Confirm: confirm,
					TLS: secure.Files{CA: ca.file, Certificate: certificate, Key: key, ServerName: "logs.example"},
				}
				remote := openStream(t, options)
				send(t, remote, 0, 100)
				await(t, remote, "all is delivered", idle)
				if confirm {
					first.stop() // no connection is open that would hold it
				} else {
					_ = first.listener.Close()
				}
				send(t, remote, 100, 110)
				if !confirm { // the old connection is still good
					await(t, remote, "all is delivered", idle)
					if got := first.numbers(); len(got) != 110 {
						t.Errorf("received %v", got)
					}
				} else {
					await(t, remote, "trouble", func(c output.Counters) bool { return c.Trouble != "" })
					second := listen(t, options.Address, secured, nil)
					await(t, remote, "all is delivered", idle)
					second.stop()
					if got := append(first.numbers(), second.numbers()...); !slices.Equal(got, counting(0, 110)) {
						t.Errorf("received %v", got)
					}
				}
				if err := remote.Close(); err != nil {
					t.Error(err)
				}
				first.stop()
				if counters := remote.Counters(); counters.Delivered != 110 {
					t.Errorf("%+v", counters)
				}
			})
		}
	}
}

// TestWrongCertificates reaches a receiver that it must not trust, and one that
// does not trust it: nothing is sent, and it is said why.
func TestWrongCertificates(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	certificate, key := ca.pair(t, "sensor.example")
	strange, strangeKey := other.pair(t, "sensor.example")
	for _, test := range []struct {
		name, want string
		files      secure.Files
	}{
		{"signed by another", "certificate signed by unknown authority", secure.Files{CA: other.file, Certificate: certificate, Key: key, ServerName: "logs.example"}},
		{"of another name", "not logs.other", secure.Files{CA: ca.file, Certificate: certificate, Key: key, ServerName: "logs.other"}},
		{"no client certificate", "certificate required", secure.Files{CA: ca.file, ServerName: "logs.example"}},
		{"a client certificate of another", "unknown certificate authority", secure.Files{CA: ca.file, Certificate: strange, Key: strangeKey, ServerName: "logs.example"}},
		{"a file that is gone", "no such file", secure.Files{CA: "/nowhere/ca.pem"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := listen(t, "127.0.0.1:0", ca.server(t, "logs.example"), nil)
			remote := openStream(t, StreamOptions{Options: testOptions("tls", r.listener.Addr().String()), Confirm: true, TLS: test.files})
			send(t, remote, 0, 3)
			await(t, remote, "trouble", func(c output.Counters) bool { return strings.Contains(c.Trouble, test.want) })
			if counters := remote.Counters(); counters.Waiting != 3 || counters.Delivered != 0 {
				t.Errorf("%+v", counters)
			}
			if err := remote.Close(); err != nil {
				t.Error(err)
			}
			r.stop()
			if len(r.numbers()) > 0 {
				t.Errorf("received %v", r.numbers())
			}
		})
	}
}

// TestReceiverThatDoesNotRead ends with messages in its buffer, which the kernel
// had acknowledged: they are sent again.
func TestReceiverThatDoesNotRead(t *testing.T) {
	held := make(chan struct{})
	stuck := listen(t, "127.0.0.1:0", nil, func(net.Conn) { <-held })
	options := StreamOptions{Options: testOptions("tcp", stuck.listener.Addr().String()), Confirm: true}
	remote := openStream(t, options)
	send(t, remote, 0, 10)
	time.Sleep(100 * time.Millisecond) // long enough for the kernel's acknowledgement
	if counters := remote.Counters(); counters.Delivered != 0 || counters.Waiting != 10 {
		t.Errorf("nobody has read anything: %+v", counters)
	}
	_ = stuck.listener.Close()
	close(held)
	stuck.serving.Wait()
	await(t, remote, "trouble", func(c output.Counters) bool { return c.Trouble != "" })
	again := listen(t, options.Address, nil, nil)
	await(t, remote, "all is delivered", idle)
	if err := remote.Close(); err != nil {
		t.Error(err)
	}
	again.stop()
	if !slices.Equal(again.numbers(), counting(0, 10)) {
		t.Errorf("received %v", again.numbers())
	}
}

// TestClosedWhileWaiting closes the output while a receiver keeps it waiting.
func TestClosedWhileWaiting(t *testing.T) {
	held := make(chan struct{})
	stuck := listen(t, "127.0.0.1:0", nil, func(net.Conn) { <-held })
	remote := openStream(t, StreamOptions{Options: testOptions("tcp", stuck.listener.Addr().String()), Confirm: true})
	send(t, remote, 0, 1)
	if err := remote.Close(); err != nil {
		t.Error(err)
	}
	close(held)
	stuck.stop()
	if counters := remote.Counters(); counters.Waiting != 1 || counters.Delivered != 0 {
		t.Errorf("%+v", counters)
	}
}

// TestTLSEndIsNotEnough has a receiver say goodbye in TLS without having read
// what its kernel acknowledged.
func TestTLSEndIsNotEnough(t *testing.T) {
	ca := newAuthority(t)
	certificate, key := ca.pair(t, "sensor.example")
	rude := listen(t, "127.0.0.1:0", ca.server(t, "logs.example"), func(c net.Conn) {
		secured := c.(*tls.Conn)
		if err := secured.Handshake(); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
		_ = secured.CloseWrite()
		time.Sleep(50 * time.Millisecond)
	})
	options := testOptions("tls", rude.listener.Addr().String())
	options.MaxMessage = 1 << 20
	sender := NewStream(StreamOptions{
		Options: options, Confirm: true,
		TLS: secure.Files{CA: ca.file, Certificate: certificate, Key: key, ServerName: "logs.example"},
	})
	one := &output.Item{Document: document(1)}
	one.JSON = fmt.Appendf(nil, `{"n":1,"x":%q}`, strings.Repeat("x", 100000)) // more than a handshake reads ahead
	if err := sender.Send(context.Background(), []*output.Item{one}); !errors.Is(err, errReset) || one.Done {
		t.Errorf("done %v, %v", one.Done, err)
	}
	if err := sender.Close(); err != nil {
		t.Error(err)
	}
	rude.stop()
}
