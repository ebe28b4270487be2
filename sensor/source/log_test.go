package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readLog returns what a log's messages were, as copies.
func readLog(t *testing.T, r io.Reader) ([]Message, error) {
	t.Helper()
	log, err := NewLog(r)
	if err != nil {
		return nil, err
	}
	var all []Message
	for {
		messages, err := log.Receive(-1)
		if err != nil {
			return all, err
		}
		for _, m := range messages {
			m.Data = bytes.Clone(m.Data)
			all = append(all, m)
		}
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLogLines(t *testing.T) {
	long := strings.Repeat("x", 3*LogBuffer)
	for _, test := range []struct {
		name, text string
		want       []Message
	}{
		{"empty", "", nil},
		{"lines", "a\nb\n", []Message{{Data: []byte("a"), Line: 1}, {Data: []byte("b"), Line: 2}}},
		{"an empty line", "a\n\nb\n", []Message{{Data: []byte("a"), Line: 1}, {Line: 2}, {Data: []byte("b"), Line: 3}}},
		{"CRLF", "a\r\nb\r\n", []Message{{Data: []byte("a"), Line: 1}, {Data: []byte("b"), Line: 2}}},
		{"cut in a line", "a\nb", []Message{{Data: []byte("a"), Line: 1}, {Data: []byte("b"), Line: 2, Torn: true}}},
		{"too long", "a\n" + long + "\nb\n", []Message{
			{Data: []byte("a"), Line: 1},
			{Data: []byte(long[:256]), Line: 2, TooLong: int64(len(long))},
			{Data: []byte("b"), Line: 3},
		}},
		{"too long and cut", long, []Message{{Data: []byte(long[:256]), Line: 1, TooLong: int64(len(long)), Torn: true}}},
		{"as long as allowed", long[:MaxLine] + "\n", []Message{{Data: []byte(long[:MaxLine]), Line: 1}}},
		{"one byte too long", long[:MaxLine+1] + "\nb\n", []Message{
			{Data: []byte(long[:256]), Line: 1, TooLong: MaxLine + 1}, {Data: []byte("b"), Line: 2},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for reader, r := range map[string]io.Reader{
				"whole":       strings.NewReader(test.text),
				"in pieces":   iotest.HalfReader(strings.NewReader(test.text)),
				"with an end": iotest.DataErrReader(strings.NewReader(test.text)),
				"compressed":  bytes.NewReader(gzipped(t, test.text)),
			} {
				got, err := readLog(t, r)
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: it ended with %v", reader, err)
				}
				if len(got) != len(test.want) {
					t.Errorf("%s: %d messages, want %d", reader, len(got), len(test.want))
					continue
				}
				for i, want := range test.want {
					if !bytes.Equal(got[i].Data, want.Data) || got[i].Line != want.Line ||
						got[i].Torn != want.Torn || got[i].TooLong != want.TooLong {
						t.Errorf("%s: message %d is line %d, torn %v, too long %d, %.40q", reader, i,
							got[i].Line, got[i].Torn, got[i].TooLong, got[i].Data)
					}
				}
			}
		})
	}
}

func TestLogFailures(t *testing.T) {
	text := strings.Repeat("a line of a log\n", 10_000)
	compressed := gzipped(t, text)
	got, err := readLog(t, bytes.NewReader(compressed[:len(compressed)/2]))
	if err == nil || !strings.Contains(err.Error(), "the compressed log is cut off") || len(got) == 0 {
		t.Errorf("cut gzip: %d messages, %v", len(got), err)
	}
	broken := errors.New("the disk is on fire")
	got, err = readLog(t, io.MultiReader(strings.NewReader("a\nb\nc"), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || len(got) != 3 || !strings.Contains(err.Error(), "after line 3") {
		t.Errorf("failing disk: %d messages, %v", len(got), err)
	}
	if _, err := readLog(t, bytes.NewReader([]byte{0x1f, 0x8b, 0xff, 0xff})); err == nil || !strings.Contains(err.Error(), "gzip") {
		t.Errorf("bad gzip header: %v", err)
	}
}

func TestLogInterrupt(t *testing.T) {
	log, err := NewLog(strings.NewReader("a\n"))
	if err != nil {
		t.Fatal(err)
	}
	log.Interrupt()
	if _, err := log.Receive(-1); !errors.Is(err, ErrInterrupted) {
		t.Errorf("it gave %v", err)
	}
}

// FuzzLog checks that no input is lost or invented: the lines, joined again, are
// the input.
func FuzzLog(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), uint8(3))
	f.Add([]byte("\x1f\x8b"), uint8(1))
	f.Fuzz(func(t *testing.T, text []byte, piece uint8) {
		if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			return
		}
		got, err := readLog(t, &pieces{text: text, size: int(piece) + 1})
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		want := bytes.Split(text, []byte("\n"))
		if len(want[len(want)-1]) == 0 {
			want = want[:len(want)-1]
		}
		if len(got) != len(want) {
			t.Fatalf("%d messages, want %d", len(got), len(want))
		}
		for i := range want {
			if !bytes.Equal(got[i].Data, bytes.TrimSuffix(want[i], []byte("\r"))) {
				t.Errorf("message %d is %q, want %q", i, got[i].Data, want[i])
			}
		}
	})
}

// pieces reads a text so many bytes at a time.
type pieces struct {
	text []byte
	size int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(to, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}
