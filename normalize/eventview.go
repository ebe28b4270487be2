package normalize

import "unsafe"

// An event of a log is a view into its block as long as nobody retains it: most are
// looked at once.

// view makes an event of a run of records, which stay where they are.
func (c *Correlator) view(w *waiting) *Event {
	e := c.take()
	e.node, e.time, e.sequence = w.node, w.time, w.sequence
	block := w.block
	run := &block.runs[w.run]
	e.size = run.size
	e.viewed, e.spare, e.spareRecords = true, e.buffer, e.records
	e.buffer, e.records = block.text, block.records[run.first:run.last:run.last]
	if n := len(e.records); n > 0 {
		e.seen = span{e.records[0].start, e.records[n-1].namesEnd}
	}
	if run.call > 0 {
		e.call, e.callAt = block.calls[run.call-1], run.callAt
	}
	return e
}

// own copies the records of a view, and has what was worked out of them refer to the
// copy. Values that were read before remain valid as long as the block does.
func (e *Event) own() {
	from := e.seen.start
	before := e.seen.of(e.buffer)
	e.spare = append(e.spare[:0], before...)
	e.spareRecords = append(e.spareRecords[:0], e.records...)
	for i := range e.spareRecords {
		one := &e.spareRecords[i]
		one.start, one.end, one.names, one.namesEnd = one.start-from, one.end-from, one.names-from, one.namesEnd-from
	}
	e.buffer, e.records = e.spare, e.spareRecords
	e.spare, e.spareRecords, e.viewed = nil, nil, false
	if e.callAt > 0 {
		e.callAt -= from
	}
	d := &e.details
	for _, part := range [...]*[]byte{&d.comm, &d.exe, &d.tty, &d.origin.path} {
		*part = moved(*part, before, e.buffer)
	}
	d.collected, e.pairs = false, e.pairs[:0]
	d.readArgs, d.readPaths = false, false
	e.memo, e.memoized = e.memo[:0], [len(e.memoized)]uint64{}
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
