package auditrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/elastic/go-libaudit/v2/auparse"
)

// Effect says what a rule of somebody else's does to what the sensor sees.
type Effect uint8

// The effects, the worst last.
const (
	// Costs: the sensor sees everything, and much that it did not ask for.
	Costs Effect = iota
	// HidesDetails: events arrive without a part.
	HidesDetails
	// HidesSome: calls that meet the rule's conditions are not seen.
	HidesSome
	// HidesAll: no call of some kind is seen.
	HidesAll
)

// Finding is one rule of somebody else's that the sensor suffers from.
type Finding struct {
	// Index is the rule's place in the kernel's list, from 0.
	Index int
	// Line is the rule as auditctl writes it, empty where it cannot be read.
	Line string
	// Effect says how bad it is.
	Effect Effect
	// HidesTasks says that the rule keeps new programs from being audited at all
	// (never,task).
	HidesTasks bool
	// Text says what the rule means for the sensor.
	Text string
	// Mend is the command that deletes the rule, empty where there is none.
	Mend string
}

// The record types that events are made of (linux/audit.h).
const (
	recordSyscall    = 1300
	recordSocketCall = 1304
	recordSockaddr   = 1306
	recordEnd        = 1320
	recordTitle      = 1327
	recordURing      = 1336
)

// Inspect finds among the kernel's rules, in their order and as the kernel's
// bytes, those of others that hide from the sensor what its plan is to report,
// or that make the kernel report every system call. The machine is what uname(2)
// reports. In a list the first rule that matches decides, so that a rule hides only
// those of the plan that come behind it; rules of the plan that are not there are
// added behind all others. On the list exclude every rule that matches drops the
// record. A rule that cannot be read is a finding too.
func Inspect(rules [][]byte, plan *Plan, machine string) []Finding {
	own := placeOwn(rules, plan)
	var findings []Finding
	for i, wire := range rules {
		if plan.Has(wire) {
			continue
		}
		rule, err := DecodeKernelRule(wire)
		if err != nil {
			findings = append(findings, Finding{Index: i, Effect: HidesSome, Text: "a rule of the kernel cannot be read, so that what it hides is not known: " + err.Error()})
			continue
		}
		effect, text := rule.effectOn(own, i)
		if text == "" {
			continue
		}
		findings = append(findings, Finding{
			Index: i, Line: rule.Line(machine), Effect: effect, HidesTasks: rule.List == listTask,
			Text: text, Mend: rule.Deletion(machine),
		})
	}
	return findings
}

// placed is a rule of the plan and its place among the kernel's.
type placed struct {
	*KernelRule
	place int
}

// placeOwn finds where the kernel has the rules of a plan, or a rule of others that
// records as much; behind all where it has none.
func placeOwn(rules [][]byte, plan *Plan) []placed {
	own := make([]placed, 0, len(plan.Rules))
	for _, one := range plan.Rules {
		// A rule of our own that cannot be decoded is compared as bytes alone.
		if decoded, err := DecodeKernelRule(one.Wire); err == nil {
			own = append(own, placed{decoded, len(rules)})
		}
	}
	for i, wire := range rules {
		other, err := DecodeKernelRule(wire)
		if err != nil || other.Action != actionAlways {
			continue
		}
		for j := range own {
			if i < own[j].place && other.demandsNoMore(own[j].KernelRule) && other.selectsAll(own[j].Calls) {
				own[j].place = i
			}
		}
	}
	return own
}

// Has says whether a rule, as the kernel's bytes, is one of the plan: the same
// rule, or one that records and has the plan's key, as another plan's may be. A rule
// that hides is nobody's plan, whatever its key.
func (p *Plan) Has(wire []byte) bool {
	if slices.ContainsFunc(p.Rules, func(one Rule) bool { return sameRule(one.Wire, wire) }) {
		return true
	}
	rule, err := DecodeKernelRule(wire)
	if err != nil {
		return false
	}
	key, found := rule.has(fieldKey)
	return found && key.Text == p.Key && rule.Action == actionAlways && (rule.List == listExit || rule.List == listURing)
}

// effectOn says what the rule, which has the given place, does to the sensor's own
// rules; an empty text for nothing.
func (r *KernelRule) effectOn(own []placed, place int) (Effect, string) {
	switch {
	case r.List == listTask && r.Action == actionNever:
		return r.hideTasks()
	case r.List == listExclude:
		return r.dropRecords(own)
	case r.Action == actionNever:
		return r.shadow(own, place)
	case r.Action == actionAlways && r.List == listExit && r.allCalls() && r.unconditional():
		return Costs, "every system call of every program is recorded, which slows the host and floods the sensor"
	}
	return 0, ""
}

// unconditional says whether nothing but an architecture or a key is asked for.
func (r *KernelRule) unconditional() bool {
	return !slices.ContainsFunc(r.Conditions, func(c KernelCondition) bool { return c.Field != fieldArch && c.Field != fieldKey })
}

