package normalize

// What a process is, executes and has open is asked after the event that it
// matters for, and what the answer proves is that it was so at the event, or that
// this cannot be known any more. The records of one batch were all received before
// the first of them is looked at, so that one answer serves all of them: a process
// that floods is looked at once a batch and not once an event.

// procBatch is the number of the latest batch, 0 where nobody tells of batches and
// every question is asked.
type procBatch uint64

// Received tells that a batch of records was received. What is asked until the next
// call is about events whose records had been received by now: a question that was
// answered since is not asked of the kernel again.
func (r *ProcResolver) Received() { *r.batch++ }

// procBatchSlots is how many answers of a kind are remembered for a batch.
const procBatchSlots = 64

// procAnswered are answers to questions of this batch. One that has no room for
// another is asked again.
type procAnswered[Q comparable, A any] struct {
	batch *procBatch
	slots [procBatchSlots]procAnswerSlot[Q, A]
}

type procAnswerSlot[Q comparable, A any] struct {
	batch    procBatch
	question Q
	answer   A
}

// slot is where the answer to a question is or goes; known says that it is there.
// number tells questions apart that are asked of different processes or
// descriptors.
func (a *procAnswered[Q, A]) slot(number uint64, question Q) (answer *A, known bool) {
	slot := &a.slots[(number*0x9e3779b97f4a7c15)>>(64-6)]
	now := *a.batch
	known = now != 0 && slot.batch == now && slot.question == question
	slot.batch, slot.question = now, question
	return &slot.answer, known
}
