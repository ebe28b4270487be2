package kernel

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestUnknownRuleHasItsKey(t *testing.T) {
	const key = "tripline-key-of-a-test"
	rule := UnknownRule(key)
	if len(rule)%4 != 0 || !bytes.Contains(rule[ruleHeaderSize:], []byte(key)) {
		t.Errorf("the rule has no key: %q", rule[ruleHeaderSize:])
	}
	if got := binary.NativeEndian.Uint32(rule[ruleValues:]); got != uint32(len(key)) {
		t.Errorf("the key's length is %d, not %d", got, len(key))
	}
}