// hideTasks is the effect of a rule never,task.
func (r *KernelRule) hideTasks() (Effect, string) {
	if r.unconditional() {
		return HidesAll, "no program that starts while this rule is loaded is ever audited, also not after the rule is gone"
	}
	return HidesSome, "programs that start while it is so" + r.when() + " are never audited, also not after the rule is gone"
}

// shadow is the effect of a rule that keeps calls from being recorded. The list
// entry, which kernels before 3.3 have, decides before every rule of the list exit.
func (r *KernelRule) shadow(own []placed, place int) (Effect, string) {
	effect, calls := HidesSome, []string(nil)
	for _, one := range own {
		if place > one.place && r.List != listEntry {
			continue // it does not come to decide
		}
		mine := one.KernelRule
		meets, all := r.covers(mine)
		if !meets {
			continue
		}
		for _, call := range r.callsShared(mine) {
			if !slices.Contains(calls, call) {
				calls = append(calls, call)
			}
			if all {
				effect = HidesAll
			}
		}
	}
	if len(calls) == 0 {
		return 0, ""
	}
	text := "hides the calls " + strings.Join(calls, ", ")
	if effect == HidesSome {
		text += r.when()
	}
	return effect, text + ", because it comes before Tripline's rules"
}

// covers says whether the rule can match what a rule of ours matches, and
// whether it matches all of that.
func (r *KernelRule) covers(mine *KernelRule) (meets, all bool) {
	if r.List != mine.List && (r.List != listEntry || mine.List != listExit) {
		return false, false
	}
	all = true
	for _, condition := range r.Conditions {
		if condition.Field == fieldKey {
			continue
		}
		ours, found := mine.has(condition.Field)
		switch {
		case !found || ours.Operator != operEqual || hasText(condition.Field):
			all = false
		case !condition.holdsFor(ours.Value):
			return false, false
		}
	}
	return true, all
}

// callsShared names the system calls that both rules select, as those of the
// other rule's interface.
func (r *KernelRule) callsShared(other *KernelRule) []string {
	both := KernelRule{List: other.List}
	for i := range r.Calls {
		both.Calls[i] = r.Calls[i] & other.Calls[i]
	}
	names := both.callsText(other.archName())
	if names == "" {
		return nil
	}
	return strings.Split(names, ",")
}

// archName is the rule's system-call interface, empty where it has none.
func (r *KernelRule) archName() string {
	one, _ := r.has(fieldArch)
	return auparse.AuditArchNames[auparse.AuditArch(one.Value)]
}

// when puts the rule's conditions into words, empty for none.
func (r *KernelRule) when() string {
	var texts []string
	for _, one := range r.Conditions {
		if one.Field != fieldArch && one.Field != fieldKey && one.Field != fieldMessageType {
			texts = append(texts, strings.Trim(strings.TrimPrefix(strings.Join(one.text(), " "), "-F "), "'"))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return " (where " + strings.Join(texts, " and ") + ")"
}

// dropRecords is the effect of a rule on the list exclude.
func (r *KernelRule) dropRecords(own []placed) (Effect, string) {
	uring := slices.ContainsFunc(own, func(one placed) bool { return one.List != listExit })
	effect, dropped := HidesDetails, []string(nil)
	for _, record := range []struct {
		kind   uint32
		name   string
		effect Effect
		wanted bool
	}{
		{recordSyscall, "SYSCALL", HidesAll, true},
		{recordSockaddr, "SOCKADDR", HidesAll, true},
		{recordURing, "URINGOP", HidesAll, uring},
		{recordSocketCall, "SOCKETCALL", HidesDetails, true},
		{recordTitle, "PROCTITLE", HidesDetails, true},
		{recordEnd, "EOE", HidesDetails, true},
	} {
		if record.wanted && r.dropsType(record.kind) {
			dropped = append(dropped, record.name)
			effect = max(effect, record.effect)
		}
	}
	if len(dropped) == 0 {
		return 0, ""
	}
	when := r.when()
	if when != "" && effect == HidesAll {
		effect = HidesSome
	}
	return effect, fmt.Sprintf("drops %s records%s: %s", strings.Join(dropped, ", "), when, lossOf(dropped))
}

// dropsType says whether the rule's conditions on the record type hold for one.
func (r *KernelRule) dropsType(kind uint32) bool {
	return !slices.ContainsFunc(r.Conditions, func(c KernelCondition) bool {
		return c.Field == fieldMessageType && !c.holdsFor(kind)
	})
}

// lossOf says what is lost with records of these types, the worst of it.
func lossOf(types []string) string {
	switch types[0] {
	case "SYSCALL":
		return "nothing can be detected without them"
	case "SOCKADDR":
		return "connections are not seen without them"
	case "URINGOP":
		return "connections by io_uring are not seen without them"
	case "SOCKETCALL":
		return "arguments of 32-bit connections are missing"
	case "PROCTITLE":
		return "alerts have the command line only while the process lives"
	}
	return "an event is then known to be complete only when time has passed, so alerts come later"
}
