package sensor

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/source"
)

// scriptedLog is a log that is received in parts.
type scriptedLog struct {
	parts       []string
	end         error
	line        int64
	interrupted atomic.Bool
}

func (s *scriptedLog) ReceiveText(buffer []byte) (part source.LogPart, err error) {
	if s.interrupted.Load() {
		return part, source.ErrInterrupted
	}
	if len(s.parts) == 0 {
		return part, s.end
	}
	part = source.LogPart{Text: buffer[:copy(buffer, s.parts[0])], Line: s.line + 1}
	s.parts = s.parts[1:]
	return part, nil
}

func (s *scriptedLog) Passed(lines int) { s.line += int64(lines) }

func (s *scriptedLog) Interrupt() { s.interrupted.Store(true) }

const sessionLine = "type=SYSCALL msg=audit(1700000000.000:%d): arch=c000003e syscall=112 success=yes exit=7 a0=0 a1=0 a2=0 a3=0 items=0 " +
	"ppid=1 pid=%d auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=1 comm=\"a\" exe=\"/a\" key=(null)\n"

// logParts are parts of a log, some empty, some with a line that is no record.
func logParts() (parts []string, sequences []int64, defects int) {
	for part := range 20 {
		var b strings.Builder
		for i := range part {
			if i == 3 {
				b.WriteString("nonsense\n")
				defects++
				continue
			}
			sequence := part*100 + i
			fmt.Fprintf(&b, sessionLine, sequence, sequence)
			sequences = append(sequences, int64(sequence))
		}
		parts = append(parts, b.String())
	}
	return parts, sequences, defects
}

// TestReadAhead has every record of every part taken in order, whatever ends the
// log.
func TestReadAhead(t *testing.T) {
	for _, end := range []error{io.EOF, errors.New("the disk is broken")} {
		t.Run(end.Error(), func(t *testing.T) {
			parts, want, defects := logParts()
			var got []int64
			unreadable := 0
			p := newPipeline(nil, detect.Limits{}, nil)
			p.report = func(error) { unreadable++ }
			p.onEvent = func(event *normalize.Event) {
				sequence, _ := event.Tiebreaker()
				got = append(got, sequence)
			}
			err := p.pumpLog(&scriptedLog{parts: parts, end: end})
			p.finish(true)
			if isEnd := errors.Is(end, io.EOF); isEnd && err != nil || !isEnd && !errors.Is(err, end) {
				t.Errorf("it ended with %v", err)
			}
			if !slices.Equal(got, want) || unreadable != defects {
				t.Errorf("events %v, want %v; %d of %d defects", got, want, unreadable, defects)
			}
		})
	}
}

// TestReadAheadStops has nothing read any more once the results cannot be written.
func TestReadAheadStops(t *testing.T) {
	parts, _, _ := logParts()
	log := &scriptedLog{parts: parts, end: io.EOF}
	p := newPipeline(nil, detect.Limits{}, nil)
	full := errors.New("no space left")
	p.report = func(error) { p.failure = full }
	if err := p.pumpLog(log); !errors.Is(err, full) {
		t.Errorf("it ended with %v", err)
	}
	left := len(log.parts) // a race, were it still read
	if left == 0 {
		t.Error("all was read")
	}
}
