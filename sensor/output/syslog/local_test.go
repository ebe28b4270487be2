package syslog

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output"
)

func testOptions(network, address string) Options {
	return Options{
		Network: network, Address: address, MaxMessage: 8192, Log: hclog.NewNullLogger(),
		Origin: Origin{Facility: 3, Hostname: "host", Program: "tripline", Version: "0"},
	}
}

func document(n int) output.Document {
	return output.Document{ID: fmt.Sprint(n), JSON: fmt.Appendf(nil, `{"n":%d}`, n), Time: time.Now()}
}

// number reads the number of a document from its message.
func number(t *testing.T, message string) int {
	t.Helper()
	p, err := parse(message)
	if err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	var body struct{ N int }
	if err := json.Unmarshal([]byte(p.body), &body); err != nil {
		t.Fatalf("%q: %v", message, err)
	}
	return body.N
}

// receive reads datagrams until the document with number last came.
func receive(t *testing.T, from net.PacketConn, last int) []int {
	t.Helper()
	var got []int
	buffer := make([]byte, 1<<16)
	for len(got) == 0 || got[len(got)-1] != last {
		if err := from.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, _, err := from.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		got = append(got, number(t, string(buffer[:n])))
	}
	return got
}

// TestUnixDatagram sends to a socket that is not there yet, is there, goes away
// and comes back.
func TestUnixDatagram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	queue := output.NewQueue(NewLocal(testOptions("unix", path)), 100, func(err error) { t.Error(err) })
	queue.Add(document(0))
	for deadline := time.Now().Add(20 * time.Second); queue.Stats().Writer.Trouble == ""; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no trouble is told")
		}
	}
	next := 1
	for range 2 {
		receiver, err := net.ListenPacket("unixgram", path)
		if err != nil {
			t.Fatal(err)
		}
		queue.Add(document(next))
		receive(t, receiver, next)
		next++
		if err := receiver.Close(); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(path) // closing may have removed it
	}
	if err := queue.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if stats := queue.Stats(); stats.Written != 3 || stats.Failed != 0 || stats.Retried == 0 || stats.Writer.Trouble != "" {
		t.Errorf("%+v", stats)
	}
}

// TestUnixThatStopsReading fills the socket of a receiver that reads nothing: the
// queue drops and counts, Add never waits, and Close comes back.
func TestUnixThatStopsReading(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	receiver, err := net.ListenPacket("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	queue := output.NewQueue(NewLocal(testOptions("unix", path)), 10, func(error) {})
	added := 0
	for deadline := time.Now().Add(20 * time.Second); queue.Stats().Dropped == 0 && time.Now().Before(deadline); added++ {
		queue.Add(document(added))
		time.Sleep(10 * time.Microsecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := queue.Close(ctx); err != nil {
		t.Fatal(err)
	}
	stats := queue.Stats()
	if stats.Dropped == 0 || stats.Written+stats.Dropped+stats.Failed != uint64(added) || stats.Waiting != 0 {
		t.Errorf("%d were added: %+v", added, stats)
	}
}

func TestUnixStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	local := NewLocal(testOptions("unix", path))
	for n := range 3 {
		if err := local.Write(context.Background(), document(n)); err != nil {
			t.Fatal(err)
		}
	}
	connection, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(connection)
	for n := range 3 {
		if !lines.Scan() || number(t, lines.Text()) != n {
			t.Errorf("message %d is %q", n, lines.Text())
		}
	}
}

// TestUDP sends to a receiver that goes away and comes back, and documents that
// are too large: they arrive without parts, and whole as JSON.
func TestUDP(t *testing.T) {
	receiver, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options := testOptions("udp", receiver.LocalAddr().String())
	options.MaxMessage = 1 << 20 // more than a datagram holds
	local := NewLocal(options)
	send := func(one output.Document) {
		t.Helper()
		if err := local.Write(context.Background(), one); err != nil {
			t.Fatal(err)
		}
	}
	send(document(0))
	receive(t, receiver, 0)
	large := document(1)
	large.JSON = fmt.Appendf(nil, `{"n":1,"tripline":{"alert":{"guide":%q}}}`, strings.Repeat("x", 100000))
	send(large)
	receive(t, receiver, 1)
	if counters := local.Counters(); counters.Reduced != 1 {
		t.Errorf("%+v", counters)
	}
	address := receiver.LocalAddr().String()
	if err := receiver.Close(); err != nil {
		t.Fatal(err)
	}
	send(document(2)) // the kernel takes it and learns of the refusal
	time.Sleep(10 * time.Millisecond)
	if receiver, err = net.ListenPacket("udp", address); err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	send(document(3))
	receive(t, receiver, 3)
	if err := local.Close(); err != nil {
		t.Fatal(err)
	}
}
