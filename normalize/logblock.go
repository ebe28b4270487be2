package normalize

import "bytes"

// LogBlock is a part of a log whose records have been parsed. It is filled by a
// LogParser, perhaps ahead and by another goroutine, and given to Correlator.AddBlock,
// whose pending events are views into it. The zero LogBlock is
// ready to be filled.
type LogBlock struct {
	// Done, if set, is called when the block was added to a correlator and is not needed
	// any more.
	Done func()

	text    []byte
	runs    []logRun
	records []rawRecord // places in text
	calls   []Call
	bad     []BadLine
	// bytes and total count what the records have, and them.
	bytes, total uint64
	// open says that the next record may belong to the last run.
	open bool
	// waiting is how many pending events are views into the block.
	waiting int
	// kept are the events that somebody keeps as views into it, in a list. Where they
	// alone need the block, it is itself in one, see keptBlocks.
	kept         *keptEvent
	older, newer *LogBlock
}

// logRun is the records of one event that follow one another.
type logRun struct {
	time        int64
	sequence    uint64
	node        span
	first, last uint32 // numbers of its records: first to before last
	// call is one more than the number of what its SYSCALL record says, 0 where that
	// was not read ahead; callAt is as in an Event.
	call, callAt uint32
	size, count  uint32
	// types has a bit for each type of record, which others may share.
	types uint64
	// ended says that the event's end was among the records.
	ended bool
	// copies says that a record is there twice.
	copies bool
	// address is one more than the number of its SOCKADDR record, 0 where it has none.
	address uint32
	// beside says that there are records which tell more than arguments, paths and one
	// address beside the SYSCALL record, arguments that there are those of an executed
	// program.
	beside, arguments bool
}

// BadLine is a line of a block that has no record.
type BadLine struct {
	// Run is how many runs of records of the block come before it.
	Run int
	// Number counts the block's lines from 0.
	Number int
	// Text is the line without its ending.
	Text []byte
	// Err says what is wrong with it; nil for an empty line and for one that is too
	// long.
	Err error
}

// Bad are the lines that have no record.
func (b *LogBlock) Bad() []BadLine { return b.bad }

// reset empties the block for a text.
func (b *LogBlock) reset(text []byte) {
	b.text, b.runs, b.records, b.calls, b.bad = text, b.runs[:0], b.records[:0], b.calls[:0], b.bad[:0]
	b.bytes, b.total, b.open, b.waiting = 0, 0, false, 0
}

// body and enriched are the parts of a record.
func (b *LogBlock) body(one *rawRecord) []byte     { return b.text[one.start:one.end] }
func (b *LogBlock) enriched(one *rawRecord) []byte { return b.text[one.names:one.namesEnd] }

// done gives the block back.
func (b *LogBlock) done() {
	if b.Done != nil {
		b.Done()
	}
}

// begin begins a run.
func (b *LogBlock) begin(time int64, sequence uint64, node span) {
	n, at := len(b.runs), uint32(len(b.records))
	if n == cap(b.runs) {
		b.runs = append(b.runs, logRun{})
	}
	b.runs = b.runs[:n+1]
	b.runs[n] = logRun{time: time, sequence: sequence, node: node, first: at, last: at}
}

// add adds a record to the last run.
func (b *LogBlock) add(calls *callReader, record rawRecord) {
	run := &b.runs[len(b.runs)-1]
	size := record.end - record.start + record.namesEnd - record.names
	b.bytes += uint64(size)
	b.total++
	run.count++
	switch record.typ {
	case TypeEOE:
		run.ended = true
		return
	case TypeSyscall:
		if run.call == 0 {
			b.readCall(run, &record, calls)
		} else {
			run.beside = true
		}
	case TypeProctitle, TypePath, TypeCwd:
	case TypeSockaddr:
		run.beside = run.beside || run.address != 0
		run.address = uint32(len(b.records)) + 1
	case TypeExecve:
		run.arguments = true
	default:
		run.beside = true
		run.ended = run.ended || record.typ.alone()
	}
	run.size += size
	bit := uint64(1) << (record.typ % 64)
	if run.types&bit != 0 && b.has(run, &record) {
		run.copies = true
	}
	run.types |= bit
	b.records = append(b.records, record)
	run.last++
}

// readCall reads a SYSCALL record ahead.
func (b *LogBlock) readCall(run *logRun, record *rawRecord, calls *callReader) {
	n := len(b.calls)
	if n == cap(b.calls) {
		b.calls = append(b.calls, Call{})
	}
	b.calls = b.calls[:n+1]
	if !calls.read(b.body(record), &b.calls[n]) {
		b.calls, run.beside = b.calls[:n], true
		return
	}
	run.call, run.callAt = uint32(n)+1, record.start+1
}

// has says that a run has a record already.
func (b *LogBlock) has(run *logRun, record *rawRecord) bool {
	for i := run.first; i < run.last; i++ {
		one := &b.records[i]
		if one.typ == record.typ && one.end-one.start == record.end-record.start && bytes.Equal(b.body(one), b.body(record)) {
			return true
		}
	}
	return false
}
