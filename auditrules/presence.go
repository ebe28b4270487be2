package auditrules

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// Presence says how much of a plan a kernel whose rules cannot be changed has.
type Presence struct {
	// Missing are the rules without which the sensor is of no use.
	Missing []Rule
	// BlindSpots is what cannot be seen for want of other rules.
	BlindSpots []BlindSpot
}

// Present asks what of the plan the rules that the kernel already has record, for
// hosts whose audit configuration is locked at boot. Rules of others count too,
// and rules that select by what this kernel cannot be asked about: it was asked
// when they were made.
func Present(control Control, plan *Plan) (Presence, error) {
	loaded, err := control.Rules()
	if err != nil {
		return Presence{}, err
	}
	var found Presence
	for _, r := range plan.Rules {
		if slices.ContainsFunc(loaded, func(wire []byte) bool { return sameRule(wire, r.Wire) }) {
			continue
		}
		if len(r.parts) == 0 {
			found.Missing = append(found.Missing, r)
		}
		for _, one := range r.parts {
			if err := found.look(one, loaded); err != nil {
				return Presence{}, err
			}
		}
	}
	return found, nil
}

// look says what is missing of a part.
func (p *Presence) look(one part, loaded [][]byte) error {
	wanted := []kernelRule{one.narrow}
	if one.ring {
		wanted = append(wanted, uringRule(one.narrow.conditions, one.narrow.key))
	}
	for _, rule := range wanted {
		wire, err := rule.wire()
		if err != nil {
			return err
		}
		if recorded(wire, loaded) {
			return nil
		}
	}
	if one.unseen != nil {
		if !slices.Contains(p.BlindSpots, *one.unseen) {
			p.BlindSpots = append(p.BlindSpots, *one.unseen)
		}
		return nil
	}
	missing, err := newRule(one.rule, one.reason)
	if err == nil {
		p.Missing = append(p.Missing, missing)
	}
	return err
}

// recorded says whether the loaded rules record all calls of a rule.
func recorded(wire []byte, loaded [][]byte) bool {
	wanted, ok := decode(wire)
	if !ok {
		return false
	}
	var covered [unix.AUDIT_BITMASK_SIZE]uint32
	for _, wire := range loaded {
		if other, ok := decode(wire); ok && other.coversConditions(wanted) {
			for i := range covered {
				covered[i] |= other.mask[i]
			}
		}
	}
	for i := range covered {
		if wanted.mask[i]&^covered[i] != 0 {
			return false
		}
	}
	return true
}

// decodedRule is what decides what a rule records: everything but its key.
type decodedRule struct {
	list, action uint32
	mask         [unix.AUDIT_BITMASK_SIZE]uint32
	conditions   [][3]uint32 // field, value, operator
}

// decode reads a rule; false where it is none, or has conditions on texts.
func decode(wire []byte) (decodedRule, bool) {
	var rule decodedRule
	if len(wire) < ruleHeader {
		return rule, false
	}
	get := func(word int) uint32 { return binary.NativeEndian.Uint32(wire[4*word:]) }
	rule.list, rule.action = get(0), get(1)
	for i := range rule.mask {
		rule.mask[i] = get(3 + i)
	}
	const fields = 3 + unix.AUDIT_BITMASK_SIZE
	for i := range min(int(get(2)), unix.AUDIT_MAX_FIELDS) {
		one := [3]uint32{get(fields + i), get(fields + unix.AUDIT_MAX_FIELDS + i), get(fields + 2*unix.AUDIT_MAX_FIELDS + i)}
		switch one[0] {
		case unix.AUDIT_FILTERKEY:
			continue
		case unix.AUDIT_WATCH, unix.AUDIT_DIR, unix.AUDIT_EXE, unix.AUDIT_SUBJ_USER, unix.AUDIT_SUBJ_ROLE, unix.AUDIT_SUBJ_TYPE,
			unix.AUDIT_SUBJ_SEN, unix.AUDIT_SUBJ_CLR, unix.AUDIT_OBJ_USER, unix.AUDIT_OBJ_ROLE, unix.AUDIT_OBJ_TYPE,
			unix.AUDIT_OBJ_LEV_LOW, unix.AUDIT_OBJ_LEV_HIGH:
			return rule, false
		}
		rule.conditions = append(rule.conditions, one)
	}
	return rule, true
}

// coversConditions says whether the rule records every event of its calls that
// other would record: it demands nothing that other does not demand too.
func (r decodedRule) coversConditions(other decodedRule) bool {
	if r.list&^unix.AUDIT_FILTER_PREPEND != other.list || r.action != unix.AUDIT_ALWAYS {
		return false
	}
	return !slices.ContainsFunc(r.conditions, func(one [3]uint32) bool { return !slices.Contains(other.conditions, one) })
}
