package normalize

import "unsafe"

// An event of a log is a view into its block as long as nobody retains it: most are
// looked at once.

// view makes an event of a run of records, which stay where they are.
func (c *Correlator) view(w *waiting) *Event {
	e := c.take()
	block := w.block
	e.node, e.time, e.sequence, e.block, e.run = w.node, w.time, w.sequence, block, w.run
	run := &block.runs[w.run]
	e.size = run.size
	e.viewed = true
	e.buffer, e.records = block.text, block.records[run.first:run.last:run.last]
	if run.call > 0 {
		e.call, e.callAt = &block.calls[run.call-1], run.callAt
	}
	return e
}

// own copies the records of a view, and has what was worked out of them refer to the
// copy. Values that were read before remain valid as long as the block does.
func (e *Event) own() {
	extent := e.extent()
	from, before := extent.start, extent.of(e.buffer)
	e.ownBuffer = append(e.ownBuffer[:0], before...)
	e.ownRecords = append(e.ownRecords[:0], e.records...)
	e.buffer, e.records = e.ownBuffer, e.ownRecords
	for i := range e.records {
		one := &e.records[i]
		one.start, one.end, one.names, one.namesEnd = one.start-from, one.end-from, one.names-from, one.namesEnd-from
	}
	e.viewed, e.block = false, nil
	if e.callAt > 0 {
		e.callAt -= from
		e.ownCall = *e.call
		e.call = &e.ownCall
	}
	d := &e.details
	for _, part := range [...]*[]byte{&d.comm, &d.exe, &d.tty, &d.origin.path} {
		*part = moved(*part, before, e.buffer)
	}
	d.collected, e.pairs = false, e.pairs[:0]
	d.readArgs, d.readPaths = false, false
	e.memo, e.memoized = e.memo[:0], [len(e.memoized)]uint64{}
}

// extent is where the records of a view are in its block, which may have been put in
// another order.
func (e *Event) extent() (extent span) {
	for i := range e.records {
		one := &e.records[i]
		if i == 0 {
			extent.start = one.start
		}
		extent = span{min(extent.start, one.start), max(extent.end, one.namesEnd)}
	}
	return extent
}

// moved is the same part of another text of the same length, and a part of neither
// itself.
func moved(part, from, to []byte) []byte {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(part))) - uintptr(unsafe.Pointer(unsafe.SliceData(from)))
	if len(part) == 0 || at >= uintptr(len(from)) {
		return part
	}
	end := at + uintptr(len(part))
	return to[at:end:end]
}
