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

const (
	readBytes = 256 << 10
	// linesBetweenChecks is how many lines are read between two looks at the
	// context.
	linesBetweenChecks = 256
)

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
	documents
	lens   *hunt.Lens
	filter Filter
}

// NewReader makes a reader of the alerts that a filter wants. The name "-" stands
// for stdin. The report function is told of every defect; it costs nothing else.
// The error is that of the filter's condition.
func NewReader(filter Filter, stdin io.Reader, report func(error)) (*Reader, error) {
	lens, err := hunt.NewLens(filter.Where, fieldNames()...)
	if err != nil {
		return nil, fmt.Errorf("the condition cannot be used: %w", err)
	}
	return &Reader{lens: lens, filter: filter, documents: documents{what: "alerts", stdin: stdin, report: report}}, nil
}

// Each calls back for every alert that the filter wants, in the order of files
// and lines, and for the evidence of any alert, which a Collection or Joiner puts
// in its place. An error of the callback ends the reading and is returned; a file
// that cannot be read does not keep the others from being read.
func (r *Reader) Each(ctx context.Context, files []string, yield func(*Alert) error) error {
	return r.each(ctx, files, func(name string, number int, line []byte) (*diag.Error, error) {
		one, defect := r.line(name, number, line)
		if one == nil {
			return defect, nil
		}
		return nil, yield(one)
	})
}

// EventReader reads the events of some time from the files of an event log.
type EventReader struct {
	documents
	lens  *hunt.Lens
	wants func(at int64) bool
}

// NewEventReader makes a reader of the events whose @timestamp, in nanoseconds
// since the Unix epoch, is wanted.
func NewEventReader(wants func(at int64) bool, report func(error)) (*EventReader, error) {
	lens, err := hunt.NewLens("")
	if err != nil {
		return nil, fmt.Errorf("preparing to read events: %w", err)
	}
	return &EventReader{lens: lens, wants: wants, documents: documents{what: "events", report: report}}, nil
}

// Each calls back for every event that is wanted, in the order of files and
// lines. The document is valid during the call.
func (r *EventReader) Each(ctx context.Context, files []string, yield func(document []byte) error) error {
	return r.each(ctx, files, func(name string, number int, line []byte) (*diag.Error, error) {
		if err := r.lens.Look(line); err != nil {
			return syntaxDefect(err, name, number), nil
		}
		at, ok := r.lens.Time()
		switch {
		case !ok:
			return &diag.Error{File: name, Line: number, Message: "this is no event: it has no valid @timestamp"}, nil
		case !r.wants(at):
			r.counts.Others++
			return nil, nil
		}
		return nil, yield(bytes.TrimSpace(line))
	})
}

// documents reads files of one document a line.
type documents struct {
	// what they are, for errors.
	what   string
	stdin  io.Reader
	report func(error)
	counts Counts
}

// Counts says what was seen so far.
func (d *documents) Counts() Counts { return d.counts }

// lineReader takes a line. The defect is the line's, the error ends everything.
type lineReader func(name string, number int, line []byte) (*diag.Error, error)

func (d *documents) each(ctx context.Context, files []string, read lineReader) error {
	for _, file := range files {
		failure, err := d.file(ctx, file, read)
		if err != nil {
			return err
		}
		if failure != nil {
			d.counts.Failed++
			d.report(failure)
		}
	}
	return nil
}

// file reads one file. The failure is the file's, the error ends everything.
func (d *documents) file(ctx context.Context, name string, read lineReader) (failure, err error) {
	in := io.NopCloser(d.stdin)
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", d.what, err), nil
		}
		in = opened
	}
	defer func() { _ = in.Close() }() // nothing was written
	buffered := bufio.NewReaderSize(in, readBytes)
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // what Peek lacks, reading says
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return fmt.Errorf("%s: reading gzip: %w", name, err), nil
		}
		buffered = bufio.NewReaderSize(unzipped, readBytes)
	}
	return d.lines(ctx, name, buffered, read)
}

// lines reads the lines of a file.
func (d *documents) lines(ctx context.Context, name string, in *bufio.Reader, read lineReader) (failure, err error) {
	var line []byte
	for number := 1; ; number++ {
		if number%linesBetweenChecks == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("reading %s: %w", d.what, context.Cause(ctx))
		}
		var tooLong bool
		line, tooLong, failure = readLine(in, line[:0])
		ended := errors.Is(failure, io.EOF)
		switch {
		case failure != nil && !ended:
			return fmt.Errorf("%s:%d: reading %s: %w", name, number, d.what, failure), nil
		case tooLong:
			d.foreign(&diag.Error{File: name, Line: number, Message: fmt.Sprintf("line is longer than %d bytes and is skipped", maxLineBytes)})
		case len(bytes.TrimSpace(line)) > 0:
			defect, err := read(name, number, line)
			if err != nil {
				return nil, err
			}
			if defect != nil {
				d.defect(defect, ended)
			}
		}
		if ended {
			return nil, nil
		}
	}
}

// defect tells a line's defect. A last line that is no JSON may be one that is
// just being written.
func (d *documents) defect(defect *diag.Error, last bool) {
	if last && defect.Column > 0 {
		d.counts.Torn++
		d.report(&diag.Error{
			File: defect.File, Line: defect.Line, Message: "the last line is not complete and is left out",
			Hint: "if the sensor runs it may be writing it just now",
		})
		return
	}
	d.foreign(defect)
}

func (d *documents) foreign(defect *diag.Error) {
	d.counts.Foreign++
	d.report(defect)
}

// syntaxDefect gives the place to what is wrong with a line.
func syntaxDefect(err error, name string, number int) *diag.Error {
	defect := &diag.Error{Message: err.Error()}
	errors.As(err, &defect)
	defect.File, defect.Line, defect.Source = name, number, ""
	return defect
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

// line reads one line: an alert, or nil with a defect where it is no document of
// Tripline's. Both are nil for what is not wanted.
func (r *Reader) line(name string, number int, line []byte) (*Alert, *diag.Error) {
	if err := r.lens.Look(line); err != nil {
		return nil, syntaxDefect(err, name, number)
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
