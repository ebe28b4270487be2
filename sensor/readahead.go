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

// recordedLog is what a replay reads, such as a source.Log.
type recordedLog interface {
	ReceiveText(buffer []byte) (source.LogPart, error)
	Passed(lines int)
	Interrupt()
}

// logBlock is a part of a log with its records parsed, or why there is no more.
type logBlock struct {
	normalize.LogBlock
	buffer []byte // what the records are views into
	line   int64  // the number of the first
	// odd are lines of which something is to be told before any other: they are too
	// long or cut off. oddErrs says why they have no record.
	odd     []source.Message
	oddErrs []error
	err     error
}

// pumpLog runs a recorded log through the pipeline until its end. Another goroutine
// reads and parses ahead, so that a second core is of use.
func (p *pipeline) pumpLog(from recordedLog) error {
	free, ready := make(chan *logBlock, blocksAhead), make(chan *logBlock, blocksAhead)
	for range blocksAhead {
		free <- p.spareBlock()
	}
	go readAhead(from, p.correlator.NewLogParser(source.MaxLine), free, ready)
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
		free <- p.spareBlock()
	}
	return p.failure
}

// spareBlock is a block that nobody needs.
func (p *pipeline) spareBlock() *logBlock {
	if n := len(p.spare); n > 0 {
		block := p.spare[n-1]
		p.spare = p.spare[:n-1]
		return block
	}
	block := &logBlock{buffer: make([]byte, source.LogBuffer)}
	block.Done = func() { p.spare = append(p.spare, block) }
	return block
}

// addBlock takes the records of a block, and tells of the other lines where they
// come. The correlator needs the block until it is done.
func (p *pipeline) addBlock(block *logBlock) {
	for i := range block.odd {
		p.remark(&block.odd[i], block.oddErrs[i])
	}
	p.correlator.AddBlock(&block.LogBlock, func(bad *normalize.BadLine) {
		m := source.Message{Data: bad.Text, Line: block.line + int64(bad.Number)}
		err := bad.Err
		if len(m.Data) > source.MaxLine {
			m.TooLong = int64(len(m.Data))
		}
		if err == nil {
			_, err = parseMessage(&m)
		}
		p.remark(&m, err)
	})
}

// readAhead fills blocks with a log until its end, an error, or until free is
// closed, and then closes ready.
func readAhead(from recordedLog, parser *normalize.LogParser, free <-chan *logBlock, ready chan<- *logBlock) {
	defer close(ready)
	for block := range free {
		block.fill(from, parser)
		ready <- block
		if block.err != nil {
			return
		}
	}
}

// fill reads and parses the next part of a log.
func (b *logBlock) fill(from recordedLog, parser *normalize.LogParser) {
	b.odd, b.oddErrs = b.odd[:0], b.oddErrs[:0]
	var part source.LogPart
	if part, b.err = from.ReceiveText(b.buffer); b.err != nil {
		return
	}
	b.line = part.Line
	if part.Odd != nil {
		_ = b.remark(part.Odd) // it is told
	}
	if !part.Torn {
		from.Passed(parser.Parse(&b.LogBlock, part.Text))
		return
	}
	from.Passed(1)
	torn := source.Message{Data: part.Text, Line: part.Line, Torn: true}
	if b.remark(&torn) != nil {
		part.Text = nil
	}
	parser.Parse(&b.LogBlock, part.Text)
}

// remark remembers what is to be told of a line, and returns why it has no record.
func (b *logBlock) remark(m *source.Message) error {
	_, err := parseMessage(m)
	b.odd, b.oddErrs = append(b.odd, *m), append(b.oddErrs, err)
	return err
}
