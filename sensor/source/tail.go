package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// TailOptions say which log is followed.
type TailOptions struct {
	// Path is the log that an audit daemon writes.
	Path string
	// Notify is told in a sentence what happens to the log: that it is missing,
	// back, or cut.
	Notify func(string)
}

// Tail is a Source that follows a log which an audit daemon writes, from its end
// on and across rotation.
type Tail struct {
	options TailOptions
	waker   *waker
	holder  *HeldError
	watch   *fileWatch
	file    *os.File // nil while there is none
	offset  int64
	// final says that a new log was seen, so that this one is read to its end a
	// last time.
	final    bool
	troubled bool // say was called and settle was not
	lines    lines
	count    counters
}

var _ Live = (*Tail)(nil)

// OpenTail opens the log, which must exist and be readable, at its end. Later it
// may be renamed, cut or missing for a while.
func OpenTail(options TailOptions) (*Tail, error) {
	file, err := os.Open(options.Path)
	if err != nil {
		return nil, fmt.Errorf("following the audit daemon's log: %w", err)
	}
	t := &Tail{options: options, file: file}
	t.lines = newLines(liveBuffer, &t.count)
	if t.offset, err = t.lastLine(); err != nil {
		return nil, errors.Join(fmt.Errorf("following the audit daemon's log: %w", err), file.Close())
	}
	if t.waker, err = newWaker(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	t.watch = newFileWatch(options.Path)
	return t, nil
}

// lastLine finds where the log's last line begins if it is still being written,
// and its end else: what is whole already happened before.
func (t *Tail) lastLine() (int64, error) {
	info, err := t.file.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is no regular file", t.options.Path)
	}
	end := info.Size()
	piece := make([]byte, min(end, MaxLine))
	n, err := t.file.ReadAt(piece, end-int64(len(piece)))
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	for i := n - 1; i >= 0; i-- {
		if piece[i] == '\n' {
			return end - int64(len(piece)) + int64(i) + 1, nil
		}
	}
	return end, nil
}

// Receive implements Source.
func (t *Tail) Receive(wait time.Duration) ([]Message, error) {
	deadline := deadlineAfter(wait)
	for !t.waker.interrupted.Load() {
		more := t.read()
		if len(t.lines.messages) > 0 {
			return t.lines.messages, nil
		}
		if more {
			continue
		}
		if past(deadline) {
			return nil, nil
		}
		ready, woken, err := t.waker.wait(t.watch.fd, sooner(deadline, time.Now().Add(t.watch.interval())))
		if err != nil {
			return nil, err
		}
		if ready {
			t.watch.drain()
		}
		if woken && !t.waker.interrupted.Load() {
			return nil, nil
		}
	}
	return nil, ErrInterrupted
}

// read reads on once and reports whether there may be more at once.
func (t *Tail) read() bool {
	t.lines.messages = t.lines.messages[:0]
	if t.file == nil {
		return t.advance(t.options.Path)
	}
	n, err := t.lines.fill(io.NewSectionReader(t.file, t.offset, liveBuffer))
	if n > 0 {
		t.offset += int64(n)
		t.lines.split()
		return true
	}
	if err != nil && !errors.Is(err, io.EOF) {
		t.say("reading " + t.options.Path + " failed (" + err.Error() + "): it is opened again")
		t.leave()
		return false
	}
	return t.follow()
}

// say tells what happens to the log, once until settle.
func (t *Tail) say(what string) {
	if !t.troubled {
		t.options.Notify(what)
	}
	t.troubled = true
}

// settle is called when the log is there and read.
func (t *Tail) settle() {
	if t.troubled {
		t.options.Notify(t.options.Path + " is followed again")
	}
	t.troubled = false
}

// Interrupt implements Source.
func (t *Tail) Interrupt() { t.waker.interrupt() }

// Wake implements Live.
func (t *Tail) Wake() { t.waker.wake() }

// Mode implements Live.
func (t *Tail) Mode() Mode { return Tailing }

// Holder implements Live.
func (t *Tail) Holder() *HeldError { return t.holder }

// Changes implements Live: there are none.
func (t *Tail) Changes() []Change { return nil }

// Stats implements Source.
func (t *Tail) Stats() Stats { return t.count.stats() }

// Close implements Source.
func (t *Tail) Close() error {
	t.leave()
	return errors.Join(t.watch.close(), t.waker.close())
}
