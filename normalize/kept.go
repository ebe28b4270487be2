package normalize

import "tripline/detect"

// An event of a log that a rule keeps, as the first of a sequence, is mostly let go of
// unread: a later one takes its place, or its time is over. Until somebody reads it, it
// remains a view into its block, and all that is kept is where it is.

// keptEvent stands for an event that is kept.
type keptEvent struct {
	owner      *Correlator
	node       *node
	time       int64
	sequence   uint64
	block      *LogBlock
	run        int32
	incomplete bool
	references int
	answers
	// event is the event itself once it was read, or its block was needed.
	event *Event
	// older and newer are those of the same block; older chains the unused ones.
	older, newer *keptEvent
}

var (
	_ detect.Event  = (*keptEvent)(nil)
	_ detect.Kept   = (*keptEvent)(nil)
	_ detect.Keeper = (*Event)(nil)
)

// keptEvents are the blocks that only kept events need, and the memory of former ones.
type keptEvents struct {
	unused         *keptEvent
	oldest, newest *LogBlock
	blocks         int
}

// maxKeptBlocks is how many blocks may be there for kept events alone. The events of the
// oldest block beyond them are given memory of their own.
const maxKeptBlocks = 32

// Keep implements detect.Keeper.
func (e *Event) Keep() detect.Event {
	if !e.viewed || e.owner.recorded == nil {
		e.Retain()
		return e
	}
	if e.kept == nil || e.kept.references == 0 {
		e.kept = e.owner.kept.take()
		e.kept.stand(e)
	}
	e.kept.references++
	return e.kept
}

// take takes an unused keptEvent.
func (k *keptEvents) take() *keptEvent {
	one := k.unused
	if one == nil {
		return new(keptEvent)
	}
	k.unused = one.older
	return one
}

// stand lets a kept event stand for a view.
func (k *keptEvent) stand(e *Event) {
	k.owner, k.node, k.time, k.sequence, k.incomplete = e.owner, e.node, e.time, e.sequence, e.incomplete
	k.block, k.run, k.answers = e.block, e.run, e.answers
	k.older, k.newer = k.block.kept, nil
	if k.older != nil {
		k.older.newer = k
	}
	k.block.kept = k
}

// leave ends that the block is needed for the event.
func (k *keptEvent) leave() {
	if k.older != nil {
		k.older.newer = k.newer
	}
	if k.newer != nil {
		k.newer.older = k.older
	} else {
		k.block.kept = k.older
	}
	block := k.block
	k.block, k.older, k.newer = nil, nil, nil
	if block.kept == nil && block.waiting == 0 {
		k.owner.kept.remove(block)
		block.done()
	}
}

// Whole implements detect.Kept.
func (k *keptEvent) Whole() detect.Event { return k.whole() }

// whole is the event, with memory of its own.
func (k *keptEvent) whole() *Event {
	if k.event != nil {
		return k.event
	}
	place := waiting{node: k.node, time: k.time, sequence: k.sequence, block: k.block, run: k.run}
	e := k.owner.view(&place)
	e.incomplete, e.answers, e.references = k.incomplete, k.answers, 1
	e.own()
	k.event = e
	k.leave()
	return e
}

// Time implements detect.Event.
func (k *keptEvent) Time() int64 { return k.time * 1e6 }

// Tiebreaker implements detect.Event.
func (k *keptEvent) Tiebreaker() (int64, bool) { return int64(k.sequence), true }

// Value implements detect.Event.
func (k *keptEvent) Value(id detect.FieldID) detect.Value { return k.whole().Value(id) }

// Retain implements detect.Event.
func (k *keptEvent) Retain() { k.references++ }

// Release implements detect.Event.
func (k *keptEvent) Release() {
	k.references--
	if k.references > 0 {
		return
	}
	if k.event != nil {
		k.event.Release()
	} else {
		k.leave()
	}
	kept := &k.owner.kept
	*k = keptEvent{older: kept.unused}
	kept.unused = k
}

// add takes a block that only kept events need. The oldest such block is given back if
// there are too many.
func (k *keptEvents) add(block *LogBlock) {
	block.older, block.newer = k.newest, nil
	if k.newest != nil {
		k.newest.newer = block
	} else {
		k.oldest = block
	}
	k.newest = block
	k.blocks++
	if k.blocks <= maxKeptBlocks {
		return
	}
	for first := k.oldest; first.kept != nil; {
		first.kept.whole()
	}
}

// remove takes a block out of the list.
func (k *keptEvents) remove(block *LogBlock) {
	if block.older != nil {
		block.older.newer = block.newer
	} else {
		k.oldest = block.newer
	}
	if block.newer != nil {
		block.newer.older = block.older
	} else {
		k.newest = block.older
	}
	block.older, block.newer = nil, nil
	k.blocks--
}
