package normalize

import (
	"bytes"
	"encoding/binary"
)

// pair is one key=value of a record's body. Its slices are views into the body.
type pair struct {
	key, value []byte
	// quote is the value's quotation mark, '"', '\'' or '{', which value does not
	// include; 0 for a value without one.
	quote byte
	// old says that the word "old" stood before the key: "old auid=700" was
	// written before "old-auid=700".
	old bool
}

// scanner splits a record's body into its pairs. Words that are no pair are
// passed over. It reads anything and never fails.
type scanner struct {
	rest []byte
}

// next finds the next pair; false at the end of the body.
func (s *scanner) next(p *pair) bool {
	p.old = false
	for {
		s.skipSpace()
		if len(s.rest) == 0 {
			return false
		}
		end := 0
		for end < len(s.rest) && s.rest[end] != '=' && s.rest[end] != ' ' {
			end++
		}
		word := s.rest[:end]
		if end == len(s.rest) || s.rest[end] == ' ' {
			p.old = string(word) == "old"
			s.rest = s.rest[end:]
			continue
		}
		s.rest = s.rest[end+1:]
		if end == 0 {
			continue
		}
		p.key = word
		s.value(p)
		return true
	}
}

// skipSpace passes what stands between pairs.
func (s *scanner) skipSpace() {
	i := 0
	for i < len(s.rest) && (s.rest[i] == ' ' || s.rest[i] == ',') {
		i++
	}
	s.rest = s.rest[i:]
}

// value takes the value at the beginning of the rest. A quotation mark that is
// not closed encloses everything to the end: such a record was cut off.
func (s *scanner) value(p *pair) {
	p.quote, p.value = 0, nil
	if len(s.rest) == 0 {
		return
	}
	var end int
	switch p.quote = s.rest[0]; p.quote {
	case '"':
		end = bytes.IndexByte(s.rest[1:], '"')
	case '\'':
		end = s.closingApostrophe(p.key)
	case '{':
		end = bytes.IndexByte(s.rest[1:], '}')
	default:
		p.quote = 0
		for end < len(s.rest) && s.rest[end] != ' ' {
			end++
			if end == shortValue { // most values end before
				if rest := bytes.IndexByte(s.rest[end:], ' '); rest >= 0 {
					end += rest
				} else {
					end = len(s.rest)
				}
				break
			}
		}
		p.value, s.rest = s.rest[:end], s.rest[end:]
		return
	}
	if end < 0 {
		p.value, s.rest = s.rest[1:], nil
		return
	}
	p.value, s.rest = s.rest[1:1+end], s.rest[end+2:]
}

// shortValue is the length up to which looking at each byte finds the end of a
// value sooner than bytes.IndexByte.
const shortValue = 16

// closingApostrophe finds the end of a value in apostrophes. The msg of a user
// record is the last pair of its record and may hold apostrophes itself.
func (s *scanner) closingApostrophe(key []byte) int {
	if string(key) == "msg" {
		return bytes.LastIndexByte(s.rest[1:], '\'')
	}
	return bytes.IndexByte(s.rest[1:], '\'')
}

// nested says that the value is itself a list of pairs: the msg='…' of a user
// record.
func (p *pair) nested() bool {
	return p.quote == '\'' && string(p.key) == "msg"
}

// missing says that the record has the key without a value.
func (p *pair) missing() bool {
	if p.quote != 0 {
		return len(p.value) == 0
	}
	switch string(p.value) {
	case "", "?", "(null)", "(none)":
		return true
	}
	return false
}

// encoded says that the value may be hexadecimal: the kernel writes a text of
// unknown origin (audit_log_untrustedstring) in quotation marks, and where it
// holds a space, a quotation mark, a control or a non-ASCII byte as upper-case
// hexadecimal digits without them.
func (p *pair) encoded() bool {
	return p.quote == 0 && untrusted(p.key) && isHex(p.value)
}

// untrusted says that the values of key are texts of unknown origin.
func untrusted(key []byte) bool {
	switch string(key) {
	case "comm", "exe", "ocomm", "proctitle", "cwd", "name", "key", "cmd", "acct", "data", "dir", "path",
		"watch", "file", "grp", "new_group", "vm", "device", "sw", "root_dir", "title", "dev", "invalid_context":
		return true
	}
	return false
}

// isHex says that text is an even number of upper-case hexadecimal digits.
func isHex(text []byte) bool {
	if len(text) == 0 || len(text)%2 != 0 {
		return false
	}
	for _, b := range text {
		if b-'0' > 9 && b-'A' > 5 {
			return false
		}
	}
	return true
}

// appendHex appends the bytes that hexadecimal digits of either case stand for,
// up to the first that is none.
func appendHex(dst, text []byte) []byte {
	for len(text) >= word {
		digits := binary.LittleEndian.Uint64(text)
		if others(digits) != 0 {
			break
		}
		dst = binary.BigEndian.AppendUint32(dst, hexValue(digits))
		text = text[word:]
	}
	for ; len(text) >= 2; text = text[2:] {
		high, low := nibble(text[0]), nibble(text[1])
		if high|low > 0xf {
			break
		}
		dst = append(dst, high<<4|low)
	}
	return dst
}

// decodeHex decodes as many bytes as dst holds, up to the first digit that is none,
// and returns how many.
func decodeHex(dst, text []byte) int {
	return len(appendHex(dst[:0:len(dst)], text[:min(len(text), 2*len(dst))]))
}

// nibble is the value of a hexadecimal digit, 0xff when it is none.
func nibble(digit byte) byte { return nibbles[digit] - 1 }

// nibbles has one more than the values of hexadecimal digits of either case, and 0
// for what is none.
var nibbles = [256]byte{
	'0': 1, '1': 2, '2': 3, '3': 4, '4': 5, '5': 6, '6': 7, '7': 8, '8': 9, '9': 10,
	'a': 11, 'b': 12, 'c': 13, 'd': 14, 'e': 15, 'f': 16,
	'A': 11, 'B': 12, 'C': 13, 'D': 14, 'E': 15, 'F': 16,
}

// parseDecimal reads a decimal number with an optional sign.
func parseDecimal(text []byte) (n int64, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	magnitude, end, ok := number(text, 0, 1<<63-1)
	if !ok || end != len(text) {
		return 0, false
	}
	if negative {
		return -int64(magnitude), true
	}
	return int64(magnitude), true
}

// parseID reads a 32-bit unsigned number; -1 stands for the highest, as in old
// kernels' records.
func parseID(text []byte) (id uint32, ok bool) {
	if string(text) == "-1" {
		return unset, true
	}
	n, end, ok := number(text, 0, unset)
	return uint32(n), ok && end == len(text)
}

// unset is the id of nobody: the login uid and the audit session of a process
// that no login started.
const unset = 1<<32 - 1

// parseHex reads a hexadecimal number of at most 64 bits without prefix.
func parseHex(text []byte) (n uint64, ok bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, false
	}
	for _, b := range text {
		digit := nibble(b)
		if digit > 0xf {
			return 0, false
		}
		n = n<<4 | uint64(digit)
	}
	return n, true
}
