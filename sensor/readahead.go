package sensor

import (
	"errors"
	"io"

	"tripline/normalize"
	"tripline/sensor/source"
)

// blocksAhead is how many parts of a log are read and parsed before the rules see
// them: one that waits and one that is made, beside the one that is looked at.
const blocksAhead = 3

// logBlock is a part of a log with its records parsed, or why there is no more.
type logBlock struct {
	data     []byte // what messages and records are views into
	messages []source.Message
	records  []parsedRecord
	calls    []normalize.Call
	err      error
}

// parsedRecord is the record of a message, or why there is none.
type parsedRecord struct {
	record normalize.Record
	err    error
}

// pumpLog runs a recorded log through the pipeline until its end. Another goroutine
// reads and parses ahead, so that a second core is of use.
func (p *pipeline) pumpLog(from source.Source) error {
	free, ready := make(chan *logBlock, blocksAhead), make(chan *logBlock, blocksAhead)
	for range blocksAhead {
		free <- &logBlock{}
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
		for i := range block.records {
			one := &block.records[i]
			p.take(&block.messages[i], one.record, one.err)
		}
		if p.failure != nil {
			break
		}
		free <- block
	}
	return p.failure
}

// readAhead fills blocks with a log until its end, an error, or until free is
// closed, and then closes ready.
func readAhead(from source.Source, free <-chan *logBlock, ready chan<- *logBlock) {
	defer close(ready)
	for block := range free {
		block.fill(from)
		ready <- block
		if block.err != nil {
			return
		}
	}
}

// fill reads the next part of a log. What the source gives is valid until it is
// asked again, so that it is copied.
func (b *logBlock) fill(from source.Source) {
	var messages []source.Message
	if messages, b.err = from.Receive(-1); b.err != nil {
		return
	}
	b.data, b.messages = b.data[:0], append(b.messages[:0], messages...)
	for i := range messages {
		b.data = append(b.data, messages[i].Data...)
	}
	if cap(b.calls) < len(messages) {
		b.calls = make([]normalize.Call, len(messages))
	}
	b.calls, b.records = b.calls[:len(messages)], b.records[:0]
	rest := b.data
	for i := range b.messages {
		m := &b.messages[i]
		m.Data, rest = rest[:len(m.Data):len(m.Data)], rest[len(m.Data):]
		record, err := parseMessage(m)
		if err == nil {
			record.ReadCall(&b.calls[i])
		}
		b.records = append(b.records, parsedRecord{record, err})
	}
}
