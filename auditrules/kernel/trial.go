package kernel

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// The layout of struct audit_rule_data and the numbers in it (linux/audit.h).
const (
	ruleHeaderSize  = 1040
	ruleCountOffset = 8
	ruleFields      = 12 + 4*64
	ruleValues      = ruleFields + 4*64
	ruleOperators   = ruleValues + 4*64
	ruleTextLength  = ruleOperators + 4*64

	listExit      = 4
	listURingExit = 7
	actionAlways  = 2

	fieldPID         = 0
	fieldSessionID   = 25
	fieldExecutable  = 112
	fieldSaddrFamily = 113
	fieldKey         = 210

	operatorEqual = 0x40000000
)

// trialKey marks the rules that are only asked about, in the records that the
// kernel may write of it.
const trialKey = "tripline-trial"

// condition is one field of a trial rule. A text field has its text.
type condition struct {
	field, value uint32
	text         string
}

// trialRule encodes a rule for a filter list that has no system call and so
// could match nothing. It is never added, see understands.
func trialRule(list uint32, conditions ...condition) []byte {
	return keyedTrial(list, trialKey, conditions...)
}

// UnknownRule is a rule that nobody has, for DeleteRule or a request of the same
// kind: where auditing is on, the kernel records that its deletion failed, with the
// key, which must be new, of letters, digits and -. So a record can be had from a
// kernel with CAP_AUDIT_CONTROL alone; to write one takes CAP_AUDIT_WRITE.
func UnknownRule(key string) []byte { return keyedTrial(listExit, key) }

// keyedTrial encodes a trial rule with a key.
func keyedTrial(list uint32, key string, conditions ...condition) []byte {
	conditions = append(conditions, condition{field: fieldKey, text: key})
	rule := make([]byte, ruleHeaderSize)
	order := binary.NativeEndian
	order.PutUint32(rule, list)
	order.PutUint32(rule[4:], actionAlways)
	order.PutUint32(rule[ruleCountOffset:], uint32(len(conditions)))
	for i, c := range conditions {
		if c.text != "" {
			c.value = uint32(len(c.text))
			rule = append(rule, c.text...)
		}
		order.PutUint32(rule[ruleFields+4*i:], c.field)
		order.PutUint32(rule[ruleValues+4*i:], c.value)
		order.PutUint32(rule[ruleOperators+4*i:], operatorEqual)
	}
	order.PutUint32(rule[ruleTextLength:], uint32(len(rule)-ruleHeaderSize))
	for len(rule)%4 != 0 {
		rule = append(rule, 0)
	}
	return rule
}

// The rules that are asked about.
func trialSaddrFamily() []byte {
	return trialRule(listExit, condition{field: fieldSaddrFamily, value: unix.AF_INET})
}

func trialExecutable() []byte {
	return trialRule(listExit, condition{field: fieldExecutable, text: "/tripline-trial-of-a-rule"})
}

func trialSessionID() []byte {
	return trialRule(listExit, condition{field: fieldSessionID, value: 1})
}

func trialIOUring() []byte {
	return trialRule(listURingExit, condition{field: fieldPID, value: 1})
}

// understands reads from the answer to the deletion of a rule that nobody has
// whether the kernel understands the rule: it decodes the rule first (EINVAL
// where it cannot) and looks for it then (ENOENT). So nothing is ever installed.
func understands(answer error) Support {
	switch {
	case answer == nil, errors.Is(answer, ErrNotFound):
		return Supported
	case errors.Is(answer, unix.EINVAL):
		return Unsupported
	}
	return Unknown
}
