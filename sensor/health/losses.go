package health

import (
	"slices"
	"sync"
	"time"
)

// Loss is a loss of audit records at some moment between two times.
type Loss struct {
	Kind     Kind
	From, To time.Time
	Count    uint64
}

// Losses remembers the latest losses, so that an alert can say whether records
// were lost while its sequence was open. Its methods may be called from several
// goroutines.
type Losses struct {
	mu     sync.Mutex
	latest []Loss
}

// maxLosses is how many losses are remembered. Older ones become one that
// reaches over all of their time.
const maxLosses = 64

// Add remembers a loss.
func (l *Losses) Add(loss Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.latest) == maxLosses {
		l.latest[1].From = l.latest[0].From
		l.latest[1].Count += l.latest[0].Count
		l.latest = slices.Delete(l.latest, 0, 1)
	}
	l.latest = append(l.latest, loss)
}

// Between sums the losses that may have been between two times.
func (l *Losses) Between(from, to time.Time) (sum Loss, kinds []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.latest {
		if one.To.Before(from) || one.From.After(to) {
			continue
		}
		if len(kinds) == 0 || one.From.Before(sum.From) {
			sum.From = one.From
		}
		if one.To.After(sum.To) {
			sum.To = one.To
		}
		sum.Count += one.Count
		if !slices.Contains(kinds, string(one.Kind)) {
			kinds = append(kinds, string(one.Kind))
		}
	}
	return sum, kinds
}
