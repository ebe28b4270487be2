package normalize

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"tripline/internal/diag"
)

// Record is one audit record. Its slices are views into the buffer that it was
// parsed from and valid as long as that buffer is unchanged.
type Record struct {
	// Type is the record type.
	Type RecordType
	// Node is the host name that auditd's name_format put before the record; nil
	// when there is none.
	Node []byte
	// Time is the audit event's time in milliseconds since the Unix epoch.
	Time int64
	// Sequence is the audit event's sequence number. All records of an event have
	// the same Time and Sequence.
	Sequence uint64
	// Body is what follows the header, without trailing line ending or NULs.
	Body []byte
	// Enriched is what auditd's log_format=ENRICHED added after the separator
	// 0x1D: names for numbers, under upper-case keys. It is nil when there is none.
	Enriched []byte

	call *Call // see ReadCall
}

// EnrichedSeparator stands in a line between a record's body and what auditd added.
const EnrichedSeparator = 0x1d

// maxSeconds keeps times in nanoseconds within an int64.
const maxSeconds = 9_000_000_000

// ParsePayload parses the payload of an audit netlink message, "audit(1795464318.928:8):
// arch=…". Trailing NULs and line endings are cut off. An error is a *diag.Error
// with the column; the caller adds file and line.
func ParsePayload(typ uint16, payload []byte) (Record, error) {
	record := Record{Type: RecordType(typ)}
	payload = trimEnd(payload)
	err := record.parseHeader(payload, 0)
	return record, err
}

// ParseLine parses one line of auditd's log, raw or enriched, with or without
// "node=… ", and what syslog, audispd or the kernel's own log put before the
// record. An error is a *diag.Error with the column; the caller adds file and
// line.
func ParseLine(line []byte) (Record, error) {
	var record Record
	line = trimEnd(line)
	at, ok := findType(line)
	if !ok {
		return record, defect(line, 0, `not an audit record: there is no "type="`, "give a log that auditd wrote, or lines like it")
	}
	record.Node = nodeBefore(line[:at])
	at += len("type=")
	end := bytes.IndexByte(line[at:], ' ')
	if end < 0 {
		return record, defect(line, len(line), "the record ends after its type", "a header msg=audit(SECONDS.MILLISECONDS:SEQUENCE): must follow; was the line cut off?")
	}
	typ, ok := ParseRecordType(line[at : at+end])
	if !ok {
		return record, defect(line, at, "unknown record type "+quoted(line[at:at+end]), "write the type's number, type=1300, if this is a type newer than Tripline")
	}
	record.Type = typ
	at += end
	for at < len(line) && line[at] == ' ' {
		at++
	}
	if bytes.HasPrefix(line[at:], []byte("msg=")) {
		at += len("msg=")
	}
	err := record.parseHeader(line, at)
	record.splitEnriched()
	return record, err
}

// splitEnriched parts what auditd added from the body.
func (r *Record) splitEnriched() {
	if i := bytes.IndexByte(r.Body, EnrichedSeparator); i >= 0 {
		r.Body, r.Enriched = r.Body[:i], r.Body[i+1:]
	}
}

// findType finds the "type=" that begins the record.
func findType(line []byte) (at int, ok bool) {
	if bytes.HasPrefix(line, []byte("type=")) {
		return 0, true
	}
	at = bytes.Index(line, []byte(" type="))
	return at + 1, at >= 0
}

// nodeKey begins what auditd's name_format puts before a record.
const nodeKey = "node="

// nodePrefix is how long "node=NAME " is with which a line begins; 0 where it does not, or
// where more than one name is to be chosen from.
func nodePrefix(line []byte) int {
	name, found := bytes.CutPrefix(line, []byte(nodeKey))
	length := bytes.IndexByte(name, ' ')
	if !found || length <= 0 || bytes.Contains(name[:length], []byte(nodeKey)) {
		return 0
	}
	return len(nodeKey) + length + 1
}

// nodeBefore finds the node name in what stands before the record.
func nodeBefore(prefix []byte) []byte {
	at := bytes.LastIndex(prefix, []byte(nodeKey))
	if at < 0 || at > 0 && prefix[at-1] != ' ' {
		return nil
	}
	node := prefix[at+len(nodeKey):]
	if end := bytes.IndexByte(node, ' '); end >= 0 {
		node = node[:end]
	}
	return node
}

// parseHeader parses "audit(SECONDS.MILLISECONDS:SEQUENCE): body" at text[at:].
// The whole text is needed to say where a defect is.
func (r *Record) parseHeader(text []byte, at int) error {
	const opening = "audit("
	if !bytes.HasPrefix(text[at:], []byte(opening)) {
		return defect(text, at, "the record has no header audit(SECONDS.MILLISECONDS:SEQUENCE):", "was the record cut off, or does it come from another program?")
	}
	at += len(opening)
	if r.parsePlainHeader(text, at) {
		return nil
	}
	return r.parseAnyHeader(text, at)
}

