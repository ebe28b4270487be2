package alertlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tripline/hunt"
	"tripline/internal/diag"
)

// maxLineBytes is the length of the longest document that is read. Alerts with
// evidence have some tens of KiB.
const maxLineBytes = 16 << 20

// Counts say what a reader saw.
type Counts struct {
	// Alerts counts alerts that passed the filter, Others those that did not.
	Alerts, Others uint64
	// Evidence counts the documents that follow an alert and have its evidence.
	Evidence uint64
	// Health counts alerts about the sensor itself.
	Health uint64
	// Foreign counts lines that are no alert: of others, or torn by a crash.
	Foreign uint64
	// Torn counts files that end within a line, which the sensor may just be
	// writing.
	Torn uint64
	// Failed counts files that could not be read, or not to their end.
	Failed int
}

// Reader reads alerts from files.
type Reader struct {
	lens   *hunt.Lens
	filter Filter
	stdin  io.Reader
	report func(error)
	counts Counts
}

// NewReader makes a reader of the alerts that a filter wants. The name "-" stands
// for stdin. The report function is told of every defect; it costs nothing else.
// The error is that of the filter's condition.
func NewReader(filter Filter, stdin io.Reader, report func(error)) (*Reader, error) {
	lens, err := hunt.NewLens(filter.Where, fieldNames()...)
	if err != nil {
		return nil, fmt.Errorf("the condition cannot be used: %w", err)
	}
	return &Reader{lens: lens, filter: filter, stdin: stdin, report: report}, nil
}

// Counts says what was seen so far.
func (r *Reader) Counts() Counts { return r.counts }

// Each calls back for every alert that the filter wants, in the order of files
// and lines, and for the evidence of any alert, which a Collection or Joiner puts
// in its place. An error of the callback ends the reading and is returned; a file
// that cannot be read does not keep the others from being read.
func (r *Reader) Each(ctx context.Context, files []string, yield func(*Alert) error) error {
	for _, file := range files {
		failure, err := r.file(ctx, file, yield)
		if err != nil {
			return err
		}
		if failure != nil {
			r.counts.Failed++
			r.report(failure)
		}
	}
	return nil
}

// file reads one file. The failure is the file's, the error ends everything.
func (r *Reader) file(ctx context.Context, name string, yield func(*Alert) error) (failure, err error) {
	in := io.NopCloser(r.stdin)
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("reading alerts: %w", err), nil
		}
		in = opened
	}
	defer func() { _ = in.Close() }() // nothing was written
	buffered := bufio.NewReaderSize(in, 256<<10)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // what Peek lacks, reading says
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%s: reading gzip: %w", name, err), nil
		}
		buffered = bufio.NewReaderSize(unzipped, 256<<10)
	}
	return r.lines(ctx, name, buffered, yield)
}

// lines reads the lines of a file.
func (r *Reader) lines(ctx context.Context, name string, in *bufio.Reader, yield func(*Alert) error) (failure, err error) {
	var line []byte
	for number := 1; ; number++ {
		if number%256 == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("reading alerts: %w", context.Cause(ctx))
		}
		var tooLong bool
		line, tooLong, failure = readLine(in, line[:0])
		ended := errors.Is(failure, io.EOF)
		switch {
		case failure != nil && !ended:
			return fmt.Errorf("%s:%d: reading alerts: %w", name, number, failure), nil
		case tooLong:
			r.foreign(&diag.Error{File: name, Line: number, Message: fmt.Sprintf("line is longer than %d bytes and is skipped", maxLineBytes)})
		case len(bytes.TrimSpace(line)) == 0:
		default:
			one, defect := r.line(name, number, line)
			if defect != nil && defect.Column > 0 && ended {
				r.counts.Torn++
				r.report(&diag.Error{File: name, Line: number, Message: "the last line is not complete and is left out", Hint: "if the sensor runs it may be writing it just now"})
			} else if defect != nil {
				r.foreign(defect)
			}
			if one == nil {
				break
			}
			if err := yield(one); err != nil {
				return nil, err
			}
		}
		if ended {
			return nil, nil
		}
	}
}

// readLine appends the next line, without its ending, to a buffer. Of one that is
// too long nothing is kept. The error is io.EOF at the end of the file; a line
// without an ending comes with it.
func readLine(in *bufio.Reader, line []byte) (all []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxLineBytes {
			tooLong = true
		}
		if tooLong {
			line = line[:0]
		} else {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(line, []byte{'\n'}), tooLong, err
	}
}

func (r *Reader) foreign(defect *diag.Error) {
	r.counts.Foreign++
	r.report(defect)
}

// line reads one line: an alert, or nil with a defect where it is no document of
// Tripline's. Both are nil for what is not wanted.
func (r *Reader) line(name string, number int, line []byte) (*Alert, *diag.Error) {
	if err := r.lens.Look(line); err != nil {
		defect := &diag.Error{Message: err.Error()}
		errors.As(err, &defect)
		defect.File, defect.Line, defect.Source = name, number, ""
		return nil, defect
	}
	one := alertOf(r.lens, line)
	switch {
	case one.ID == "" && firstOf(r.lens.Value(fieldHealthID)).Text() != "":
		r.counts.Health++
		return nil, nil
	case one.ID == "":
		return nil, &diag.Error{File: name, Line: number, Message: "this is no alert: it has no tripline.alert.id"}
	case one.Evidence && r.filter.wants(one):
		r.counts.Evidence++
	case one.Evidence:
		return nil, nil
	case !r.filter.wants(one) || !r.lens.Holds():
		r.counts.Others++
		return nil, nil
	default:
		r.counts.Alerts++
	}
	one.File, one.Line = name, number
	return one, nil
}
