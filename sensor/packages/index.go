package packages

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// indexLimit bounds how many paths an index has, each of 16 bytes.
const indexLimit = 1 << 19

// index maps paths to packages by the hashes of the paths.
type index struct {
	entries  []indexEntry // sorted by hash
	packages []Package
	// full says that paths did not fit.
	full bool
}

type indexEntry struct {
	hash uint64
	of   uint32 // place in packages
}

func (x *index) add(seed maphash.Seed, path []byte) {
	if len(x.entries) >= indexLimit {
		x.full = true
		return
	}
	if len(x.entries) == cap(x.entries) {
		x.entries = slices.Grow(x.entries, max(1024, len(x.entries))) // append alone would copy it thrice as often
	}
	x.entries = append(x.entries, indexEntry{maphash.Bytes(seed, path), uint32(len(x.packages) - 1)})
}

func (x *index) sort() {
	slices.SortFunc(x.entries, func(a, b indexEntry) int { return cmp.Compare(a.hash, b.hash) })
	x.entries = append(make([]indexEntry, 0, len(x.entries)), x.entries...)
}

// find calls try with each package that may have a path until it says true.
func (x *index) find(hash uint64, try func(Package) bool) {
	start, _ := slices.BinarySearchFunc(x.entries, hash, func(one indexEntry, hash uint64) int { return cmp.Compare(one.hash, hash) })
	for _, one := range x.entries[start:] {
		if one.hash != hash || try(x.packages[one.of]) {
			return
		}
	}
}

// indexer keeps an index of a database and makes it anew in the background when
// the database has changed. It may be used by any goroutine.
type indexer struct {
	seed  maphash.Seed
	build func(add func(Package) func(path []byte)) error

	mu    sync.Mutex
	stamp time.Time
	made  *index
	err   error
	ready chan struct{} // closed when made or err is there
}

// errStillReading says that an answer comes too early.
var errStillReading = errors.New("the database is still being read")

// get returns the index of the database as it was changed last at the given time,
// and waits for it until ctx ends.
func (x *indexer) get(ctx context.Context, changed time.Time) (*index, error) {
	x.mu.Lock()
	if x.ready == nil || !x.stamp.Equal(changed) && closed(x.ready) {
		x.stamp, x.ready = changed, make(chan struct{})
		go x.make(x.ready)
	}
	ready := x.ready
	x.mu.Unlock()
	select {
	case <-ready:
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.made, x.err
	case <-ctx.Done():
		return nil, errStillReading
	}
}

func (x *indexer) make(ready chan struct{}) {
	fresh := new(index)
	err := x.build(func(one Package) func([]byte) {
		fresh.packages = append(fresh.packages, one)
		return func(path []byte) { fresh.add(x.seed, path) }
	})
	fresh.sort()
	x.mu.Lock()
	x.made, x.err = fresh, err
	x.mu.Unlock()
	close(ready)
}

func closed(channel chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
