package hunt

import (
	"context"
	"errors"
)

// collector brings documents into order on their way to the matcher. Most hunts
// select so few that all are sorted in memory. When there are more, it looks
// whether the input was in order from the beginning: then it needs no sorting,
// and from there on nothing is held. Otherwise they are sorted on disk.
type collector struct {
	queries *Queries
	files   []string
	sorter  *sorter
	matcher *matcher
	// checked says that it is known whether the input is in order, and
	// streaming that it is and documents go straight to the matcher.
	checked, streaming bool
}

func newCollector(queries *Queries, files []string, options *Options) *collector {
	return &collector{
		queries: queries, files: files,
		sorter: newSorter(options.SortBytes, options.SortFolder), matcher: newMatcher(queries, options),
	}
}

// add takes a copy of the next document that a stage matches.
func (c *collector) add(ctx context.Context, p place, line []byte) error {
	if !c.streaming && !c.checked && !c.sorter.fits(line) {
		c.checked = true
		if c.sorter.ordered && inOrder(ctx, c.queries, c.files) {
			c.streaming = true
			if err := c.sorter.each(ctx, func(line []byte) error { return c.matcher.process(ctx, line) }); err != nil {
				return err
			}
			c.sorter = newSorter(0, "")
		}
	}
	if c.streaming {
		return c.matcher.process(ctx, line)
	}
	return c.sorter.add(ctx, p, line)
}

// flush matches what is held, after the last document.
func (c *collector) flush(ctx context.Context) error {
	return c.sorter.each(ctx, func(line []byte) error { return c.matcher.process(ctx, line) })
}

// close releases everything and adds up what was seen.
func (c *collector) close(summary *Summary) error {
	c.matcher.close(summary)
	return c.sorter.close()
}

// inOrder reads files ahead to see whether all their documents are in order.
// False may also mean that this cannot be known, as of a stream.
func inOrder(ctx context.Context, queries *Queries, files []string) bool {
	if totalSize(files) == 0 {
		return false
	}
	fields := newFieldSet()
	names := queries.fields.names
	timestamp, _ := fields.Field(names[queries.timestamp])
	tiebreaker, _ := fields.Field(names[queries.tiebreaker])
	check := &orderCheck{
		scanner:  &scanner{tree: newPathTree(fields.names), timestamp: timestamp.ID, tiebreaker: tiebreaker.ID},
		document: newDocument(fields),
	}
	for _, file := range files {
		if !check.file(ctx, file) {
			return false
		}
	}
	return true
}

// orderCheck compares each document with the one before it.
type orderCheck struct {
	scanner  *scanner
	document *document
	previous place
	arrival  uint64
	buffer   []byte
}

// file reads one file; false if it is not in order or cannot be read.
func (o *orderCheck) file(ctx context.Context, name string) bool {
	in, err := openInput(ctx, name, nil, o.buffer)
	if err != nil {
		return false
	}
	ordered := o.lines(ctx, in)
	o.buffer = in.buffer
	return in.close() == nil && ordered
}

func (o *orderCheck) lines(ctx context.Context, in *input) bool {
	for {
		line, err := in.next()
		if err != nil {
			if errors.Is(err, errLineTooLong) {
				continue
			}
			// Where a file breaks off here, it does so when it is matched.
			return ctx.Err() == nil
		}
		if ctx.Err() != nil {
			return false
		}
		o.document.line = documentOf(in, line)
		if !o.scanner.scan(o.document) || !o.document.hasTime {
			continue
		}
		o.arrival++
		current := placeOf(o.document, o.arrival)
		if o.arrival > 1 && current.compare(o.previous) < 0 {
			return false
		}
		o.previous = current
	}
}
