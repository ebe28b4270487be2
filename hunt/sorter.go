package hunt

import (
	"context"
	"slices"
)

const (
	// defaultSortBytes is how much a sorter holds in memory.
	defaultSortBytes = 64 << 20
	// blockBytes is the size of the blocks that lines are copied into.
	blockBytes = 1 << 20
	// entryBytes is what a line costs beside its text.
	entryBytes = 64
)

// entry is a line and where it belongs.
type entry struct {
	place place
	line  []byte
}

// sorter puts lines in order: in memory up to a limit, beyond it in sorted runs
// in a temporary file. Lines that come in order make one run, however many they
// are.
type sorter struct {
	// limit is how many bytes are held in memory, folder where the temporary
	// file is made ("" for the system's).
	limit  int
	folder string

	entries []entry
	// ordered is true while the entries are in order.
	ordered bool
	used    int
	// block has the room for the next lines; full are the blocks before it,
	// spare those that can be used again.
	block       []byte
	full, spare [][]byte
	spilled     *spill
}

func newSorter(limit int, folder string) *sorter {
	if limit <= 0 {
		limit = defaultSortBytes
	}
	return &sorter{limit: limit, folder: folder, ordered: true}
}

// fits says whether a line can be added without a temporary file.
func (s *sorter) fits(line []byte) bool {
	return s.spilled == nil && (s.used == 0 || s.used+len(line)+entryBytes <= s.limit)
}

// add takes a copy of a line.
func (s *sorter) add(ctx context.Context, p place, line []byte) error {
	cost := len(line) + entryBytes
	if s.used > 0 && s.used+cost > s.limit {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	if last := len(s.entries) - 1; last >= 0 && s.entries[last].place.compare(p) > 0 {
		s.ordered = false
	}
	s.entries = append(s.entries, entry{p, s.copyLine(line)})
	s.used += cost
	return nil
}

// copyLine copies a line into a block.
func (s *sorter) copyLine(line []byte) []byte {
	if len(line) > blockBytes/4 {
		return slices.Clone(line)
	}
	if len(line) > cap(s.block)-len(s.block) {
		if s.block != nil {
			s.full = append(s.full, s.block)
		}
		if last := len(s.spare) - 1; last >= 0 {
			s.block, s.spare = s.spare[last], s.spare[:last]
		} else {
			s.block = make([]byte, 0, blockBytes)
		}
	}
	from := len(s.block)
	s.block = append(s.block, line...)
	return s.block[from:len(s.block):len(s.block)]
}

// sort puts the entries in memory in order.
func (s *sorter) sort() {
	if !s.ordered {
		slices.SortFunc(s.entries, func(a, b entry) int { return a.place.compare(b.place) })
		s.ordered = true
	}
}

// flush writes the entries in memory to the temporary file.
func (s *sorter) flush(ctx context.Context) error {
	s.sort()
	if s.spilled == nil {
		var err error
		if s.spilled, err = newSpill(s.folder); err != nil {
			return err
		}
	}
	if err := s.spilled.write(ctx, s.entries); err != nil {
		return err
	}
	clear(s.entries)
	s.entries, s.used = s.entries[:0], 0
	for _, block := range s.full {
		s.spare = append(s.spare, block[:0])
	}
	s.full = s.full[:0]
	s.block = s.block[:0]
	return nil
}

// each calls visit with the lines in order, each valid during its call, until
// visit returns an error. It is called once, after the last add.
func (s *sorter) each(ctx context.Context, visit func(line []byte) error) error {
	if s.spilled == nil {
		s.sort()
		for _, e := range s.entries {
			if err := visit(e.line); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	s.spare, s.entries, s.block = nil, nil, nil // room for the merge
	return s.spilled.each(ctx, func(_ place, line []byte) error { return visit(line) })
}

// close removes the temporary file.
func (s *sorter) close() error {
	if s.spilled == nil {
		return nil
	}
	return s.spilled.close()
}
