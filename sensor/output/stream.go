package output

import (
	"context"
	"fmt"
	"io"
)

// Stream writes documents to an open stream, such as the standard output: as
// JSON lines, or in the form for a person.
type Stream struct {
	name string
	to   io.Writer
	text bool
	line []byte
}

var _ Writer = (*Stream)(nil)

// NewStream makes an output of w, which stays the caller's to close. With text
// it writes the form for a person where a document has one.
func NewStream(name string, w io.Writer, text bool) *Stream {
	return &Stream{name: name, to: w, text: text}
}

// Name implements Writer.
func (s *Stream) Name() string { return s.name }

// Write implements Writer.
func (s *Stream) Write(_ context.Context, document Document) error {
	s.line = s.line[:0]
	if s.text && len(document.Text) > 0 {
		s.line = append(s.line, document.Text...)
	} else {
		s.line = append(append(s.line, document.JSON...), '\n')
	}
	if _, err := s.to.Write(s.line); err != nil {
		return fmt.Errorf("writing to %s: %w", s.name, err)
	}
	return nil
}

// Close implements Writer. The stream stays open.
func (s *Stream) Close() error { return nil }
