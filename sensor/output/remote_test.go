package output

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeSender remembers what it was given, unless it is told to fail.
type fakeSender struct {
	mu   sync.Mutex
	fail error
	got  []string
	hold chan struct{} // if set, Send waits for it or for the context
	bad  bool          // Send panics once
}

func (s *fakeSender) Name() string { return "fake" }
func (s *fakeSender) Close() error { return nil }

func (s *fakeSender) Send(ctx context.Context, items []*Item) error {
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bad {
		s.bad = false
		panic("a defect")
	}
	if s.fail != nil {
		return s.fail
	}
	for _, one := range items {
		s.got = append(s.got, one.ID)
		one.Done = true
	}
	return nil
}

func (s *fakeSender) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func openRemote(t *testing.T, sender Sender, maxBytes int64) (*Remote, *logged) {
	t.Helper()
	said := &logged{}
	remote, err := OpenRemote(sender, RemoteOptions{
		Folder: filepath.Join(t.TempDir(), "spool"), MaxBytes: maxBytes, Documents: 4, Bytes: 1 << 20,
		FirstPause: time.Millisecond, LongestPause: 10 * time.Millisecond, Log: said.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return remote, said
}

func numbered(n int) Document {
	return Document{ID: fmt.Sprint(n), JSON: fmt.Appendf(nil, `{"n":%d,"x":%q}`, n, strings.Repeat("x", 200)), Time: time.Now()}
}

// TestFullSpool fills a spool whose receiver is away: what was stored stays and
// is delivered in order, what came when it was full is dropped and counted.
func TestFullSpool(t *testing.T) {
	sender := &fakeSender{fail: errors.New("away")}
	remote, said := openRemote(t, sender, 16<<10)
	queue := NewQueue(remote, 8, func(err error) { t.Error(err) })
	stored := uint64(0)
	for n := range 200 {
		if queue.Add(numbered(n)) {
			stored++
		}
		await(t, "the queue has work or is stuck", func() bool { return len(queue.entries) == 0 || remote.full.Load() })
	}
	stats := queue.Stats() // what is stored while its batch is written counts twice
	if stats.Accepted != stored || stats.Dropped != 200-stored || stats.Waiting < stored || stats.Waiting > stored+8 || stats.Writer.Bytes > 16<<10 || stats.Lag == 0 || stored < 50 || stored > 150 {
		t.Errorf("%d were taken: %+v", stored, stats)
	}
	await(t, "retries", func() bool { return queue.Stats().Retried > 3 })
	sender.set(nil)
	await(t, "all is delivered", func() bool { return queue.Stats().Waiting == 0 })
	if err := queue.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range int(stored) {
		want = append(want, fmt.Sprint(n))
	}
	if !slices.Equal(sender.got, want) || queue.Stats().Written != stored || queue.Stats().Failed != 0 {
		t.Errorf("delivered %v, %+v", sender.got, queue.Stats())
	}
	for _, text := range []string{"nothing more can be stored", "the spool takes documents again", "delivery fails", "delivery works again"} {
		if !strings.Contains(said.String(), text) {
			t.Errorf("it did not say %q:\n%s", text, said)
		}
	}
}

// TestSenderThatPanics costs one attempt.
func TestSenderThatPanics(t *testing.T) {
	sender := &fakeSender{bad: true}
	remote, said := openRemote(t, sender, 1<<20)
	if err := remote.Write(context.Background(), numbered(0)); err != nil {
		t.Fatal(err)
	}
	await(t, "delivery", func() bool { return remote.Counters().Delivered == 1 })
	if err := remote.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "a defect") || remote.Counters().Retried != 1 {
		t.Errorf("%+v: %s", remote.Counters(), said)
	}
}

func TestTooLargeForTheSpool(t *testing.T) {
	sender := &fakeSender{}
	remote, _ := openRemote(t, sender, 8<<10)
	large := Document{ID: "large", JSON: make([]byte, 9<<10)}
	if n, err := remote.WriteBatch(context.Background(), []Document{numbered(0), large, numbered(1)}); n != 3 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	await(t, "delivery", func() bool { return remote.Counters().Delivered == 2 })
	if err := remote.Close(); err != nil {
		t.Fatal(err)
	}
	if counters := remote.Counters(); counters.Rejected != 1 || !slices.Equal(sender.got, []string{"0", "1"}) {
		t.Errorf("%+v, delivered %v", counters, sender.got)
	}
}

// TestOutputsDoNotMeet has one output stuck and another go on.
func TestOutputsDoNotMeet(t *testing.T) {
	stuck := &blocking{entered: make(chan struct{}, 10), release: make(chan struct{})}
	sender := &fakeSender{}
	remote, _ := openRemote(t, sender, 1<<20)
	queues := []*Queue{NewQueue(stuck, 4, func(error) {}), NewQueue(remote, 1000, func(err error) { t.Error(err) })}
	for n := range 500 {
		for _, queue := range queues {
			queue.Add(numbered(n))
		}
	}
	await(t, "delivery", func() bool { return queues[1].Stats().Written == 500 })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	for _, queue := range queues {
		if err := queue.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	if stats := queues[0].Stats(); stats.Written != 0 || stats.Dropped+stats.Failed != 500 {
		t.Errorf("%+v", stats)
	}
}

// deaf is a writer that never returns, whatever its context.
type deaf struct{ blocking }

func (d *deaf) Write(context.Context, Document) error { select {} }

func TestWriterThatNeverReturns(t *testing.T) {
	queue := NewQueue(&deaf{}, 4, func(error) {})
	for n := range 3 {
		queue.Add(numbered(n))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := queue.Close(ctx); !errors.Is(err, errAbandoned) || queue.Stats().Failed != 3 {
		t.Errorf("%v, %+v", err, queue.Stats())
	}
}

func TestQueueBoundsBytes(t *testing.T) {
	writer := &blocking{entered: make(chan struct{}, 100), release: make(chan struct{})}
	queue := NewQueue(writer, 1000, func(error) {})
	added := 0
	for range 100 {
		if queue.Add(Document{JSON: make([]byte, 1<<20)}) {
			added++
		}
	}
	if added != maxQueueBytes>>20 {
		t.Errorf("%d MiB were taken", added)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := queue.Close(ctx); err != nil {
		t.Error(err)
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(appendRecord(nil, &Document{ID: "id", Kind: KindEvent, Severity: 6, Time: time.Unix(1, 2), JSON: []byte("{}")}))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, data []byte) {
		one, err := parseRecord(data)
		if err != nil {
			return
		}
		if again := appendRecord(nil, &one); len(one.ID) <= 1<<15 && string(again) != string(data) {
			t.Errorf("%q became %q", data, again)
		}
	})
}

// TestNothingIsBetweenTheCounters looks at the counters again and again while
// documents are delivered: what was taken always waits or was delivered.
func TestNothingIsBetweenTheCounters(t *testing.T) {
	const documents = 400
	sender := &fakeSender{hold: make(chan struct{})}
	remote, _ := openRemote(t, sender, 1<<20)
	for n := range documents {
		if err := remote.Write(context.Background(), numbered(n)); err != nil {
			t.Fatal(err)
		}
	}
	close(sender.hold)
	for done := false; !done; {
		counters := remote.Counters()
		if counters.Waiting+counters.Delivered < documents {
			t.Errorf("%d wait and %d were delivered, of %d", counters.Waiting, counters.Delivered, documents)
			break
		}
		done = counters.Delivered == documents
	}
	if err := remote.Close(); err != nil {
		t.Fatal(err)
	}
}
