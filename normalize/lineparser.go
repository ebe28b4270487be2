package normalize

import "bytes"

// LineParser parses the lines of a log one after another, as ParseLine does, and
// sooner: all records of an event have the same header, which is read once.
// One goroutine uses it at a time; the zero LineParser is ready.
type LineParser struct {
	// header is what followed "audit(" in the last record of the usual form, up to
	// where its body began.
	header   [maxPlainHeader]byte
	length   int
	time     int64
	sequence uint64
}

// maxPlainHeader is the length of the longest header that parsePlainHeader reads.
const maxPlainHeader = len("1795464318.928:999999999999999999): ")

// Parse parses one line of auditd's log into record, whose slices are views into
// the line. Where mayBeEnriched is false the line has no byte 0x1D, for which it is
// then not searched. An error is one of ParseLine's, and the record then is of no
// meaning.
func (p *LineParser) Parse(line []byte, mayBeEnriched bool, record *Record) (err error) {
	line = trimEnd(line)
	typ, at := usualBeginning(line)
	if at == 0 || !p.parseHeader(line, at, record) {
		*record, err = ParseLine(line)
		return err
	}
	record.Type = typ
	if mayBeEnriched {
		record.splitEnriched()
	}
	return nil
}

// parseHeader parses a header of the usual form, which begins at line[at:].
func (p *LineParser) parseHeader(line []byte, at int, record *Record) bool {
	*record = Record{}
	if rest := line[at:]; p.length > 0 && bytes.HasPrefix(rest, p.header[:p.length]) {
		record.Time, record.Sequence, record.Body = p.time, p.sequence, rest[p.length:]
		return true
	}
	if !record.parsePlainHeader(line, at) {
		return false
	}
	p.length = copy(p.header[:], line[at:len(line)-len(record.Body)])
	p.time, p.sequence = record.Time, record.Sequence
	return true
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
