package normalize

import (
	"bytes"
	"encoding/binary"
)

// LogParser parses a log part by part, as ParseLine does line by line, and sooner:
// all records of an event have the same header, which is read once. One goroutine uses
// it.
type LogParser struct {
	// maxLine is the length of the longest line that may be a record.
	maxLine int
	calls   callReader

	// header is what followed "audit(" in the last record of the usual form, up to
	// where its body began. The first and the last 16 bytes of it are in words.
	header []byte
	words  [4]uint64
}

// NewLogParser makes a LogParser for a correlator, to which the blocks that it fills
// are added. A line of more than maxLine bytes is no record.
func (c *Correlator) NewLogParser(maxLine int) *LogParser {
	p := &LogParser{maxLine: maxLine}
	if resolver, ok := c.options.Resolver.(*LogResolver); ok {
		p.calls.seed, p.calls.seeded = resolver.seed, true
	}
	return p
}

// Parse fills a block with the records of a text, which stays the block's until the
// correlator has given it back, and returns how many lines it has. Only the last may
// lack its ending.
func (p *LogParser) Parse(block *LogBlock, text []byte) (lines int) {
	block.reset(text)
	enriched := bytes.IndexByte(text, EnrichedSeparator) >= 0
	for at := 0; at < len(text); lines++ {
		length := bytes.IndexByte(text[at:], '\n')
		if length < 0 {
			length = len(text) - at
		}
		if !p.usual(block, text[at:at+length], uint32(at), enriched) {
			p.unusual(block, at, at+length, lines)
		}
		at += length + 1
	}
	return lines
}

// usual takes a line of the form that most have, which begins at start of the block's
// text; false where it has another.
func (p *LogParser) usual(block *LogBlock, line []byte, start uint32, mayBeEnriched bool) bool {
	typ, at := usualBeginning(line)
	if at == 0 || len(line) > p.maxLine || line[len(line)-1] <= '\r' {
		return false
	}
	var run *logRun
	if length := len(p.header); p.follows(line[at:]) && block.open {
		run = &block.runs[len(block.runs)-1]
		at += length
	} else {
		time, sequence, length := plainHeader(line[at:])
		if length == 0 {
			return false
		}
		p.remember(line[at : at+length])
		at += length
		run = block.begin(time, sequence, span{})
		block.open = true
	}
	end := uint32(len(line))
	record := rawRecord{typ: typ, start: start + uint32(at), end: start + end, names: start + end, namesEnd: start + end}
	if mayBeEnriched {
		if i := bytes.IndexByte(line[at:], EnrichedSeparator); i >= 0 {
			record.end = record.start + uint32(i)
			record.names = min(record.end+1, record.namesEnd)
		}
	}
	block.add(run, record, &p.calls)
	return true
}

// follows says that what is behind "audit(" begins with the header of the record
// before.
func (p *LogParser) follows(text []byte) bool {
	const half = 16
	length := len(p.header)
	if length < half || len(text) < length {
		return false
	}
	end := text[length-half : length]
	return binary.LittleEndian.Uint64(text) == p.words[0] && binary.LittleEndian.Uint64(text[8:]) == p.words[1] &&
		binary.LittleEndian.Uint64(end) == p.words[2] && binary.LittleEndian.Uint64(end[8:]) == p.words[3] &&
		(length <= 2*half || bytes.HasPrefix(text, p.header))
}

// remember remembers a header, which has at least 16 bytes.
func (p *LogParser) remember(header []byte) {
	p.header = append(p.header[:0], header...)
	end := header[len(header)-16:]
	p.words = [4]uint64{
		binary.LittleEndian.Uint64(header), binary.LittleEndian.Uint64(header[8:]),
		binary.LittleEndian.Uint64(end), binary.LittleEndian.Uint64(end[8:]),
	}
}

// unusual takes a line of any form.
func (p *LogParser) unusual(block *LogBlock, start, end, number int) {
	block.open = false
	line := block.text[start:end]
	long := len(line) > p.maxLine
	if n := len(line); !long && n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if long || len(line) == 0 {
		block.bad = append(block.bad, BadLine{Run: len(block.runs), Number: number, Text: line})
		return
	}
	record, err := ParseLine(line)
	if err != nil {
		block.bad = append(block.bad, BadLine{Run: len(block.runs), Number: number, Text: line, Err: err})
		return
	}
	place := func(part []byte) span { // in the block's text
		if part == nil {
			return span{}
		}
		at := uint32(start + cap(line) - cap(part))
		return span{at, at + uint32(len(part))}
	}
	body, names := place(record.Body), place(record.Enriched)
	if len(record.Enriched) == 0 {
		names = span{body.end, body.end}
	}
	run := block.begin(record.Time, record.Sequence, place(record.Node))
	block.add(run, rawRecord{record.Type, body.start, body.end, names.start, names.end}, &p.calls)
}

// usualBeginning reads the beginning of a line of one of the types that make up
// most of a log, and returns where the time begins, 0 for any other line.
func usualBeginning(line []byte) (typ RecordType, at int) {
	const start = len("type=")
	if len(line) < start+2 || string(line[:start]) != "type=" {
		return 0, 0
	}
	var expected string
	switch [2]byte(line[start:]) {
	case [2]byte{'S', 'Y'}:
		typ, expected = TypeSyscall, "SYSCALL msg=audit("
	case [2]byte{'S', 'O'}:
		typ, expected = TypeSockaddr, "SOCKADDR msg=audit("
	case [2]byte{'P', 'R'}:
		typ, expected = TypeProctitle, "PROCTITLE msg=audit("
	case [2]byte{'P', 'A'}:
		typ, expected = TypePath, "PATH msg=audit("
	case [2]byte{'C', 'W'}:
		typ, expected = TypeCwd, "CWD msg=audit("
	case [2]byte{'E', 'O'}:
		typ, expected = TypeEOE, "EOE msg=audit("
	case [2]byte{'E', 'X'}:
		typ, expected = TypeExecve, "EXECVE msg=audit("
	}
	if expected == "" || len(line) < start+len(expected) || string(line[start:start+len(expected)]) != expected {
		return 0, 0
	}
	return typ, start + len(expected)
}
