package source

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// written is a log that a test writes.
type written struct {
	t    *testing.T
	path string
	file *os.File
}

func writeLog(t *testing.T, text string) *written {
	t.Helper()
	w := &written{t: t, path: filepath.Join(t.TempDir(), "audit.log")}
	w.create()
	w.add(text)
	return w
}

func (w *written) create() {
	w.t.Helper()
	file, err := os.OpenFile(w.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.file = file
	w.t.Cleanup(func() { _ = file.Close() })
}

func (w *written) add(text string) {
	w.t.Helper()
	if _, err := w.file.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// rename moves the log away as auditd does: every older one gets the next number.
func (w *written) rename() {
	w.t.Helper()
	for i := 8; i >= 1; i-- {
		older := fmt.Sprintf("%s.%d", w.path, i)
		if err := os.Rename(older, fmt.Sprintf("%s.%d", w.path, i+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
			w.t.Fatal(err)
		}
	}
	_ = w.file.Close()
	if err := os.Rename(w.path, w.path+".1"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *written) rotate() {
	w.t.Helper()
	w.rename()
	w.create()
}

// follow opens the log; what it notifies is kept.
func follow(t *testing.T, w *written) (*Tail, *notes) {
	t.Helper()
	said := &notes{}
	tail, err := OpenTail(TailOptions{Path: w.path, Notify: said.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tail.Close(); err != nil {
			t.Error(err)
		}
	})
	return tail, said
}

// notes are what a source said.
type notes struct {
	mu   sync.Mutex
	said []string
}

func (n *notes) add(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, what)
}

func (n *notes) has(part string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.ContainsFunc(n.said, func(one string) bool { return strings.Contains(one, part) })
}

// expect receives until the lines are those, or for a while and they are not.
func expect(t *testing.T, from Source, want ...string) {
	t.Helper()
	var got []string
	for deadline := time.Now().Add(10 * time.Second); len(got) < len(want) && time.Now().Before(deadline); {
		messages, err := from.Receive(50 * time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, texts(messages)...)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("received %q, want %q", got, want)
	}
}

func texts(messages []Message) []string {
	var got []string
	for _, m := range messages {
		got = append(got, string(m.Data))
	}
	return got
}

// quiet receives for a moment and wants nothing.
func quiet(t *testing.T, from Source) {
	t.Helper()
	messages, err := from.Receive(30 * time.Millisecond)
	if err != nil || len(messages) != 0 {
		t.Fatalf("received %q and %v, want nothing", texts(messages), err)
	}
}

func TestTailGrows(t *testing.T) {
	w := writeLog(t, "old\n")
	tail, _ := follow(t, w)
	quiet(t, tail)
	w.add("a\nb\n")
	expect(t, tail, "a", "b")
	w.add("half")
	quiet(t, tail)
	w.add(" whole\nc\n")
	expect(t, tail, "half whole", "c")
}

// TestTailStartsInALine takes the line whole whose beginning was there already.
func TestTailStartsInALine(t *testing.T) {
	w := writeLog(t, "old\nbeg")
	tail, _ := follow(t, w)
	w.add("un\n")
	expect(t, tail, "begun")
}

func TestTailRotations(t *testing.T) {
	w := writeLog(t, "old\n")
	tail, _ := follow(t, w)
	w.add("a\n")
	w.rotate()
	w.add("b\n")
	expect(t, tail, "a", "b")
	// More than once before it looks again.
	w.add("c\n")
	w.rotate()
	w.add("d\n")
	w.rotate()
	w.add("e\n")
	w.rotate()
	w.add("f\n")
	expect(t, tail, "c", "d", "e", "f")
}

func TestTailTornByRotation(t *testing.T) {
	w := writeLog(t, "")
	tail, _ := follow(t, w)
	w.add("a\ntorn")
	w.rotate()
	w.add("b\n")
	var got []Message
	for len(got) < 3 {
		messages, err := tail.Receive(5 * time.Second)
		if err != nil || len(messages) == 0 {
			t.Fatalf("received %q, then %v", texts(got), err)
		}
		for _, m := range messages {
			m.Data = slices.Clone(m.Data)
			got = append(got, m)
		}
	}
	if want := []string{"a", "torn", "b"}; !slices.Equal(texts(got), want) || !got[1].Torn || got[0].Torn || got[2].Line != 1 {
		t.Errorf("received %+v", got)
	}
}

func TestTailCut(t *testing.T) {
	w := writeLog(t, "old old old\n")
	tail, _ := follow(t, w)
	w.add("a\n")
	expect(t, tail, "a")
	if err := w.file.Truncate(0); err != nil {
		t.Fatal(err)
	}
	w.add("b\n")
	expect(t, tail, "b")
}

func TestTailMissingForAWhile(t *testing.T) {
	w := writeLog(t, "")
	tail, said := follow(t, w)
	w.rename()
	quiet(t, tail)
	if !said.has("is missing") {
		t.Error("it was not said that the log is missing")
	}
	w.create()
	w.add("a\n")
	expect(t, tail, "a")
	if !said.has("followed again") {
		t.Error("it was not said that the log is back")
	}
}

func TestTailRemoved(t *testing.T) {
	w := writeLog(t, "")
	tail, said := follow(t, w)
	w.add("a\n")
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	w.create()
	w.add("b\n")
	expect(t, tail, "a", "b")
	if !said.has("may be missing") {
		t.Error("it was not said that something may be missing")
	}
}

// TestTailWithoutInotify polls.
func TestTailWithoutInotify(t *testing.T) {
	w := writeLog(t, "")
	tail, _ := follow(t, w)
	if err := tail.watch.close(); err != nil {
		t.Fatal(err)
	}
	tail.watch = &fileWatch{fd: -1}
	time.AfterFunc(20*time.Millisecond, func() { w.add("a\n") })
	expect(t, tail, "a")
	w.rotate()
	time.AfterFunc(20*time.Millisecond, func() { w.add("b\n") })
	expect(t, tail, "b")
}

func TestTailCannotOpen(t *testing.T) {
	folder := t.TempDir()
	for name, path := range map[string]string{"missing": filepath.Join(folder, "none"), "a folder": folder, "a device": "/dev/zero"} {
		if tail, err := OpenTail(TailOptions{Path: path}); err == nil {
			t.Errorf("%s: no error", name)
			_ = tail.Close()
		}
	}
}

func TestTailInterruptAndWake(t *testing.T) {
	tail, _ := follow(t, writeLog(t, ""))
	time.AfterFunc(10*time.Millisecond, tail.Wake)
	if messages, err := tail.Receive(-1); err != nil || len(messages) != 0 {
		t.Errorf("woken: %v, %v", messages, err)
	}
	time.AfterFunc(10*time.Millisecond, tail.Interrupt)
	if _, err := tail.Receive(-1); !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
}

// TestTailUnderLoad writes in random pieces and rotates while it is read: every
// line arrives once, in order.
func TestTailUnderLoad(t *testing.T) {
	w := writeLog(t, "")
	tail, _ := follow(t, w)
	const count = 20000
	go func() {
		random := rand.New(rand.NewPCG(1, 2))
		pending := ""
		for i := range count {
			pending += fmt.Sprintf("line %d\n", i)
			if random.IntN(20) == 0 {
				cut := random.IntN(len(pending))
				w.add(pending[:cut])
				pending = pending[cut:]
			}
			if random.IntN(2000) == 0 {
				w.add(pending)
				pending = ""
				w.rotate()
			}
			if random.IntN(500) == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		w.add(pending)
	}()
	for next := 0; next < count; {
		messages, err := tail.Receive(10 * time.Second)
		if err != nil || len(messages) == 0 {
			t.Fatalf("after %d lines: %d messages, %v", next, len(messages), err)
		}
		for _, m := range messages {
			if want := fmt.Sprintf("line %d", next); string(m.Data) != want || m.Torn {
				t.Fatalf("received %q, want %q", m.Data, want)
			}
			next++
		}
	}
}
