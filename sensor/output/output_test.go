package output

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestFileAppendsWholeLines(t *testing.T) {
	for _, test := range []struct{ name, before, want string }{
		{"new", "", "{\"a\":1}\n{\"b\":2}\n"},
		{"existing", "{\"old\":1}\n", "{\"old\":1}\n{\"a\":1}\n{\"b\":2}\n"},
		{"a torn last line", "{\"ol", "{\"ol\n{\"a\":1}\n{\"b\":2}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "alerts.ndjson")
			if test.before != "" {
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(test.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			file, err := OpenFile(FileOptions{Path: path, Sync: true, Log: hclog.NewNullLogger()})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{`{"a":1}`, `{"b":2}`} {
				if err := file.Write(context.Background(), Document{JSON: []byte(text)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != test.want {
				t.Errorf("it holds %q, %v", got, err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
		})
	}
}

func TestFileThatCannotBeOpened(t *testing.T) {
	folder := t.TempDir()
	if _, err := OpenFile(FileOptions{Path: folder, Log: hclog.NewNullLogger()}); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("the error is %v", err)
	}
}

// TestFileTriesAgain writes to a device that is always full and gives up with
// the context, having said once what is wrong.
func TestFileTriesAgain(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	var reports bytes.Buffer
	file, err := OpenFile(FileOptions{Path: "/dev/full", Sync: true, Log: hclog.New(&hclog.LoggerOptions{Output: &reports})})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	err = file.Write(ctx, Document{JSON: []byte(`{}`)})
	if err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("the error is %v", err)
	}
	if said := reports.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "/dev/full") {
		t.Errorf("it said %q", said)
	}
}

// blocking is a writer that waits to be let go.
type blocking struct {
	entered, release chan struct{}
	got              [][]byte
	fail             error
	closed           bool
}

func (b *blocking) Name() string { return "blocking" }

func (b *blocking) Write(ctx context.Context, document Document) error {
	b.entered <- struct{}{}
	select {
	case <-b.release:
	case <-ctx.Done():
		return ctx.Err()
	}
	b.got = append(b.got, document.JSON)
	return b.fail
}

func (b *blocking) Close() error {
	b.closed = true
	return nil
}

func TestQueueNeverWaits(t *testing.T) {
	writer := &blocking{entered: make(chan struct{}, 10), release: make(chan struct{})}
	queue := NewQueue(writer, 2, func(err error) { t.Error(err) })
	var done atomic.Int64
	count := func() { done.Add(1) }
	if !queue.Add(Document{JSON: []byte("1"), Done: count}) {
		t.Fatal("the first was dropped")
	}
	<-writer.entered
	added := 0
	for range 5 {
		if queue.Add(Document{JSON: []byte("more"), Done: count}) {
			added++
		}
	}
	if added != 2 || done.Load() != 3 {
		t.Errorf("%d of 5 fit into a queue of 2, and it is done with %d", added, done.Load())
	}
	close(writer.release)
	if err := queue.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if stats := queue.Stats(); stats != (Stats{Accepted: 3, Written: 3, Dropped: 3, Capacity: 2}) || len(writer.got) != 3 || !writer.closed {
		t.Errorf("%+v, %d written, closed %v", stats, len(writer.got), writer.closed)
	}
	if done.Load() != 6 {
		t.Errorf("of 6 documents the queue says of %d that it is done with them", done.Load())
	}
}

func TestQueueCloseIsBounded(t *testing.T) {
	writer := &blocking{entered: make(chan struct{}, 10), release: make(chan struct{})}
	failures := 0
	queue := NewQueue(writer, 2, func(error) { failures++ })
	queue.Add(Document{JSON: []byte("1")})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := queue.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if stats := queue.Stats(); stats.Failed != 1 || failures != 1 {
		t.Errorf("%+v, %d failures", stats, failures)
	}
}

func TestQueueCountsFailures(t *testing.T) {
	writer := &blocking{entered: make(chan struct{}, 10), release: make(chan struct{}), fail: errors.New("no")}
	close(writer.release)
	said := 0
	queue := NewQueue(writer, 4, func(error) { said++ })
	done := 0
	queue.Add(Document{Done: func() { done++ }})
	queue.Add(Document{Done: func() { done++ }})
	if err := queue.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if stats := queue.Stats(); stats.Failed != 2 || said != 2 || done != 2 {
		t.Errorf("%+v, said %d times, done %d times", stats, said, done)
	}
}

func TestStream(t *testing.T) {
	for _, test := range []struct {
		name string
		text bool
		want string
	}{
		{"JSON", false, "{}\n{}\n"},
		{"text", true, "a person's form\n{}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var to bytes.Buffer
			stream := NewStream("test", &to, test.text)
			for _, document := range []Document{
				{JSON: []byte("{}"), Text: []byte("a person's form\n")},
				{JSON: []byte("{}")},
			} {
				if err := stream.Write(context.Background(), document); err != nil {
					t.Fatal(err)
				}
			}
			if to.String() != test.want {
				t.Errorf("it wrote %q", to.String())
			}
		})
	}
}
