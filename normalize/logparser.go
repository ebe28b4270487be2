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
	// where its body began, a part of the block's text.
	header []byte
	// second is the time of its second, in milliseconds.
	second int64
	// prefix is what stood before the type in the last line: the name of its node, empty
	// where it has none.
	prefix []byte
}

// NewLogParser makes a LogParser for a correlator, to which the blocks that it fills
// are added. A line of more than maxLine bytes is no record.
func (c *Correlator) NewLogParser(maxLine int) *LogParser {
	p := &LogParser{maxLine: maxLine}
	p.calls.halves = &c.halves
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
	p.header, p.prefix = nil, nil
	enriched := bytes.IndexByte(text, EnrichedSeparator) >= 0
	for at := 0; at < len(text); lines++ {
		end := len(text)
		if length := bytes.IndexByte(text[at:], '\n'); length >= 0 {
			end = at + length
		}
		if !p.usual(block, at, end, enriched) {
			p.unusual(block, at, end, lines)
		}
		at = end + 1
	}
	return lines
}

// usual takes a line of the form that most have, which is block.text[start:end]; false
// where it has another.
func (p *LogParser) usual(block *LogBlock, start, end int, mayBeEnriched bool) bool {
	line := block.text[start:end]
	node, again := span{}, true
	if len(p.prefix) > 0 || len(line) > 0 && line[0] == nodeKey[0] {
		var length int
		if length, again = p.named(line); length > 0 {
			node = span{uint32(start + len(nodeKey)), uint32(start + length - 1)}
			start, line = start+length, line[length:]
		}
	}
	typ, at := usualBeginning(line)
	if at == 0 || len(line)+len(p.prefix) > p.maxLine || line[len(line)-1] <= '\r' {
		return false
	}
	rest := line[at:]
	if block.open && again && follows(rest, p.header) {
		at += len(p.header)
	} else {
		time, sequence, length := p.plainHeader(rest)
		if length == 0 {
			return false
		}
		at += length
		p.header = rest[:length]
		block.begin(time, sequence, node)
		block.open = true
	}
	body, names := end, end
	if mayBeEnriched {
		if i := bytes.IndexByte(line[at:], EnrichedSeparator); i >= 0 {
			body = start + at + i
			names = min(body+1, end)
		}
	}
	block.add(&p.calls, rawRecord{typ, uint32(start + at), uint32(body), uint32(names), uint32(end)})
	return true
}

// named is how long what a line begins with is where that is the name of a node, and
// whether the line before began with the same.
func (p *LogParser) named(line []byte) (length int, again bool) {
	if len(p.prefix) > 0 && bytes.HasPrefix(line, p.prefix) {
		return len(p.prefix), true
	}
	p.prefix = line[:nodePrefix(line)]
	return len(p.prefix), false
}

// follows says that a text begins with the header of the record before.
func follows(text, header []byte) bool {
	const half = 2 * word
	length := len(header)
	if length < half || len(text) < length {
		return false
	}
	same := func(at int) bool {
		return binary.LittleEndian.Uint64(text[at:]) == binary.LittleEndian.Uint64(header[at:])
	}
	return same(length-word) && same(0) && same(word) && same(length-half) && (length <= 2*half || bytes.HasPrefix(text, header))
}

// plainHeader reads a header as the function of that name does. Most records are of the
// same second as the one before.
func (p *LogParser) plainHeader(text []byte) (time int64, sequence uint64, length int) {
	const digits = 10 // of the seconds
	if len(p.header) > digits && len(text) > digits && bytes.Equal(text[:digits+1], p.header[:digits+1]) {
		milliseconds, sequence, length := afterSeconds(text)
		return p.second + milliseconds, sequence, length
	}
	if time, sequence, length = plainHeader(text); length > 0 {
		p.second = time - time%1000
	}
	return time, sequence, length
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
	block.begin(record.Time, record.Sequence, place(record.Node))
	block.add(&p.calls, rawRecord{record.Type, body.start, body.end, names.start, names.end})
}

// usualBeginning reads the beginning of a line of the usual form, and returns where the
// time begins, 0 for any other line. Of the types that make up most of a log it takes no
// search.
func usualBeginning(line []byte) (typ RecordType, at int) {
	const shortest = len("type=PROCTITLE msg=audit(") // any whole header is longer
	if len(line) < shortest || string(line[:5]) != "type=" {
		return 0, 0
	}
	switch [2]byte(line[5:7]) {
	case [2]byte{'S', 'Y'}:
		return beginning(line[7:23], "SCALL msg=audit(", TypeSyscall)
	case [2]byte{'P', 'A'}:
		return beginning(line[7:20], "TH msg=audit(", TypePath)
	case [2]byte{'P', 'R'}:
		return beginning(line[7:25], "OCTITLE msg=audit(", TypeProctitle)
	case [2]byte{'C', 'W'}:
		return beginning(line[7:19], "D msg=audit(", TypeCwd)
	case [2]byte{'S', 'O'}:
		return beginning(line[7:24], "CKADDR msg=audit(", TypeSockaddr)
	case [2]byte{'E', 'X'}:
		return beginning(line[7:22], "ECVE msg=audit(", TypeExecve)
	case [2]byte{'E', 'O'}:
		return beginning(line[7:19], "E msg=audit(", TypeEOE)
	}
	return otherBeginning(line)
}

// otherBeginning is usualBeginning for types of which there are fewer.
func otherBeginning(line []byte) (typ RecordType, at int) {
	const start, longest, header = len("type="), 32, " msg=audit("
	length := bytes.IndexByte(line[start:min(len(line), start+longest)], ' ')
	if length <= 0 || !bytes.HasPrefix(line[start+length:], []byte(header)) {
		return 0, 0
	}
	typ, ok := ParseRecordType(line[start : start+length])
	if !ok {
		return 0, 0
	}
	return typ, start + length + len(header)
}

// beginning is a type and where the time begins if a text that begins two bytes behind
// "type=" is as it is for that type.
func beginning(text []byte, expected string, of RecordType) (typ RecordType, at int) {
	if string(text) != expected {
		return 0, 0
	}
	return of, len("type=XX") + len(expected)
}
