package auditrules

import (
	"fmt"
	"slices"
	"strings"

	"tripline/auditrules/kernel"
	"tripline/detect"
)

// Rule is one kernel audit rule of a plan.
type Rule struct {
	// Line is the rule as auditctl writes it.
	Line string
	// Portable is Line for audit tools of any age, which do not know each call by
	// its name.
	Portable string
	// Reason says what the rule is there for.
	Reason string
	// Wire is the rule as the kernel reads it (struct audit_rule_data in
	// linux/audit.h), in the byte order of the machine that made the plan.
	Wire []byte
	// Instead is what is installed when the kernel refuses the rule; nil when the
	// sensor is of no use without it.
	Instead *Alternative

	parts []part
}

// part is what a rule is there for: calls of one feed. It is what has to be
// recorded at the least.
type part struct {
	// rule records it, on any kernel.
	rule   kernelRule
	reason string
	// narrow is the rule with every condition that those who ask share, also such
	// as this kernel may not have.
	narrow kernelRule
	// unseen is what cannot be seen without, where the sensor is of use without.
	unseen *BlindSpot
	// ring and familyOnly are those of the demand.
	ring, familyOnly bool
}

// Alternative is the next best to a rule that a kernel does not take.
type Alternative struct {
	// Rules record as much or more.
	Rules []Rule
	// BlindSpots is what can then no longer be seen.
	BlindSpots []BlindSpot
}

// Plan is the set of kernel audit rules that the loaded detection rules need.
type Plan struct {
	// Key marks every rule of the plan.
	Key string
	// Rules are in the order in which they are installed.
	Rules []Rule
	// BlindSpots is what rules ask for and the kernel cannot report.
	BlindSpots []BlindSpot
	// Unmet names each need that no kernel rule of this version can feed.
	Unmet []string
}

// demand is a feed that is asked for, and the filter that all who ask share.
type demand struct {
	feed
	filter filter
	family filter
	// narrow is family as it would be on a kernel that can select by it.
	narrow filter
	// ring says that the demand stands in for io_uring's connects.
	ring bool
	// familyOnly says that without the condition on the address family the demand
	// would be for far too much.
	familyOnly bool
}

// planner makes one plan.
type planner struct {
	features kernel.Features
	key      string
	abis     []abi
	plan     *Plan
}

// NewPlan works out the fewest kernel rules that feed the given needs on a kernel
// with the given features, all marked with key. Conditions that every detection
// rule interested in a system call shares are left to the kernel. Of a feature
// that is Unknown it does what works without.
func NewPlan(needs []detect.Need, features kernel.Features, key string) (*Plan, error) {
	abis, err := abisOf(features.Machine)
	if err != nil {
		return nil, err
	}
	p := &planner{features: features, key: key, abis: abis, plan: &Plan{Key: key}}
	demands := p.demands(needs)
	for _, a := range abis {
		if err := p.addFor(a, demands); err != nil {
			return nil, err
		}
	}
	if err := p.addUring(demands); err != nil {
		return nil, err
	}
	p.plan.BlindSpots = append(p.plan.BlindSpots, p.blindSpots(demands)...)
	p.plan.Unmet = allUnmet(needs)
	return p.plan, nil
}

// demands lists the feeds that needs ask for, with what all of those who ask
// share. Where io_uring's connects cannot be audited, that a ring is set up
// stands in for them.
func (p *planner) demands(needs []detect.Need) []demand {
	var demands []demand
	for _, f := range feeds() {
		var interested []detect.Need
		for _, need := range needs {
			if len(f.serves(need)) > 0 {
				interested = append(interested, need)
			}
		}
		if len(interested) == 0 {
			continue
		}
		one := demand{feed: f, filter: sharedFilter(interested), narrow: familyFilter(f, interested)}
		if p.features.SaddrFamily == kernel.Supported {
			one.family = one.narrow
		}
		demands = append(demands, one)
		demands = append(demands, p.ringDemands(one)...)
	}
	return demands
}

