package source

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// plugin starts a source whose standard input is a pipe, as the dispatcher gives
// it one.
func plugin(t *testing.T) (*AudispSource, *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	a, err := OpenAudisp(AudispOptions{Input: reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(a.Close(), reader.Close()); err != nil {
			t.Error(err)
		}
		_ = writer.Close() // most tests have
	})
	return a, writer
}

func put(t *testing.T, to io.Writer, data string) {
	t.Helper()
	if _, err := io.WriteString(to, data); err != nil {
		t.Fatal(err)
	}
}

func TestAudispLines(t *testing.T) {
	a, writer := plugin(t)
	quiet(t, a)
	put(t, writer, "type=SYSCALL msg=audit(1.000:1): a\ntype=EOE msg=audit(1.000:1): \nty")
	expect(t, a, "type=SYSCALL msg=audit(1.000:1): a", "type=EOE msg=audit(1.000:1): ")
	put(t, writer, "pe=X")
	quiet(t, a)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	messages, err := a.Receive(-1)
	if err != nil || len(messages) != 1 || !messages[0].Torn || string(messages[0].Data) != "type=X" {
		t.Errorf("at the end it received %+v, %v", messages, err)
	}
	for range 2 {
		if _, err := a.Receive(-1); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// frame is one message of the dispatcher's binary format.
func frame(version, kind uint32, data string) string {
	var header []byte
	for _, word := range []uint32{version, frameHeader, kind, uint32(len(data))} {
		header = binary.NativeEndian.AppendUint32(header, word)
	}
	return string(header) + data
}

func TestAudispFrames(t *testing.T) {
	a, writer := plugin(t)
	stream := frame(0, 1300, "audit(1.000:1): a\x00") + frame(0, 1320, "audit(1.000:1): ") + frame(1, 1300, "type=SYSCALL msg=audit(1.000:2): b\n")
	// In pieces of every size, cut in headers and in data.
	for size := 1; size <= 40; size++ {
		var got []Message
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			put(t, writer, rest[:n])
			rest = rest[n:]
			messages, err := a.Receive(0)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, messages...)
		}
		if len(got) != 3 || got[0].Type != 1300 || got[1].Type != 1320 || got[2].Type != 0 {
			t.Fatalf("in pieces of %d: %+v", size, got)
		}
	}
	put(t, writer, stream)
	expect(t, a, "audit(1.000:1): a", "audit(1.000:1): ", "type=SYSCALL msg=audit(1.000:2): b")
}

// TestAudispPaddedFrames is how auditd 3.0.9 writes them: the data has always the
// length of the longest record, and behind the record is what was there before.
func TestAudispPaddedFrames(t *testing.T) {
	a, writer := plugin(t)
	padded := func(version, kind uint32, data string) string {
		return frame(version, kind, data) + strings.Repeat("old data ", 1000)[:paddedData-len(data)]
	}
	first, second, third := "type=A msg=audit(1.000:1): a", "type=B msg=audit(1.000:2): b", "type=C msg=audit(1.000:3): c"
	one := padded(1, 1300, first)
	put(t, writer, one[:100])
	expect(t, a, first) // at once, before the padding is there
	put(t, writer, one[100:])
	put(t, writer, padded(1, 1300, second)+padded(1, 1300, third))
	expect(t, a, second, third)
	put(t, writer, padded(1, 1300, strings.Repeat("x", paddedData))+padded(1, 1300, first))
	expect(t, a, strings.Repeat("x", paddedData), first)
}

func TestAudispNeither(t *testing.T) {
	for name, data := range map[string]string{
		"zeros":        string(make([]byte, 64)),
		"a huge frame": frame(0, 1300, "")[:12] + "\xff\xff\xff\x7f",
	} {
		a, writer := plugin(t)
		put(t, writer, data)
		if _, err := a.Receive(time.Second); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

// TestAudispSocket survives that the daemon goes away and comes back.
func TestAudispSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	if _, err := OpenAudisp(AudispOptions{Socket: path}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a daemon: %v", err)
	}
	said := &notes{}
	accepted := make(chan net.Conn, 1)
	serve := func() net.Listener {
		listener, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if connection, err := listener.Accept(); err == nil {
				accepted <- connection
			}
		}()
		return listener
	}
	listener := serve()
	a, err := OpenAudisp(AudispOptions{Socket: path, Notify: said.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	connection := <-accepted
	put(t, connection, "type=A\n")
	expect(t, a, "type=A")
	_ = connection.Close()
	_ = listener.Close()
	quiet(t, a)
	listener = serve()
	defer func() { _ = listener.Close() }()
	go func() {
		connection := <-accepted
		_, _ = io.WriteString(connection, "type=B\n") // expect sees whether it arrived
	}()
	expect(t, a, "type=B")
	if !said.has("closed") || !said.has("is back") {
		t.Errorf("it said %q", said.said)
	}
}

// FuzzDispatched never fails otherwise than with an error, keeps within its
// buffer and loses no line.
func FuzzDispatched(f *testing.F) {
	f.Add([]byte("type=A msg=audit(1.000:1): x\nnode=b type=B\n"), 7)
	f.Add([]byte(frame(0, 1300, "audit(1.000:1): a")+frame(1, 1320, "type=EOE")), 5)
	f.Add([]byte{0, 0, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		whole, wholeErr := dispatchAll(t, data, len(data)+1)
		pieces, piecesErr := dispatchAll(t, data, 1+(size&0xff))
		if (wholeErr == nil) != (piecesErr == nil) || !slices.Equal(whole, pieces) {
			t.Errorf("whole %q (%v), in pieces %q (%v)", whole, wholeErr, pieces, piecesErr)
		}
	})
}

// dispatchAll gives the records of a stream that arrives in pieces.
func dispatchAll(t *testing.T, data []byte, size int) ([]string, error) {
	t.Helper()
	var count counters
	d := newDispatched(&count)
	var got []string
	for len(data) > 0 {
		n, err := d.fill(&piece{data: data[:min(size, len(data))]})
		if err != nil || n == 0 {
			t.Fatalf("no room: %d, %v", n, err)
		}
		data = data[n:]
		err = d.split()
		got = append(got, texts(d.messages)...)
		if err != nil {
			return got, err
		}
	}
	if d.rest() {
		got = append(got, texts(d.messages)...)
	}
	return got, nil
}

// piece is a reader of a few bytes.
type piece struct{ data []byte }

func (p *piece) Read(to []byte) (int, error) { return copy(to, p.data), nil }
