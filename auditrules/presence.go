package auditrules

import "slices"

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
	return PresentAmong(loaded, plan)
}

// PresentAmong is Present for rules that were listed before.
func PresentAmong(loaded [][]byte, plan *Plan) (Presence, error) {
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
	wanted, err := DecodeKernelRule(wire)
	if err != nil {
		return false
	}
	var covered [maskWords]uint32
	for _, wire := range loaded {
		if other, err := DecodeKernelRule(wire); err == nil && other.demandsNoMore(wanted) {
			for i := range covered {
				covered[i] |= other.Calls[i]
			}
		}
	}
	for i := range covered {
		if wanted.Calls[i]&^covered[i] != 0 {
			return false
		}
	}
	return true
}

// selectsAll says whether the rule's mask has every call of another.
func (r *KernelRule) selectsAll(calls [maskWords]uint32) bool {
	for i := range calls {
		if calls[i]&^r.Calls[i] != 0 {
			return false
		}
	}
	return true
}

// demandsNoMore says whether the rule records every event of its calls that other
// would record: it has no condition that other does not have too.
func (r *KernelRule) demandsNoMore(other *KernelRule) bool {
	if r.List != other.List || r.Action != other.Action {
		return false
	}
	return !slices.ContainsFunc(r.Conditions, func(one KernelCondition) bool {
		return one.Field != fieldKey && !slices.Contains(other.Conditions, one)
	})
}
