package evidence

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
)

// readerLimit bounds how many readings may run, those included that hang, as one
// of a file on a dead NFS server does.
const readerLimit = 32

// readers runs readings on goroutines that end by themselves, and counts those
// that were not waited for.
type readers struct {
	running   atomic.Int64
	late      atomic.Int64
	abandoned atomic.Uint64
}

// reading is a part that is being read.
type reading[T any] struct {
	result chan *T
	owner  *readers
	// given is set by the one who comes first: the reader with its result, or the
	// one who waited and gave up.
	given *atomic.Bool
}

// start reads a part on a goroutine of its own, or not at all where too many hang.
func start[T any](owner *readers, read func(*T)) *reading[T] {
	if owner.running.Add(1) > readerLimit {
		owner.running.Add(-1)
		return new(reading[T])
	}
	r := &reading[T]{result: make(chan *T, 1), owner: owner, given: new(atomic.Bool)}
	go func() {
		value := new(T)
		defer func() {
			owner.running.Add(-1)
			if reason := recover(); reason != nil {
				value = failed[T](fmt.Sprintf("internal error, please report it: %v\n%s", reason, debug.Stack()))
			}
			if !r.given.CompareAndSwap(false, true) {
				owner.late.Add(-1)
			}
			r.result <- value
		}()
		read(value)
	}()
	return r
}

// await returns the part, or one that says that it was not read until ctx ended.
func (r *reading[T]) await(ctx context.Context, what string) *T {
	if r.result == nil {
		return failed[T](what + " cannot be read: too many earlier readings still hang")
	}
	select {
	case value := <-r.result:
		return value
	case <-ctx.Done():
	}
	if !r.given.CompareAndSwap(false, true) {
		return <-r.result
	}
	r.owner.late.Add(1)
	r.owner.abandoned.Add(1)
	return failed[T](what + " could not be read in time")
}

// part is what all parts have in common.
type part interface{ common() *Part }

func (p *Part) common() *Part { return p }

// failed is a part that says why it has nothing.
func failed[T any](why string) *T {
	value := new(T)
	if one, ok := any(value).(part); ok {
		one.common().fail("%s", why)
	}
	return value
}
