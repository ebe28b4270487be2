package auditrules

import (
	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

// ringDemands asks, beside connections, for what tells of those through io_uring.
// Where the operations of rings can be audited (see addUring), the records of
// asynchronous ones have no address; the call that hands them in has it. Where
// they cannot, the set-up of rings stands in for them.
func (p *planner) ringDemands(connections demand) []demand {
	switch {
	case !connections.addressed || p.features.IOUring == kernel.Unsupported:
		return nil
	case p.features.IOUringFilter != kernel.Supported:
		return []demand{ringsFor(connections)}
	case p.features.SaddrFamily != kernel.Supported:
		return nil
	}
	return []demand{asynchronous(connections)}
}

// asynchronous asks for the calls that hand operations with an Internet address to
// a ring. Kernels that audit rings forget the address of an earlier call of the
// thread, so that only calls with an address of their own match; older ones were
// seen to remember it.
func asynchronous(connections demand) demand {
	family := connections.narrow
	if len(family.conditions) == 0 {
		family = internet()
	}
	return demand{
		feed: feed{
			what: "asynchronous ones through io_uring", calls: []string{"io_uring_enter"},
			outcomes: []outcome{attempted()}, unseen: asyncBlindSpot(),
		},
		filter: connections.filter, family: family, narrow: family, familyOnly: true,
	}
}

// ringsFor asks for the set-up of io_uring rings by those whose connects a demand
// is about. A ring connects out without a system call, so that where its connects
// cannot be audited the ring itself is worth a look.
func ringsFor(connections demand) demand {
	return demand{
		feed: feed{
			what: "set-ups of io_uring (whose connects cannot be audited)", calls: []string{"io_uring_setup"},
			outcomes: []outcome{{"process", "io_uring_setup", "info"}}, unseen: ringBlindSpot(),
		},
		filter: connections.filter, ring: true,
	}
}

// addUring adds the rule for connects by io_uring where the kernel audits them.
// It has no condition on the address family: of an asynchronous operation the
// kernel knows the address no more.
func (p *planner) addUring(demands []demand) error {
	if p.features.IOUring == kernel.Unsupported || p.features.IOUringFilter != kernel.Supported {
		return nil
	}
	for _, d := range demands {
		if !d.addressed {
			continue
		}
		connect, reason := uringRule(d.filter.conditions, p.key), d.what+" through io_uring"+d.filter.reason
		rule, err := newRule(connect, reason)
		if err != nil {
			return err
		}
		rule.parts = []part{{rule: connect, reason: reason, narrow: connect, unseen: ringBlindSpot()}}
		if rule.Instead, err = p.insteadOfUring(d); err != nil {
			return err
		}
		p.plan.Rules = append(p.plan.Rules, rule)
	}
	return nil
}

// uringRule is the rule for io_uring's connects.
func uringRule(conditions []condition, key string) kernelRule {
	return kernelRule{calls: []string{"connect"}, conditions: conditions, key: key}
}

// insteadOfUring watches for rings being set up.
func (p *planner) insteadOfUring(connections demand) (*Alternative, error) {
	instead := &Alternative{BlindSpots: []BlindSpot{uringBlindSpot()}}
	rings := ringsFor(connections)
	for _, a := range p.abis {
		rule, err := encode(p.groupOf(a, rings, rings.calls, nil, ""))
		if err != nil {
			return nil, err
		}
		instead.Rules = append(instead.Rules, rule)
	}
	return instead, nil
}

// subcall selects one call of socketcall(2).
func subcall(number uint32) condition {
	return condition{name: "a0", field: unix.AUDIT_ARG0, op: unix.AUDIT_EQUAL, value: number}
}
