package detect

import (
	"net/netip"
	"strings"

	"tripline/detect/eql"
)

// cidrMatch compiles the test whether an address is in any of some blocks. It
// is null if the address is missing or a block is null. A text that is no
// address is in no block.
func (c *compiler) cidrMatch(call *eql.Call, operands []operand) (operand, error) {
	var blocks []netip.Prefix
	for i, one := range operands[1:] {
		value := one.evaluate(nil)
		if value.kind == KindMissing {
			return constantOperand(Value{}), nil
		}
		block, ok := parseBlock(value.Text())
		if !ok {
			return operand{}, c.query.ErrorAt(call.Arguments[i+1].Position(), `write an address and a length: "10.0.0.0/8"`,
				"%q is no block of addresses", value.Text())
		}
		blocks = append(blocks, block)
	}
	evaluate := operands[0].evaluate
	return combine(func(ev Event) Value {
		value := evaluate(ev)
		if value.kind == KindMissing {
			return Value{}
		}
		return Bool(inBlocks(value.Text(), blocks))
	}, operands[0]), nil
}

// mappedPrefix is what an IPv4 address mapped into IPv6 begins with as text.
const mappedPrefix = "::ffff:"

// eitherForm makes a test of addresses that is true if it is for a mapped IPv4
// address as it is or as IPv4.
func eitherForm(test scalarTest) scalarTest {
	return func(value Value) bool {
		if test(value) {
			return true
		}
		inner, mapped := strings.CutPrefix(value.Text(), mappedPrefix)
		return mapped && strings.Contains(inner, ".") && test(String(inner))
	}
}

// parseBlock reads a block of addresses, such as 10.0.0.0/8; what is behind the
// length does not count. An address without a length is a block of itself alone,
// as rules in use write ::1. One of IPv4 addresses written as IPv6 addresses
// becomes one of IPv4.
func parseBlock(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), true
	}
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	const mapped = 96 // bits before an IPv4 address in an IPv6 address
	if block.Addr().Is4In6() && block.Bits() >= mapped {
		block = netip.PrefixFrom(block.Addr().Unmap(), block.Bits()-mapped)
	}
	return block.Masked(), true
}

// inBlocks reports whether a text is an address in one of some blocks.
func inBlocks(text string, blocks []netip.Prefix) bool {
	const longest = 64 // bytes of an address without a zone
	if len(text) > longest || !strings.ContainsAny(text, ".:") || strings.Trim(text, "0123456789abcdefABCDEF.:") != "" {
		return false // without the cost of an error that says so
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return false
	}
	address = address.Unmap()
	wide := netip.AddrFrom16(address.As16()) // in which form a block of IPv6 may hold an IPv4 address
	for _, block := range blocks {
		if block.Contains(address) || block.Contains(wide) {
			return true
		}
	}
	return false
}
