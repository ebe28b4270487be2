package auditrules

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// condition is one field of a kernel rule with what it is compared to. The codes
// are those of linux/audit.h.
type condition struct {
	// name is what auditctl calls the field.
	name  string
	field uint32
	op    uint32
	value uint32
	// hex writes the value in hexadecimal.
	hex bool
}

// String is the condition as auditctl writes it.
func (c condition) String() string {
	value := strconv.FormatUint(uint64(c.value), 10)
	if c.hex {
		value = "0x" + strconv.FormatUint(uint64(c.value), 16)
	}
	return c.name + operators()[c.op] + value
}

func operators() map[uint32]string {
	return map[uint32]string{
		unix.AUDIT_EQUAL: "=", unix.AUDIT_BIT_MASK: "&",
		unix.AUDIT_GREATER_THAN_OR_EQUAL: ">=", unix.AUDIT_LESS_THAN_OR_EQUAL: "<=",
	}
}

// kernelRule is a rule of the list exit or io_uring that always records.
type kernelRule struct {
	// abi is the interface whose system calls are meant; nil for the operations
	// of io_uring.
	abi   *abi
	calls []string
	// conditions must all hold.
	conditions []condition
	key        string
}

// uringConnect is IORING_OP_CONNECT of linux/io_uring.h.
const uringConnect = 16

// number is a call's number.
func (r kernelRule) number(call string) uint32 {
	if r.abi == nil {
		return uringConnect
	}
	return r.abi.calls[call]
}

// line is the rule as auditctl writes it. With portable, calls that older audit
// tools do not know by name are given by number, which every version takes.
func (r kernelRule) line(portable bool) string {
	text := "-a always,io_uring"
	if r.abi != nil {
		text = "-a always,exit -F arch=" + r.abi.short
	}
	names := slices.Clone(r.calls)
	for i, call := range names {
		if portable && r.abi != nil && newToTools(*r.abi, call) {
			names[i] = strconv.FormatUint(uint64(r.number(call)), 10)
		}
	}
	text += " -S " + strings.Join(names, ",")
	for _, c := range r.conditions {
		text += " -F " + c.String()
	}
	return text + " -k " + r.key
}

// newToTools says that audit tools in use with kernels that plans are for do not
// know a call by its name: interfaces with socketcall(2) got direct calls for
// sockets in Linux 4.3 only.
func newToTools(a abi, call string) bool {
	switch call {
	case "socket", "connect", "sendto", "sendmsg":
		_, late := a.calls["socketcall"]
		return late
	case "sendmmsg", "execveat", "io_uring_setup", "io_uring_enter":
		return true
	}
	return false
}

// wire lays the rule out as the kernel reads it, struct audit_rule_data of
// linux/audit.h in this machine's byte order.
func (r kernelRule) wire() ([]byte, error) {
	list := uint32(unix.AUDIT_FILTER_URING_EXIT)
	conditions := slices.Clone(r.conditions)
	if r.abi != nil {
		list = unix.AUDIT_FILTER_EXIT
		conditions = append([]condition{{field: unix.AUDIT_ARCH, op: unix.AUDIT_EQUAL, value: r.abi.arch}}, conditions...)
	}
	conditions = append(conditions, condition{field: unix.AUDIT_FILTERKEY, op: unix.AUDIT_EQUAL, value: uint32(len(r.key))})
	if len(r.key) > unix.AUDIT_MAX_KEY_LEN || len(conditions) > unix.AUDIT_MAX_FIELDS {
		return nil, fmt.Errorf("the kernel rule %q is too long: a key has at most %d bytes, a rule %d fields",
			r.line(false), unix.AUDIT_MAX_KEY_LEN, unix.AUDIT_MAX_FIELDS)
	}
	wire := make([]byte, ruleHeadSize, ruleHeadSize+len(r.key))
	put := func(word int, value uint32) { binary.NativeEndian.PutUint32(wire[4*word:], value) }
	put(0, list)
	put(1, unix.AUDIT_ALWAYS)
	put(2, uint32(len(conditions)))
	const mask, fields = 3, 3 + unix.AUDIT_BITMASK_SIZE
	var bits [unix.AUDIT_BITMASK_SIZE]uint32
	for _, call := range r.calls {
		number := r.number(call)
		bits[number/32] |= 1 << (number % 32)
	}
	for i, word := range bits {
		put(mask+i, word)
	}
	for i, c := range conditions {
		put(fields+i, c.field)
		put(fields+unix.AUDIT_MAX_FIELDS+i, c.value)
		put(fields+2*unix.AUDIT_MAX_FIELDS+i, c.op)
	}
	put(fields+3*unix.AUDIT_MAX_FIELDS, uint32(len(r.key)))
	return append(wire, r.key...), nil
}

// sameRule compares rules as the kernel gives them back: padding behind the
// strings, which a netlink message may have, does not count.
func sameRule(a, b []byte) bool { return bytes.Equal(unpadded(a), unpadded(b)) }

// unpadded cuts off what is behind a rule's strings.
func unpadded(wire []byte) []byte {
	if len(wire) < ruleHeadSize {
		return wire
	}
	length := binary.NativeEndian.Uint32(wire[textLenOffset:])
	if uint64(ruleHeadSize)+uint64(length) > uint64(len(wire)) {
		return wire
	}
	return wire[:ruleHeadSize+int(length)]
}
