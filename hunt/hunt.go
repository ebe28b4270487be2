package hunt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"tripline/detect"
	"tripline/internal/diag"
)

// Options say how to hunt.
type Options struct {
	// Stdin is read for the file named "-".
	Stdin io.Reader
	// Size is how many matches of each rule are reported, 0 for all.
	Size int
	// OnMatch is called for every match, in the order of their last events. An
	// error ends the hunt and is what Run returns.
	OnMatch func(*Match) error
	// Report is told of every defect of the input. It costs the hunt nothing
	// else.
	Report func(error)
	// OnProgress is called now and then while input is read; nil for never.
	OnProgress func(Progress)
	// Limits bound how many sequences may be pending.
	Limits detect.Limits
	// SortBytes is how many bytes of documents are sorted in memory, 64 MiB by
	// default. What is more goes to a temporary file in SortFolder, by default
	// the system's folder for these.
	SortBytes  int
	SortFolder string
}

// Progress is how far a hunt is.
type Progress struct {
	// Bytes were read of all the input, as it is stored; Total is its size, 0
	// when that is not known.
	Bytes, Total int64
	// Documents were read.
	Documents uint64
}

// Summary is what a hunt saw.
type Summary struct {
	// Documents counts JSON objects, Malformed lines that are none.
	Documents, Malformed uint64
	// Untimed counts documents without a valid timestamp. They have no place
	// in the order and are not matched.
	Untimed uint64
	// Failed counts files that could not be read, or not to their end.
	Failed int
	// Matches counts what was reported.
	Matches uint64
	// Evicted counts pending sequences that were given up, and keys of events
	// that were left out, because a limit was reached.
	Evicted uint64
}

// Run matches the documents of all files, as one stream in the order of their
// timestamps, against the queries. A file that cannot be read does not keep the
// others from being read. It returns soon after the context ends, and calls none of
// the options' functions afterwards.
func Run(ctx context.Context, queries *Queries, files []string, options Options) (Summary, error) {
	result := runPatiently(ctx, options, func(guarded Options) outcome {
		summary, err := runGuarded(ctx, queries, files, guarded)
		return outcome{summary, err}
	})
	return result.summary, result.err
}

func runGuarded(ctx context.Context, queries *Queries, files []string, options Options) (Summary, error) {
	h := &hunter{
		queries: queries, options: options, files: files,
		selector: newSelector(queries), collector: newCollector(queries, files, &options),
	}
	err := h.readFiles(ctx)
	if err == nil {
		err = h.collector.flush(ctx)
	}
	if err == nil || errors.Is(err, errStop) {
		err = h.collector.matcher.finish(ctx)
	}
	h.selector.engine.Close()
	return h.summary, errors.Join(err, h.collector.close(&h.summary))
}

// hunter reads the input of one hunt.
type hunter struct {
	queries   *Queries
	options   Options
	files     []string
	selector  *selector
	collector *collector
	summary   Summary
	// progress has what earlier files contributed.
	progress Progress
	buffer   []byte
	arrival  uint64
}

// readFiles reads all files and hands what some stage matches to the collector.
func (h *hunter) readFiles(ctx context.Context) error {
	h.progress.Total = totalSize(h.files)
	h.buffer = make([]byte, readBytes)
	for _, file := range h.files {
		err := h.readFile(ctx, file)
		var fatal *fatalError
		switch {
		case ctx.Err() != nil:
			return interrupted(ctx)
		case errors.As(err, &fatal):
			return fatal.err
		case err != nil:
			h.summary.Failed++
			h.options.Report(err)
		}
	}
	return nil
}

// totalSize is the size of all files, 0 when one has none that is known.
func totalSize(files []string) int64 {
	total := int64(0)
	for _, file := range files {
		if file == "-" {
			return 0
		}
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		total += info.Size()
	}
	return total
}

// fatalError is an error that is no file's.
type fatalError struct{ err error }

func (e *fatalError) Error() string { return e.err.Error() }
func (e *fatalError) Unwrap() error { return e.err }

// linesBetweenCalls is how many lines are read between two calls of OnProgress.
const linesBetweenCalls = 1024

func (h *hunter) readFile(ctx context.Context, file string) (err error) {
	in, err := openInput(ctx, file, h.options.Stdin, h.buffer)
	if err != nil {
		return err
	}
	defer func() {
		h.buffer = in.buffer
		h.progress.Bytes += in.raw.bytes
		err = errors.Join(err, in.close())
	}()
	for {
		line, err := in.next()
		switch {
		case ctx.Err() != nil: // one document may take long
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLineTooLong):
			h.summary.Malformed++
			h.options.Report(&diag.Error{File: file, Line: in.line, Message: fmt.Sprintf("line is longer than %d bytes and is skipped", maxLineBytes)})
			continue
		case err != nil:
			return fmt.Errorf("%s: reading events: %w", file, err)
		}
		if err := h.readLine(ctx, in, line); err != nil {
			return &fatalError{err}
		}
		if in.line%linesBetweenCalls == 0 {
			h.tellProgress(in)
		}
	}
}

func (h *hunter) tellProgress(in *input) {
	if h.options.OnProgress == nil {
		return
	}
	progress := h.progress
	progress.Bytes += in.raw.bytes
	progress.Documents = h.summary.Documents
	h.options.OnProgress(progress)
}

// readLine scans one line and keeps it if some stage matches it.
func (h *hunter) readLine(ctx context.Context, in *input, line []byte) error {
	document := documentOf(in, line)
	if len(document) == 0 {
		return nil
	}
	d := h.selector.document
	d.line = document
	if !h.selector.scanner.scan(d) {
		h.summary.Malformed++
		h.options.Report(syntaxError(in, line, h.selector.scanner))
		return nil
	}
	h.summary.Documents++
	if !d.hasTime {
		h.summary.Untimed++
		h.options.Report(&diag.Error{File: in.name, Line: in.line, Message: fmt.Sprintf(
			"document has no valid timestamp in %s and is not matched", h.queries.fields.names[h.queries.timestamp])})
		return nil
	}
	h.arrival++
	if !h.selector.selects() {
		return nil
	}
	return h.collector.add(ctx, placeOf(d, h.arrival), document)
}

// shownBytes is the length of the longest line that an error shows.
const shownBytes = 500

// syntaxError says what the scanner found wrong with a line.
func syntaxError(in *input, line []byte, s *scanner) error {
	line = bytes.TrimRight(line, whiteSpace)
	offset := s.at + len(line) - len(s.data)
	defect := &diag.Error{
		File: in.name, Line: in.line, Column: utf8.RuneCount(line[:offset]) + 1,
		Message: s.problem, Hint: "every line has to be one JSON object",
	}
	if len(line) <= shownBytes {
		defect.Source = string(line)
	}
	return defect
}

// whiteSpace is what JSON takes for that.
const whiteSpace = " \t\r\n"

// documentOf is what is between a line's white space, and on a file's first
// line behind the mark of the encoding.
func documentOf(in *input, line []byte) []byte {
	if in.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return trimSpace(line)
}

// trimSpace is bytes.Trim of white space; most lines have none.
func trimSpace(line []byte) []byte {
	for len(line) > 0 && isSpace(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	for len(line) > 0 && isSpace(line[0]) {
		line = line[1:]
	}
	return line
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
