package output

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/sensor/output/spool"
)

// Sender delivers documents to a remote receiver.
type Sender interface {
	// Name says in messages which output this is.
	Name() string
	// Send delivers documents and marks those that are done with, in any order. It
	// returns when all are, or with an error; then those that are not done are
	// sent again later.
	Send(ctx context.Context, items []*Item) error
	// Close frees the sender.
	Close() error
}

// Item is a document on its way to a receiver.
type Item struct {
	Document
	// Sequence is the sender's to number documents with; 0 until it does. It stays
	// while the document is sent again.
	Sequence uint64
	// Done says that the receiver has it, or will never take it.
	Done bool
	// Rejected says that the receiver will never take it.
	Rejected bool
	// Reduced says that it was too large and was sent without some of its parts.
	Reduced bool
}

// WaitError is an error of a Sender that knows when to try again.
type WaitError struct {
	Err error
	// After is for how long not to try again; 0 for as long as usual.
	After time.Duration
}

// Error is the error's text.
func (e *WaitError) Error() string { return e.Err.Error() }

// Unwrap gives the error.
func (e *WaitError) Unwrap() error { return e.Err }

// RemoteOptions say how a Remote works.
type RemoteOptions struct {
	// Folder is that of the spool, MaxBytes its bound.
	Folder   string
	MaxBytes int64
	// Documents and Bytes bound what is sent at once.
	Documents int
	Bytes     int64
	// FirstPause and LongestPause are those between attempts: they double, and a
	// part of each is left to chance, so that many hosts do not come at once.
	FirstPause, LongestPause time.Duration
	// Log is told what goes wrong, and when it works again.
	Log hclog.Logger
}

// stopPatience is how long a Remote goes on delivering after it is closed. The
// rest is delivered by the next run.
const stopPatience = 2 * time.Second

// Remote stores documents in a spool on the disk and delivers them from there in
// their order, on a goroutine of its own. What was stored is delivered at least
// once, over restarts and crashes.
type Remote struct {
	options RemoteOptions
	sender  Sender
	spool   *spool.Spool
	more    chan struct{} // something was stored
	less    chan struct{} // something was delivered
	closing chan struct{}
	done    chan struct{}
	stop    context.CancelFunc
	buffers [][]byte

	delivered, rejected, reduced, retried atomic.Uint64
	// oldest is the time of the first document that is not delivered, in
	// nanoseconds; 0 where none waits.
	oldest  atomic.Int64
	trouble atomic.Pointer[string]
	full    atomic.Bool
}

var (
	_ BatchWriter = (*Remote)(nil)
	_ Counted     = (*Remote)(nil)
)

// OpenRemote opens the spool and starts delivering what an earlier run left in
// it. The sender is closed with the Remote, also when opening fails.
func OpenRemote(sender Sender, options RemoteOptions) (*Remote, error) {
	stored, found, err := spool.Open(spool.Options{Folder: options.Folder, MaxBytes: options.MaxBytes})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the spool of %s: %w", sender.Name(), err), sender.Close())
	}
	if found.Records > 0 || found.Torn > 0 || found.PositionLost {
		options.Log.Info("an earlier run left documents in the spool", "output", sender.Name(), "documents", found.Records,
			"torn_bytes", found.Torn, "may_be_sent_twice", found.PositionLost)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Remote{
		options: options, sender: sender, spool: stored, stop: cancel,
		more: make(chan struct{}, 1), less: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go r.run(ctx)
	return r, nil
}

// Name implements Writer.
func (r *Remote) Name() string { return r.sender.Name() }

// Write implements Writer.
func (r *Remote) Write(ctx context.Context, document Document) error {
	_, err := r.WriteBatch(ctx, []Document{document})
	return err
}

// WriteBatch implements BatchWriter: it stores the documents on the disk. Where
// the spool or the disk is full it waits, and its queue fills.
func (r *Remote) WriteBatch(ctx context.Context, documents []Document) (int, error) {
	r.buffers = r.buffers[:0]
	for i := range documents {
		r.buffers = append(r.buffers, appendRecord(make([]byte, 0, recordHeader+len(documents[i].ID)+len(documents[i].JSON)), &documents[i]))
	}
	defer func() { clear(r.buffers) }()
	stored := 0
	for {
		n, err := r.spool.Append(r.buffers[stored:])
		if stored += n; n > 0 {
			wake(r.more)
		}
		if errors.Is(err, spool.ErrTooLarge) {
			r.options.Log.Error("a document is too large for the spool and is given up", "output", r.Name(), "bytes", len(r.buffers[stored]))
			r.rejected.Add(1)
			stored++
			continue
		}
		if err == nil {
			if r.full.Swap(false) {
				r.options.Log.Info("the spool takes documents again", "output", r.Name())
			}
			return len(documents), nil
		}
		if !r.full.Swap(true) {
			r.options.Log.Error("nothing more can be stored for delivery; documents wait in memory and are dropped when that is full",
				"output", r.Name(), "error", err, "waiting", r.spool.Waiting(), "bytes", r.spool.Size())
		}
		if err := r.awaitRoom(ctx); err != nil {
			return stored, fmt.Errorf("giving up on %d documents for %s: %w", len(documents)-stored, r.Name(), err)
		}
	}
}

// awaitRoom waits until something was delivered, or a moment.
func (r *Remote) awaitRoom(ctx context.Context) error {
	timer := time.NewTimer(retryPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.less:
	case <-timer.C:
	}
	return nil
}

func wake(one chan<- struct{}) {
	select {
	case one <- struct{}{}:
	default:
	}
}

// run delivers until the Remote is closed.
func (r *Remote) run(ctx context.Context) {
	defer close(r.done)
	for ctx.Err() == nil {
		items, err := r.next()
		if err != nil {
			r.say(err)
			if !r.pause(ctx, r.options.LongestPause) {
				return
			}
			continue
		}
		if len(items) > 0 {
			r.deliver(ctx, items)
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.more:
		case <-r.closing:
			return
		}
	}
}

// next reads what is to be sent next.
func (r *Remote) next() ([]*Item, error) {
	records, err := r.spool.Peek(r.options.Documents, r.options.Bytes)
	if err != nil {
		return nil, err
	}
	items := make([]*Item, len(records))
	for i, record := range records {
		items[i] = new(Item)
		if items[i].Document, err = parseRecord(record); err != nil { // of a later version
			items[i].Done, items[i].Rejected = true, true
			r.options.Log.Error("a document is given up", "output", r.Name(), "error", err)
		}
	}
	r.oldest.Store(0)
	if len(items) > 0 {
		r.oldest.Store(items[0].Time.UnixNano())
	}
	return items, nil
}

// deliver sends a batch until all of it is done or ctx ends.
func (r *Remote) deliver(ctx context.Context, items []*Item) {
	pause := r.options.FirstPause
	for {
		var err error
		if pending := undone(items); len(pending) > 0 {
			err = r.send(ctx, pending)
		}
		if done := len(items) - len(fromUndone(items)); done > 0 {
			r.commit(items[:done])
			items = items[done:]
			pause = r.options.FirstPause
		}
		if len(items) == 0 {
			r.sayWell()
			return
		}
		if ctx.Err() != nil {
			return
		}
		r.retried.Add(1)
		if err == nil {
			err = errors.New("the receiver did not take all documents")
		}
		r.say(err)
		wait := pause/2 + rand.N(pause/2+1) //nolint:gosec // chance, not secrecy
		var told *WaitError
		if errors.As(err, &told) && told.After > 0 {
			wait = min(told.After, r.options.LongestPause) + rand.N(r.options.FirstPause+1) //nolint:gosec // as above
		}
		if !r.pause(ctx, wait) {
			return
		}
		pause = min(2*pause, r.options.LongestPause)
	}
}

// send sends, and makes an error of a panic.
func (r *Remote) send(ctx context.Context, items []*Item) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("internal error, please report it: %v\n%s", reason, debug.Stack())
		}
	}()
	return r.sender.Send(ctx, items)
}

