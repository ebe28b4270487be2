package auditrules

import (
	"encoding/binary"
	"fmt"
)

// The layout of struct audit_rule_data (linux/audit.h): four arrays between a
// head of three words and a tail that has the text of all text fields.
const (
	maskWords     = 64
	maxFields     = 64
	maskOffset    = 12
	fieldsOffset  = maskOffset + 4*maskWords
	valuesOffset  = fieldsOffset + 4*maxFields
	operOffset    = valuesOffset + 4*maxFields
	textLenOffset = operOffset + 4*maxFields
	ruleHeadSize  = textLenOffset + 4
)

// KernelRule is an audit rule as the kernel lists it, anybody's.
type KernelRule struct {
	// List is the filter list (AUDIT_FILTER_*) and Action what matching does
	// (AUDIT_NEVER, AUDIT_ALWAYS).
	List, Action uint32
	// Calls is the bit mask of system calls; on the list io_uring, of its
	// operations.
	Calls [maskWords]uint32
	// Conditions must all hold.
	Conditions []KernelCondition
}

// KernelCondition is one field of a rule.
type KernelCondition struct {
	// Field, Operator and Value are those of linux/audit.h. A text field's value
	// is the length of Text.
	Field, Operator, Value uint32
	// Text is the value of a text field.
	Text string
}

// DecodeKernelRule reads a rule from the bytes by which the kernel lists it. The
// result does not refer to them.
func DecodeKernelRule(wire []byte) (*KernelRule, error) {
	if len(wire) < ruleHeadSize {
		return nil, fmt.Errorf("an audit rule has %d bytes, less than its %d fixed ones", len(wire), ruleHeadSize)
	}
	word := func(offset int) uint32 { return binary.NativeEndian.Uint32(wire[offset:]) }
	rule := &KernelRule{List: word(0) &^ prepend, Action: word(4)}
	count := word(8)
	if count > maxFields {
		return nil, fmt.Errorf("an audit rule has %d fields, more than the %d that one can have", count, maxFields)
	}
	for i := range rule.Calls {
		rule.Calls[i] = word(maskOffset + 4*i)
	}
	text := wire[ruleHeadSize:]
	if length := word(textLenOffset); uint64(length) < uint64(len(text)) {
		text = text[:length]
	}
	for i := range int(count) {
		one := KernelCondition{Field: word(fieldsOffset + 4*i), Operator: word(operOffset + 4*i), Value: word(valuesOffset + 4*i)}
		if hasText(one.Field) {
			if uint64(one.Value) > uint64(len(text)) {
				return nil, fmt.Errorf("field %s of an audit rule has %d bytes of text, and %d are left", fieldName(one.Field), one.Value, len(text))
			}
			one.Text, text = string(text[:one.Value]), text[one.Value:]
		}
		rule.Conditions = append(rule.Conditions, one)
	}
	return rule, nil
}

// selects says whether the rule's mask has a system call.
func (r *KernelRule) selects(call int) bool {
	return call >= 0 && call < 32*maskWords && r.Calls[call/32]&(1<<(call%32)) != 0
}

// allCalls says whether the mask has every system call. auditctl leaves the last
// words of the mask to classes of system calls, which the kernel expands.
func (r *KernelRule) allCalls() bool {
	for _, word := range r.Calls[:maskWords-1] {
		if word != ^uint32(0) {
			return false
		}
	}
	return true
}

// has finds the rule's condition on a field.
func (r *KernelRule) has(field uint32) (KernelCondition, bool) {
	for _, one := range r.Conditions {
		if one.Field == field {
			return one, true
		}
	}
	return KernelCondition{}, false
}

// holdsFor says whether a numeric condition is true for a value, as
// audit_comparator in kernel/auditfilter.c compares.
func (c KernelCondition) holdsFor(value uint32) bool {
	switch c.Operator {
	case operEqual:
		return value == c.Value
	case operNotEqual:
		return value != c.Value
	case operLess:
		return value < c.Value
	case operLessEqual:
		return value <= c.Value
	case operGreater:
		return value > c.Value
	case operGreaterEqual:
		return value >= c.Value
	case operMask:
		return value&c.Value != 0
	case operTest:
		return value&c.Value == c.Value
	}
	return false
}
