package auditrules

import (
	"golang.org/x/sys/unix"

	"tripline/auditrules/kernel"
)

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
