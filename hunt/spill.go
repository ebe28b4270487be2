package hunt

import (
	"bufio"
	"container/heap"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const (
	// maxRuns is how many runs are merged at once; each then has a buffer of
	// runBytes.
	maxRuns  = 256
	runBytes = 64 << 10
)

// spill holds sorted runs of lines in a temporary file.
type spill struct {
	folder string
	file   *os.File
	size   int64
	runs   []run
}

// run is a part of the file whose lines are in order.
type run struct {
	from, to int64
	last     place
}

// newSpill makes the temporary file. It has no name any more, so that nothing
// is left of it however the program ends.
func newSpill(folder string) (*spill, error) {
	file, err := os.CreateTemp(folder, "tripline-hunt-*")
	if err != nil {
		return nil, fmt.Errorf("sorting on disk: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("sorting on disk: %w", err), file.Close())
	}
	return &spill{folder: folder, file: file}, nil
}

func (s *spill) close() error { return s.file.Close() }

// write appends sorted entries, as a run of their own or, if they come behind
// the last run's, as a part of that.
func (s *spill) write(ctx context.Context, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	if len(s.runs) >= maxRuns {
		if err := s.compact(ctx); err != nil {
			return err
		}
	}
	w := newRunWriter(s)
	for _, e := range entries {
		w.write(e.place, e.line)
	}
	if err := w.flush(); err != nil {
		return err
	}
	last := len(s.runs) - 1
	if last < 0 || s.runs[last].last.compare(entries[0].place) > 0 {
		s.runs = append(s.runs, run{from: s.size})
		last++
	}
	s.runs[last].to, s.runs[last].last = w.to, entries[len(entries)-1].place
	s.size = w.to
	return nil
}

// compact merges all runs to one, in a new file.
func (s *spill) compact(ctx context.Context) error {
	merged, err := newSpill(s.folder)
	if err != nil {
		return err
	}
	w := newRunWriter(merged)
	var last place
	err = s.each(ctx, func(p place, line []byte) error {
		last = p
		w.write(p, line)
		return w.err
	})
	if err = errors.Join(err, w.flush()); err != nil {
		return errors.Join(err, merged.close())
	}
	err = s.close()
	s.file, s.size, s.runs = merged.file, w.to, []run{{to: w.to, last: last}}
	return err
}

// headerBytes is the size of what is before each line: its place and length.
const headerBytes = 8 + 8 + 1 + 8 + 4

// runWriter writes lines at the end of a file. Its first error stays.
type runWriter struct {
	writer *bufio.Writer
	header [headerBytes]byte
	to     int64
	err    error
}

func newRunWriter(s *spill) *runWriter {
	return &runWriter{writer: bufio.NewWriterSize(io.NewOffsetWriter(s.file, s.size), readBytes), to: s.size}
}

func (w *runWriter) write(p place, line []byte) {
	header := binary.LittleEndian.AppendUint64(w.header[:0], uint64(p.time))
	header = binary.LittleEndian.AppendUint64(header, uint64(p.tiebreaker))
	flag := byte(0)
	if p.hasTiebreaker {
		flag = 1
	}
	header = append(header, flag)
	header = binary.LittleEndian.AppendUint64(header, p.arrival)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(line)))
	_, _ = w.writer.Write(header) // the writer keeps its first error
	if _, err := w.writer.Write(line); err != nil && w.err == nil {
		w.err = sortingError(err)
	}
	w.to += int64(len(header) + len(line))
}

func (w *runWriter) flush() error {
	if err := w.writer.Flush(); err != nil && w.err == nil {
		w.err = sortingError(err)
	}
	return w.err
}

func sortingError(err error) error {
	return fmt.Errorf("sorting on disk (TMPDIR chooses the folder): %w", err)
}

// runReader reads the lines of a run.
type runReader struct {
	reader *bufio.Reader
	header [headerBytes]byte
	place  place
	line   []byte
}

// next reads the next line; io.EOF behind the last.
func (r *runReader) next() error {
	if _, err := io.ReadFull(r.reader, r.header[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return sortingError(err)
	}
	h := r.header[:]
	r.place = place{
		time:          int64(binary.LittleEndian.Uint64(h)),
		tiebreaker:    int64(binary.LittleEndian.Uint64(h[8:])),
		hasTiebreaker: h[16] != 0,
		arrival:       binary.LittleEndian.Uint64(h[17:]),
	}
	length := int(binary.LittleEndian.Uint32(h[25:]))
	if cap(r.line) < length {
		r.line = make([]byte, length)
	}
	r.line = r.line[:length]
	if _, err := io.ReadFull(r.reader, r.line); err != nil {
		return sortingError(err)
	}
	return nil
}

// each calls visit with the lines of all runs in order, each valid during its
// call, until visit returns an error.
func (s *spill) each(ctx context.Context, visit func(place, []byte) error) error {
	var readers runHeap
	for _, r := range s.runs {
		section := io.NewSectionReader(s.file, r.from, r.to-r.from)
		reader := &runReader{reader: bufio.NewReaderSize(section, runBytes)}
		if err := reader.next(); err != nil {
			return err
		}
		readers = append(readers, reader)
	}
	heap.Init(&readers)
	for len(readers) > 0 {
		if ctx.Err() != nil {
			return interrupted(ctx)
		}
		first := readers[0]
		if err := visit(first.place, first.line); err != nil {
			return err
		}
		err := first.next()
		switch {
		case err == nil:
			heap.Fix(&readers, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&readers)
		default:
			return err
		}
	}
	return nil
}

// runHeap has the run with the first line at its top.
type runHeap []*runReader

// Len implements heap.Interface.
func (h runHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h runHeap) Less(i, j int) bool { return h[i].place.compare(h[j].place) < 0 }

// Swap implements heap.Interface.
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface. Nothing is ever pushed.
func (h *runHeap) Push(any) {}

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	reader := (*h)[last]
	*h = (*h)[:last]
	return reader
}
