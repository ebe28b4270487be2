package health

import (
	"math/rand/v2"
	"testing"
)

func TestGaps(t *testing.T) {
	for _, test := range []struct {
		name    string
		numbers func(saw func(uint64))
		missing uint64
	}{
		{"none", func(saw func(uint64)) {
			for n := uint64(100); n < 100000; n++ {
				saw(n)
				saw(n)
			}
		}, 0},
		{"three in a row and one", func(saw func(uint64)) {
			for n := uint64(100); n < 50000; n++ {
				if n != 2000 && n != 2001 && n != 2002 && n != 40000 {
					saw(n)
				}
			}
		}, 4},
		{"out of order", func(saw func(uint64)) {
			random := rand.New(rand.NewPCG(1, 2))
			for block := uint64(0); block < 40; block++ {
				for _, i := range random.Perm(gapWindow / 4) {
					saw(1000 + block*gapWindow/4 + uint64(i))
				}
			}
		}, 0},
		{"a gap larger than the window", func(saw func(uint64)) { saw(10); saw(11); saw(11 + 5*gapWindow) }, 5*gapWindow - 1},
		{"another count begins", func(saw func(uint64)) { saw(1 << 40); saw(1<<40 + 1); saw(7); saw(8) }, 0},
		{"only one", func(saw func(uint64)) { saw(1 << 62) }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var g Gaps
			test.numbers(g.Saw)
			g.Settle()
			g.Settle()
			want := test.missing
			// What came first of a permuted block may have come after others.
			if got := g.Missing(); got != want && test.name != "out of order" || got > want && test.name == "out of order" {
				t.Errorf("%d missing, want %d", got, want)
			}
		})
	}
}
