package hunt

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// TestSorter sorts random lines in memory and on disk, in one run and in so
// many that they are merged before the end.
func TestSorter(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, test := range []struct {
		name         string
		count, limit int
		ordered      bool
		wantRuns     int // at least; 0 for nothing on disk
	}{
		{"nothing", 0, 1000, false, 0},
		{"in memory", 1000, 1 << 20, false, 0},
		{"a few runs", 5000, 100_000, false, 2},
		{"more runs than are merged at once", 1000, 1, false, 2},
		{"in order", 5000, 1000, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			s := newSorter(test.limit, folder)
			want := fillSorter(t, s, random, test.count, test.ordered)
			runs := 0
			if s.spilled != nil {
				runs = len(s.spilled.runs)
			}
			if runs < test.wantRuns || runs > maxRuns || test.ordered && runs != 1 || test.wantRuns == 0 && runs > 0 {
				t.Errorf("%d runs", runs)
			}
			var got []string
			if err := s.each(t.Context(), func(line []byte) error {
				got = append(got, string(line))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d lines are not in order or not the %d that were added", len(got), len(want))
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("files were left: %v, %v", left, err)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// fillSorter adds lines and returns them as they should come out.
func fillSorter(t *testing.T, s *sorter, random *rand.Rand, count int, ordered bool) []string {
	t.Helper()
	entries := make([]entry, 0, count)
	for i := range count {
		p := place{time: int64(random.IntN(count/4 + 1)), arrival: uint64(i)}
		if random.IntN(4) > 0 {
			p.tiebreaker, p.hasTiebreaker = int64(random.IntN(5)-2), true
		}
		line := fmt.Appendf(nil, "line %d %*d", i, random.IntN(60), i)
		if random.IntN(500) == 0 {
			line = append(line, make([]byte, blockBytes/2)...)
		}
		entries = append(entries, entry{p, line})
	}
	sorted := slices.Clone(entries)
	slices.SortFunc(sorted, func(a, b entry) int { return a.place.compare(b.place) })
	if ordered {
		entries = sorted
	}
	for _, e := range entries {
		if err := s.add(t.Context(), e.place, e.line); err != nil {
			t.Fatal(err)
		}
	}
	lines := make([]string, 0, count)
	for _, e := range sorted {
		lines = append(lines, string(e.line))
	}
	return lines
}

func TestSorterStops(t *testing.T) {
	for _, limit := range []int{1, 1 << 20} {
		s := newSorter(limit, t.TempDir())
		fillSorter(t, s, rand.New(rand.NewPCG(9, 10)), 10, false)
		visited := 0
		err := s.each(t.Context(), func([]byte) error {
			visited++
			return errStop
		})
		if !errors.Is(err, errStop) || visited != 1 {
			t.Errorf("%d lines, %v", visited, err)
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSorterNeedsAFolder(t *testing.T) {
	s := newSorter(1, t.TempDir()+"/absent")
	err := s.add(t.Context(), place{}, []byte("a"))
	if err == nil {
		err = s.add(t.Context(), place{}, []byte("b"))
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