// parseAnyHeader parses what follows "audit(" of whatever form, and says what is
// wrong with it.
func (r *Record) parseAnyHeader(text []byte, at int) error {
	seconds, at, ok := number(text, at, maxSeconds)
	if !ok {
		return defect(text, at, "the header's time is no number of seconds since 1970", "it looks like audit(1795464318.928:8):")
	}
	milliseconds, at, ok := fraction(text, at)
	if !ok || at >= len(text) || text[at] != ':' {
		return defect(text, at, "the header's time is not followed by milliseconds and a colon", "it looks like audit(1795464318.928:8):")
	}
	sequence, at, ok := number(text, at+1, 1<<63-1)
	if !ok {
		return defect(text, at, "the header's sequence number is no number or too large", "it looks like audit(1795464318.928:8):")
	}
	if at >= len(text) || text[at] != ')' {
		return defect(text, at, `the header does not end with "):"`, "was the record cut off?")
	}
	at++
	if at < len(text) && text[at] == ':' { // old audit daemons left it out of their own records
		at++
	}
	if at < len(text) && text[at] == ' ' {
		at++
	}
	r.Time, r.Sequence, r.Body = int64(seconds)*1000+milliseconds, sequence, text[at:]
	return nil
}

// parsePlainHeader parses what follows "audit(" at text[at:] where it has the form of
// all headers of this century, see plainHeader. It returns false for any other, which
// may be right or wrong.
func (r *Record) parsePlainHeader(text []byte, at int) bool {
	time, sequence, length := plainHeader(text[at:])
	if length == 0 {
		return false
	}
	r.Time, r.Sequence, r.Body = time, sequence, text[at+length:]
	return true
}

// plainHeader reads a header with which a text begins, from the time on: ten digits, a
// dot, three digits, a colon, a number that is not too long, "): ". Its length is 0 for
// any other.
func plainHeader(text []byte) (time int64, sequence uint64, length int) {
	const seconds = 10
	if len(text) <= seconds || text[seconds] != '.' {
		return 0, 0, 0
	}
	high, highOK := eightDigits(text)
	low, lowOK := eightDigits(text[2:])
	if !highOK || !lowOK {
		return 0, 0, 0
	}
	time = int64(high/1e6)*1e8 + int64(low) // the two overlap by six digits
	milliseconds, sequence, length := afterSeconds(text)
	if length == 0 || time >= maxSeconds {
		return 0, 0, 0
	}
	return time*1000 + milliseconds, sequence, length
}

// afterSeconds reads what a header has after ten digits and a dot; length is that of the
// whole, 0 where it has another form.
func afterSeconds(text []byte) (milliseconds int64, sequence uint64, length int) {
	const start, end = 11, 14 // of the milliseconds
	if len(text) <= end || text[end] != ':' {
		return 0, 0, 0
	}
	a, b, c := text[start]-'0', text[start+1]-'0', text[start+2]-'0'
	if a > 9 || b > 9 || c > 9 {
		return 0, 0, 0
	}
	milliseconds = int64(a)*100 + int64(b)*10 + int64(c)
	rest, digits := text[end+1:], word
	if len(rest) >= word {
		sequence, digits = fewDigits(binary.LittleEndian.Uint64(rest))
	}
	if digits == word {
		sequence, digits = allDigits(rest)
	}
	const most = 18 // digits; more might not fit
	rest = rest[digits:]
	if digits == 0 || digits > most || len(rest) < 3 || rest[0] != ')' || rest[1] != ':' || rest[2] != ' ' {
		return 0, 0, 0
	}
	return milliseconds, sequence, end + 1 + digits + 3
}

// number reads a decimal number of at most limit at text[at:] and returns the
// offset after it, or where it is wrong.
func number(text []byte, at int, limit uint64) (n uint64, next int, ok bool) {
	start := at
	for at < len(text) && text[at]-'0' <= 9 {
		digit := uint64(text[at] - '0')
		// 18 digits always fit into 64 bits.
		if at-start >= 18 && n > (limit-digit)/10 {
			return 0, start, false
		}
		n = n*10 + digit
		at++
	}
	if n > limit {
		return 0, start, false
	}
	return n, at, at > start
}

// fraction reads ".928" at text[at:] as milliseconds; what is finer is dropped.
func fraction(text []byte, at int) (milliseconds int64, next int, ok bool) {
	if at >= len(text) || text[at] != '.' {
		return 0, at, false
	}
	at++
	start := at
	for unit := int64(100); at < len(text) && text[at]-'0' <= 9; at++ {
		milliseconds += unit * int64(text[at]-'0')
		unit /= 10
	}
	return milliseconds, at, at > start
}

// trimEnd cuts line endings and the NULs that pad netlink messages.
func trimEnd(text []byte) []byte {
	end := len(text)
	for end > 0 && (text[end-1] == 0 || text[end-1] == '\n' || text[end-1] == '\r') {
		end--
	}
	return text[:end]
}

// sourceLimit bounds how much of a defective record an error keeps.
const sourceLimit = 512

// defect makes the error for what is wrong at text[at].
func defect(text []byte, at int, message, hint string) error {
	return &diag.Error{
		Column:  1 + utf8.RuneCount(text[:at]),
		Message: message,
		Hint:    hint,
		Source:  string(text[:min(len(text), sourceLimit)]),
	}
}

// quoted shows an untrusted word of a record in a message.
func quoted(word []byte) string {
	const limit = 40
	safe := make([]byte, 0, limit+2)
	safe = append(safe, '"')
	for _, b := range word[:min(len(word), limit)] {
		if b < ' ' || b > '~' || b == '"' {
			b = '?'
		}
		safe = append(safe, b)
	}
	return string(append(safe, '"'))
}