// undone lists the items that are not done.
func undone(items []*Item) []*Item {
	var rest []*Item
	for _, one := range items {
		if !one.Done {
			rest = append(rest, one)
		}
	}
	return rest
}

// fromUndone is what begins with the first item that is not done.
func fromUndone(items []*Item) []*Item {
	for i, one := range items {
		if !one.Done {
			return items[i:]
		}
	}
	return nil
}

// commit takes delivered items out of the spool. They are counted first, so that
// nobody finds them neither waiting nor delivered.
func (r *Remote) commit(items []*Item) {
	for _, one := range items {
		switch {
		case one.Rejected:
			r.rejected.Add(1)
		default:
			r.delivered.Add(1)
		}
		if one.Reduced {
			r.reduced.Add(1)
		}
	}
	if err := r.spool.Commit(len(items)); err != nil {
		r.options.Log.Error("a restart may deliver documents again", "output", r.Name(), "error", err)
	}
	wake(r.less)
}

// pause waits; false says that the Remote was closed meanwhile.
func (r *Remote) pause(ctx context.Context, span time.Duration) bool {
	timer := time.NewTimer(span)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-r.closing:
		return false
	case <-timer.C:
		return true
	}
}

// say tells what is wrong, once until it is over or another thing is.
func (r *Remote) say(err error) {
	text := err.Error()
	if before := r.trouble.Swap(&text); before == nil || *before != text {
		r.options.Log.Error("delivery fails; what is not delivered waits on the disk", "output", r.Name(), "error", err,
			"waiting", r.spool.Waiting())
	}
}

// sayWell tells that what was wrong is over.
func (r *Remote) sayWell() {
	if r.trouble.Swap(nil) != nil {
		r.options.Log.Info("delivery works again", "output", r.Name(), "waiting", r.spool.Waiting())
	}
}

// Counters implements Counted.
func (r *Remote) Counters() Counters {
	waiting := uint64(max(0, r.spool.Waiting())) //nolint:gosec // never negative
	// Behind it, since what no longer waits has been counted.
	counters := Counters{
		Deferred: true, Delivered: r.delivered.Load(), Retried: r.retried.Load(), Reduced: r.reduced.Load(),
		Rejected: r.rejected.Load() + uint64(max(0, r.spool.Damaged())), //nolint:gosec // never negative
		Waiting:  waiting, Bytes: r.spool.Size(),
	}
	if oldest := r.oldest.Load(); oldest > 0 && counters.Waiting > 0 {
		counters.Lag = max(0, time.Since(time.Unix(0, oldest)))
	}
	if trouble := r.trouble.Load(); trouble != nil {
		counters.Trouble = *trouble
	}
	return counters
}

// Close implements Writer: it goes on delivering for a moment and leaves the rest
// to the next run.
func (r *Remote) Close() error {
	close(r.closing)
	select {
	case <-r.done:
	case <-time.After(stopPatience):
	}
	r.stop()
	<-r.done
	if waiting := r.spool.Waiting(); waiting > 0 {
		r.options.Log.Warn("documents stay in the spool for the next run", "output", r.Name(), "documents", waiting)
	}
	return errors.Join(r.spool.Close(), r.sender.Close())
}