// allUnmet names what of the needs no kernel rule can feed.
func allUnmet(needs []detect.Need) []string {
	var all []string
	for _, need := range needs {
		var fed []outcome
		for _, f := range feeds() {
			fed = append(fed, f.serves(need)...)
		}
		if what := unmet(need, fed); what != "" {
			all = append(all, what)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// group is what becomes one kernel rule: the calls that share their conditions.
type group struct {
	rule   kernelRule
	what   []string // of each part
	reason string
	family filter
	plain  filter // all conditions but those on the address family
	parts  []part
}

// unseen is what cannot be seen without the group; nothing where the sensor is of
// no use without.
func (g *group) unseen() []BlindSpot {
	var spots []BlindSpot
	for _, one := range g.parts {
		if one.unseen == nil {
			return nil
		}
		spots = append(spots, *one.unseen)
	}
	return spots
}

// addFor adds the rules for one system-call interface.
func (p *planner) addFor(a abi, demands []demand) error {
	var groups []*group
	for _, d := range demands {
		groups = join(groups, p.groupOf(a, d, d.calls, d.feed.filter, ""))
	}
	for _, d := range demands {
		if _, has := a.calls["socketcall"]; has && d.multiplexed != 0 {
			groups = join(groups, p.groupOf(a, d, []string{"socketcall"}, []condition{subcall(d.multiplexed)}, " through socketcall"))
		}
	}
	for _, g := range groups {
		rule, err := encode(g)
		if err != nil {
			return err
		}
		p.plan.Rules = append(p.plan.Rules, rule)
	}
	return nil
}

// groupOf is what one demand asks of one interface.
func (p *planner) groupOf(a abi, d demand, calls []string, own []condition, through string) *group {
	plain := filter{slices.Concat(own, d.filter.conditions), d.filter.reason}
	rule := func(family filter) kernelRule {
		return kernelRule{abi: &a, calls: calls, conditions: slices.Concat(plain.conditions, family.conditions), key: p.key}
	}
	reason := ", " + a.bits() + " programs" + through + plain.reason
	return &group{
		rule: rule(d.family), what: []string{d.what}, reason: reason, family: d.family, plain: plain,
		parts: []part{{rule: rule(filter{}), reason: d.what + reason, narrow: rule(d.narrow), unseen: d.unseen, ring: d.ring, familyOnly: d.familyOnly}},
	}
}

// join adds a group to others, as part of the one that has the same conditions if
// there is one.
func join(groups []*group, more *group) []*group {
	for _, g := range groups {
		if slices.Equal(g.rule.conditions, more.rule.conditions) {
			g.rule.calls = slices.Concat(g.rule.calls, more.rule.calls)
			g.parts = append(g.parts, more.parts...)
			g.what = append(g.what, more.what...)
			return groups
		}
	}
	return append(groups, more)
}

// encode makes a Rule of a group. Without the address family the kernel records
// more, so that is what takes the place of a rule that is refused because of it.
func encode(g *group) (Rule, error) {
	rule, err := newRule(g.rule, strings.Join(g.what, " and ")+g.reason+g.family.reason)
	rule.parts = g.parts
	if unseen := g.unseen(); len(unseen) > 0 {
		rule.Instead = &Alternative{BlindSpots: unseen}
	}
	if err != nil || len(g.family.conditions) == 0 {
		return rule, err
	}
	wider, what := g.rule, []string(nil)
	wider.calls, wider.conditions = nil, g.plain.conditions
	for i, one := range g.parts {
		if !one.familyOnly {
			wider.calls = append(wider.calls, one.rule.calls...)
			what = append(what, g.what[i])
		}
	}
	if len(what) == 0 {
		return rule, nil
	}
	instead, err := newRule(wider, strings.Join(what, " and ")+g.reason)
	rule.Instead = &Alternative{Rules: []Rule{instead}}
	return rule, err
}

// newRule encodes a rule.
func newRule(rule kernelRule, reason string) (Rule, error) {
	wire, err := rule.wire()
	if err != nil {
		return Rule{}, fmt.Errorf("planning kernel rules: %w", err)
	}
	return Rule{Line: rule.line(false), Portable: rule.line(true), Reason: reason, Wire: wire}, nil
}
