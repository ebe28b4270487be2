package auditrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"

	"tripline/detect"
)

// Rule is one kernel audit rule of a plan.
type Rule struct {
	// Line is the rule as auditctl writes it.
	Line string
	// Reason says what the rule is there for.
	Reason string
	// Wire is the rule as the kernel reads it (struct audit_rule_data in
	// linux/audit.h).
	Wire []byte
}

// Plan is the set of kernel audit rules that the loaded detection rules need.
type Plan struct {
	// Key marks every rule of the plan.
	Key string
	// Rules are in the order in which they are installed.
	Rules []Rule
	// Unmet names each need that no kernel rule of this version can feed.
	Unmet []string
}

// feed is a kind of system call that produces events, and who asks for it.
type feed struct {
	// call is the system call's name; its multiplexed form, where an interface
	// has one, is the sub-call of socketcall(2) (linux/net.h).
	call       string
	socketcall int
	what       string
	actions    []string
	types      []string // the values of event.type that the events can have
	category   string
}

// feeds lists the system calls from which package normalize makes the actions
// that rules ask for.
func feeds() []feed {
	return []feed{
		{
			call: "connect", socketcall: 3, what: "connections", category: "network",
			actions: []string{"connection_attempted", "socket_connected"}, types: []string{"start", "info"},
		},
		{
			call: "setsid", what: "session changes", category: "process",
			actions: []string{"session_id_change"}, types: []string{"change"},
		},
	}
}

// NewPlan works out the fewest kernel rules that feed the given needs on a
// machine (as uname(2) names it), all marked with key. Conditions that every
// interested detection rule shares are left to the kernel.
func NewPlan(needs []detect.Need, machine, key string) (*Plan, error) {
	abis, err := abisOf(machine)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Key: key}
	wanted := make(map[string]bool)
	var interested []detect.Need
	for _, need := range needs {
		var fed []string
		for _, f := range feeds() {
			if f.serves(need) {
				wanted[f.call] = true
				fed = append(fed, f.actions...)
			}
		}
		if len(fed) > 0 {
			interested = append(interested, need)
		}
		if what := unmet(need, fed); what != "" {
			plan.Unmet = append(plan.Unmet, what)
		}
	}
	slices.Sort(plan.Unmet)
	plan.Unmet = slices.Compact(plan.Unmet)
	filter, filterReason := sharedFilter(interested)
	for _, a := range abis {
		if err := plan.addFor(a, wanted, filter, filterReason); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// serves says whether the feed can produce an event that the need accepts.
func (f feed) serves(need detect.Need) bool {
	if need.Category != "" && need.Category != "any" && need.Category != f.category {
		return false
	}
	for _, condition := range need.Conditions {
		if condition.Field == "event.type" && !overlap(condition.Values, f.types) {
			return false
		}
	}
	return len(need.Actions) == 0 || overlap(need.Actions, f.actions)
}

// overlap says whether two lists share a value.
func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(one string) bool { return slices.Contains(b, one) })
}

// unmet says in a user's words what of a need the actions that are fed leave out,
// empty for nothing.
func unmet(need detect.Need, fed []string) string {
	switch {
	case len(fed) == 0:
		return describeNeed(need)
	case len(need.Actions) == 0:
		return describeNeed(need) + " other than " + strings.Join(fed, " and ")
	}
	return ""
}

// addFor adds the rules for one system-call interface: one for all direct
// calls, one for each multiplexed call.
func (p *Plan) addFor(a abi, wanted map[string]bool, filter, filterReason string) error {
	var calls, reasons []string
	var multiplexed []feed
	for _, f := range feeds() {
		if !wanted[f.call] {
			continue
		}
		if f.socketcall != 0 && a.socketcall {
			multiplexed = append(multiplexed, f)
		}
		calls = append(calls, f.call)
		reasons = append(reasons, f.what)
	}
	bits := "64-bit"
	if a.short == "b32" {
		bits = "32-bit"
	}
	if len(calls) > 0 {
		selection := "-S " + strings.Join(calls, ",")
		reason := fmt.Sprintf("%s by %s programs%s", strings.Join(reasons, " and "), bits, filterReason)
		if err := p.add(a, selection, filter, reason); err != nil {
			return err
		}
	}
	for _, f := range multiplexed {
		selection := fmt.Sprintf("-S socketcall -F a0=%d", f.socketcall)
		reason := fmt.Sprintf("%s by %s programs through socketcall%s", f.what, bits, filterReason)
		if err := p.add(a, selection, filter, reason); err != nil {
			return err
		}
	}
	return nil
}

// add encodes one rule and appends it to the plan.
func (p *Plan) add(a abi, selection, filter, reason string) error {
	build := func(arch string) string {
		return fmt.Sprintf("-a always,exit -F arch=%s %s%s -k %s", arch, selection, filter, p.Key)
	}
	parsed, err := flags.Parse(build(a.arch))
	if err != nil {
		return fmt.Errorf("writing the kernel rule %q: %w", build(a.short), err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		return fmt.Errorf("encoding the kernel rule %q: %w", build(a.short), err)
	}
	p.Rules = append(p.Rules, Rule{Line: build(a.short), Reason: reason, Wire: wire})
	return nil
}

// sharedFilter is the filter that the kernel can apply because every need has
// that condition: today the effective user. The reason names it in words.
func sharedFilter(needs []detect.Need) (filter, reason string) {
	users := make(map[string]bool)
	for _, need := range needs {
		user, ok := singleUser(need)
		if !ok {
			return "", ""
		}
		users[user] = true
	}
	if len(users) != 1 {
		return "", ""
	}
	for user := range users {
		filter = " -F euid=" + user
		reason = ", effective user " + user + " only"
	}
	return filter, reason
}

// singleUser finds the one numeric user.id that a need insists on. user.id is
// the effective user, the euid of the audit record.
func singleUser(need detect.Need) (string, bool) {
	for _, condition := range need.Conditions {
		if condition.Field == "user.id" && len(condition.Values) == 1 && isDecimal(condition.Values[0]) {
			return condition.Values[0], true
		}
	}
	return "", false
}

func isDecimal(text string) bool {
	return text != "" && len(text) <= 10 && strings.Trim(text, "0123456789") == ""
}

// describeNeed names a need in a user's words.
func describeNeed(need detect.Need) string {
	text := need.Category + " events"
	if need.Category == "" {
		text = "events of any category"
	}
	for _, condition := range need.Conditions {
		if condition.Field == "event.type" {
			text += " of type " + strings.Join(condition.Values, " or ")
		}
	}
	if len(need.Actions) > 0 {
		text += " with action " + strings.Join(need.Actions, " or ")
	}
	return text
}
