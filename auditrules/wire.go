package auditrules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// The layout of struct audit_rule_data in linux/audit.h, in bytes: flags, action,
// field_count, then 64 words each of mask, fields, values and fieldflags, then
// buflen and the strings.
const (
	wireWords       = 64 // AUDIT_BITMASK_SIZE and AUDIT_MAX_FIELDS
	wireFieldCount  = 8
	wireFields      = 12 + wireWords*4
	wireValues      = wireFields + wireWords*4
	wireStringsSize = wireValues + 2*wireWords*4
	wireSize        = wireStringsSize + 4
)

// Fields whose value is a string in the rule's buffer, by their numbers in
// linux/audit.h.
const (
	fieldSubjectUser   = 13
	fieldSubjectClear  = 17
	fieldObjectUser    = 19
	fieldObjectHigh    = 23
	fieldWatch         = 105
	fieldDirectory     = 107
	fieldExecutable    = 112
	fieldFilterKey     = 210
	keySeparator       = "\x01" // AUDIT_KEY_SEPARATOR of the audit tools
	maxWireStringsSize = 64 * 1024
)

// ErrNoWireRule says that bytes are no rule of the kernel's form.
var ErrNoWireRule = errors.New("not a kernel audit rule")

// WireKeys reads the keys of a rule in the kernel's bytes (struct
// audit_rule_data in linux/audit.h); none for a rule without a key. The error
// is ErrNoWireRule, with what is wrong, for bytes of another form.
func WireKeys(wire []byte) ([]string, error) {
	if len(wire) < wireSize {
		return nil, fmt.Errorf("%w: it has %d bytes, fewer than the %d of every rule", ErrNoWireRule, len(wire), wireSize)
	}
	word := func(at int) uint32 { return binary.NativeEndian.Uint32(wire[at:]) }
	fields, stringsSize := word(wireFieldCount), word(wireStringsSize)
	if fields > wireWords {
		return nil, fmt.Errorf("%w: it has %d fields, more than %d", ErrNoWireRule, fields, wireWords)
	}
	rest := wire[wireSize:]
	if stringsSize > maxWireStringsSize || uint64(stringsSize) > uint64(len(rest)) {
		return nil, fmt.Errorf("%w: its strings are cut off", ErrNoWireRule)
	}
	rest = rest[:stringsSize]
	var keys []string
	for i := range int(fields) {
		field, length := word(wireFields+4*i), word(wireValues+4*i)
		if !holdsString(field) {
			continue
		}
		if uint64(length) > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: a string reaches past its end", ErrNoWireRule)
		}
		if field == fieldFilterKey {
			keys = append(keys, strings.Split(string(rest[:length]), keySeparator)...)
		}
		rest = rest[length:]
	}
	return keys, nil
}

// holdsString says that a field's value is the length of a string.
func holdsString(field uint32) bool {
	switch {
	case field >= fieldSubjectUser && field <= fieldSubjectClear, field >= fieldObjectUser && field <= fieldObjectHigh:
		return true
	}
	return field == fieldWatch || field == fieldDirectory || field == fieldExecutable || field == fieldFilterKey
}
