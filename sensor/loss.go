package sensor

import (
	"sync"

	"github.com/hashicorp/go-hclog"
)

// reportLimit keeps messages about single records from filling the log: the
// first few of each kind are said, then every power of ten.
type reportLimit struct {
	log   hclog.Logger
	mu    sync.Mutex
	count map[string]uint64
}

// shownInFull is how many messages of one kind are said one by one.
const shownInFull = 10

func (r *reportLimit) warn(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == nil {
		r.count = make(map[string]uint64)
	}
	r.count[what]++
	n := r.count[what]
	if n <= shownInFull || isPowerOfTen(n) {
		r.log.Warn(what, "error", err, "times", n)
	}
}

func isPowerOfTen(n uint64) bool {
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	return n == 1
}
