package normalize

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// plainTable is a procTable written without regard to speed: a list of keys, the
// one used last at its end.
type plainTable struct {
	limit  int
	keys   []int
	values map[int]int
}

func (t *plainTable) use(key int) {
	t.keys = append(slices.DeleteFunc(t.keys, func(k int) bool { return k == key }), key)
}

func (t *plainTable) drop(key int) {
	t.keys = slices.DeleteFunc(t.keys, func(k int) bool { return k == key })
	delete(t.values, key)
}

func (t *plainTable) put(key, value int) (evicted bool) {
	if _, known := t.values[key]; !known && len(t.keys) == t.limit {
		t.drop(t.keys[0])
		evicted = true
	}
	t.use(key)
	t.values[key] = value
	return evicted
}

func TestProcTableIsLikeAPlainOne(t *testing.T) {
	for _, limit := range []int{1, 2, 7, 50} {
		random := rand.New(rand.NewPCG(1, uint64(limit)))
		plain := plainTable{limit: limit, values: make(map[int]int)}
		table := newProcTable(limit, func(key int, value *int) {
			if *value == 0 || *value != plain.values[key] && plain.values[key] != 0 {
				t.Errorf("forgot %d with %d", key, *value)
			}
		})
		for step := 1; step < 20000; step++ {
			key := random.IntN(2 * limit)
			switch action := random.IntN(100); {
			case action < 50:
				if got, want := table.put(key, step), plain.put(key, step); got != want {
					t.Fatalf("limit %d, step %d: evicted %v, want %v", limit, step, got, want)
				}
			case action < 90:
				got, want := table.get(key), plain.values[key]
				if got == nil && want != 0 || got != nil && *got != want {
					t.Fatalf("limit %d, step %d: got %v, want %d", limit, step, got, want)
				}
				if got != nil {
					plain.use(key)
				}
			case action < 99:
				table.drop(key)
				plain.drop(key)
			default:
				table.dropIf(func(k int, _ *int) bool { return k%3 == 0 })
				for _, k := range slices.Clone(plain.keys) {
					if k%3 == 0 {
						plain.drop(k)
					}
				}
			}
			if len(table.index) != len(plain.keys) || len(table.slots) > limit+1 {
				t.Fatalf("limit %d, step %d: %d entries in %d slots, want %d", limit, step, len(table.index), len(table.slots), len(plain.keys))
			}
		}
	}
}
