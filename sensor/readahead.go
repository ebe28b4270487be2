package sensor

import (
	"bytes"
	"errors"
	"io"

	"tripline/normalize"
	"tripline/sensor/source"
)

// blocksAhead is how many parts of a log are read and parsed before the rules see
// them: one that waits and one that is made, beside the one that is looked at.
const blocksAhead = 3

// recordedLog is what a replay reads, such as a source.Log.
type recordedLog interface {
	ReceiveInto(buffer []byte) (messages []source.Message, text []byte, err error)
	Interrupt()
}

// logBlock is a part of a log with its records parsed, or why there is no more.
type logBlock struct {
	buffer  []byte // what records and remarks are views into
	records []normalize.Record
	calls   []normalize.Call
	remarks []lineRemark
	err     error
}

// lineRemark is a line of which something is to be told: it has no record, or was cut
// off.
type lineRemark struct {
	// before is how many records of the block come before it.
	before  int
	message source.Message
	err     error // why it has no record
}

// pumpLog runs a recorded log through the pipeline until its end. Another goroutine
// reads and parses ahead, so that a second core is of use.
func (p *pipeline) pumpLog(from recordedLog) error {
	free, ready := make(chan *logBlock, blocksAhead), make(chan *logBlock, blocksAhead)
	for range blocksAhead {
		free <- &logBlock{buffer: make([]byte, source.LogBuffer)}
	}
	go readAhead(from, free, ready)
	defer func() {
		from.Interrupt()
		close(free)
		for range ready { // the goroutine ends before from is closed
		}
	}()
	for block := range ready {
		if block.err != nil {
			if errors.Is(block.err, io.EOF) {
				return nil
			}
			return block.err
		}
		p.addBlock(block)
		if p.failure != nil {
			break
		}
		free <- block
	}
	return p.failure
}

// addBlock takes the records of a block, and tells of the other lines where they
// come.
func (p *pipeline) addBlock(block *logBlock) {
	taken := 0
	for i := range block.remarks {
		remark := &block.remarks[i]
		p.correlator.AddAll(block.records[taken:remark.before])
		taken = remark.before
		p.remark(&remark.message, remark.err)
	}
	p.correlator.AddAll(block.records[taken:])
}

// readAhead fills blocks with a log until its end, an error, or until free is
// closed, and then closes ready.
func readAhead(from recordedLog, free <-chan *logBlock, ready chan<- *logBlock) {
	defer close(ready)
	var parser normalize.LineParser
	calls := normalize.NewCallReader()
	for block := range free {
		block.fill(from, &parser, calls)
		ready <- block
		if block.err != nil {
			return
		}
	}
}

// fill reads and parses the next part of a log.
func (b *logBlock) fill(from recordedLog, parser *normalize.LineParser, reader *normalize.CallReader) {
	var messages []source.Message
	var text []byte
	if messages, text, b.err = from.ReceiveInto(b.buffer); b.err != nil {
		return
	}
	if cap(b.records) < len(messages) {
		b.records, b.calls = make([]normalize.Record, 0, 2*len(messages)), make([]normalize.Call, 2*len(messages))
	}
	b.records, b.remarks = b.records[:len(messages)], b.remarks[:0]
	enriched := bytes.IndexByte(text, normalize.EnrichedSeparator) >= 0
	records, calls := 0, 0
	for i := range messages {
		m, record := &messages[i], &b.records[records]
		err := parseLine(parser, m, enriched, record)
		if err != nil || m.Torn {
			b.remarks = append(b.remarks, lineRemark{records, *m, err})
		}
		if err != nil {
			continue
		}
		if reader.Read(record, &b.calls[calls]) {
			calls++
		}
		records++
	}
	b.records = b.records[:records]
}

// parseLine parses a line of a log into record.
func parseLine(parser *normalize.LineParser, m *source.Message, mayBeEnriched bool, record *normalize.Record) (err error) {
	if m.TooLong == 0 && len(m.Data) > 0 && !m.Torn {
		return parser.Parse(m.Data, mayBeEnriched, record) //nolint:wrapcheck // it says all there is to say
	}
	*record, err = parseMessage(m)
	return err
}
