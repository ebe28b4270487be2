package hunt

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// patience is how long a hunt whose context has ended may take to end. It looks
// at the context between documents; only a condition over one huge document takes
// longer, and is then left to itself.
const patience = time.Second

// interrupted is the error of a hunt whose context has ended.
func interrupted(ctx context.Context) error {
	return fmt.Errorf("hunting: %w", context.Cause(ctx))
}

// outcome is what a hunt returns.
type outcome struct {
	summary Summary
	err     error
}

// runPatiently calls work with options that stop calling back when it returns,
// which is soon after the context ends also when work does not.
func runPatiently(ctx context.Context, options Options, work func(Options) outcome) outcome {
	var gate gate
	done := make(chan outcome, 1)
	go func() { done <- work(gate.guard(options)) }()
	select {
	case result := <-done:
		return result
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case result := <-done:
		return result
	case <-timer.C:
		gate.close()
		return outcome{err: fmt.Errorf("%w, in the middle of a document", interrupted(ctx))}
	}
}

// gate keeps callbacks from being called once it is closed.
type gate struct {
	mutex  sync.Mutex
	closed bool
}

func (g *gate) close() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = true
}

// guard puts the gate before the callbacks of options.
func (g *gate) guard(options Options) Options {
	guarded := options
	guarded.OnMatch = func(match *Match) error {
		err := errStop
		g.pass(func() { err = options.OnMatch(match) })
		return err
	}
	guarded.Report = func(defect error) { g.pass(func() { options.Report(defect) }) }
	if options.OnProgress != nil {
		guarded.OnProgress = func(progress Progress) { g.pass(func() { options.OnProgress(progress) }) }
	}
	return guarded
}

func (g *gate) pass(call func()) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if !g.closed {
		call()
	}
}
