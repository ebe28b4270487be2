package hunt

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

const (
	// readBytes is how much is read at once.
	readBytes = 256 << 10
	// maxLineBytes is the length of the longest line that is read.
	maxLineBytes = 64 << 20
)

// errLineTooLong is the error of a line that was skipped.
var errLineTooLong = errors.New("line is too long")

// input is one file of documents, plain or compressed with gzip.
type input struct {
	// name is the file as the user knows it.
	name string
	// line is the number of the line that next returned last.
	line int

	file   io.ReadCloser
	raw    *countingReader
	reader io.Reader
	buffer []byte
	// start to end is the part of buffer that was read and not yet returned.
	start, end int
	// err ends the input after what is in buffer.
	err error
	// longest is the length of the longest line that is read.
	longest int
}

// openInput opens a file, or stdin for the name "-".
func openInput(ctx context.Context, name string, stdin io.Reader, buffer []byte) (*input, error) {
	in := &input{name: name, buffer: buffer, longest: maxLineBytes}
	if name == "-" {
		in.file = newInterruptible(ctx, io.NopCloser(stdin))
	} else {
		file, err := openFile(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
		in.file = file
	}
	in.raw = &countingReader{reader: in.file}
	buffered := bufio.NewReaderSize(in.raw, readBytes)
	in.reader = buffered
	magic, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(fmt.Errorf("%s: reading events: %w", name, err), in.close())
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: reading gzip: %w", name, err), in.close())
		}
		in.reader = unzipped
	}
	return in, nil
}

// openFile opens a file that may be a pipe.
func openFile(ctx context.Context, name string) (io.ReadCloser, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		return file, nil
	}
	return newInterruptible(ctx, file), nil
}

func (in *input) close() error { return in.file.Close() }

// next returns the next line without its ending, valid until the call after
// it. The error is io.EOF at the end and errLineTooLong for a line that was
// skipped; any other ends the input.
func (in *input) next() ([]byte, error) {
	searched := in.start
	for {
		if newline := bytes.IndexByte(in.buffer[searched:in.end], '\n'); newline >= 0 {
			line := in.buffer[in.start : searched+newline]
			in.start = searched + newline + 1
			in.line++
			return line, nil
		}
		if in.err != nil {
			return in.last()
		}
		if in.end-in.start > in.longest {
			in.line++
			return nil, in.skipLine()
		}
		pending := in.end - in.start
		in.fill()
		searched = in.start + pending
	}
}

// last returns the line that has no line ending.
func (in *input) last() ([]byte, error) {
	if in.start == in.end || !errors.Is(in.err, io.EOF) {
		return nil, in.err
	}
	line := in.buffer[in.start:in.end]
	in.start = in.end
	in.line++
	return line, nil
}

// fill reads more behind what is pending.
func (in *input) fill() {
	if in.start > 0 {
		copy(in.buffer, in.buffer[in.start:in.end])
		in.start, in.end = 0, in.end-in.start
	}
	if in.end == len(in.buffer) {
		in.buffer = append(in.buffer, make([]byte, max(readBytes, len(in.buffer)))...)
	}
	n, err := in.reader.Read(in.buffer[in.end:])
	in.end += n
	in.err = err
}

// skipLine reads on behind the next line ending.
func (in *input) skipLine() error {
	for {
		in.start, in.end = 0, 0
		in.fill()
		if newline := bytes.IndexByte(in.buffer[:in.end], '\n'); newline >= 0 {
			in.start = newline + 1
			return errLineTooLong
		}
		if in.err != nil {
			in.start = in.end
			return errLineTooLong
		}
	}
}

// countingReader counts what is read through it.
type countingReader struct {
	reader io.Reader
	bytes  int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.bytes += int64(n)
	return n, err
}

// interruptible reads from a stream whose reads may wait for ever, and gives
// up when its context ends. The read that waits is then left to itself.
type interruptible struct {
	ctx    context.Context
	stream io.Closer
	chunks chan chunk
	spare  chan []byte
	closed atomic.Bool
	rest   []byte
	whole  []byte
	err    error
}

type chunk struct {
	data []byte
	err  error
}

func newInterruptible(ctx context.Context, stream io.ReadCloser) *interruptible {
	r := &interruptible{ctx: ctx, stream: stream, chunks: make(chan chunk, 2), spare: make(chan []byte, 2)}
	r.spare <- make([]byte, readBytes)
	r.spare <- make([]byte, readBytes)
	go r.pump(stream)
	return r
}

// pump reads the stream ahead until it ends or nobody wants more.
func (r *interruptible) pump(stream io.Reader) {
	defer close(r.chunks)
	for buffer := range r.spare {
		n, err := stream.Read(buffer)
		r.chunks <- chunk{buffer[:n], err}
		if err != nil || r.closed.Load() {
			return
		}
	}
}

// Read implements io.Reader.
func (r *interruptible) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.whole != nil {
			r.spare <- r.whole[:cap(r.whole)]
			r.whole = nil
		}
		select {
		case <-r.ctx.Done():
			r.err = context.Cause(r.ctx)
		case next, ok := <-r.chunks:
			if !ok {
				r.err = io.EOF
				break
			}
			r.whole, r.rest, r.err = next.data, next.data, next.err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// Close closes the stream and lets the read ahead end.
func (r *interruptible) Close() error {
	r.closed.Store(true)
	close(r.spare)
	return r.stream.Close()
}
