package auditrules

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tripline/detect"
)

// outcome is an event that package normalize makes of a system call.
type outcome struct{ category, action, typ string }

// feed is a kind of system call that produces events.
type feed struct {
	// what names it in a user's words.
	what string
	// calls are its direct system calls.
	calls []string
	// multiplexed is its sub-call of socketcall(2) (linux/net.h), where an
	// interface has that; 0 for none.
	multiplexed uint32
	// filter are conditions that tell what is meant from other uses of the calls.
	filter []condition
	// outcomes are the events that normalize makes of it.
	outcomes []outcome
	// tells are events of other feeds that cannot always be told from others
	// without these.
	tells []outcome
	// addressed says that the kernel knows the address that the call was given,
	// so that rules can select by its family.
	addressed bool
	// unseen is what cannot be seen where the kernel does not take the rule, if a
	// sensor is of use without it.
	unseen *BlindSpot
}

// msgFastopen is MSG_FASTOPEN of linux/socket.h.
const msgFastopen = 0x20000000

// The events of a call that connects a socket.
func attempted() outcome { return outcome{"network", "connection_attempted", "start"} }
func peered() outcome    { return outcome{"network", "socket_connected", "info"} }

// feeds lists what kernel rules can be written for, and the events that come of
// it.
func feeds() []feed {
	fastOpen := func(argument string, field uint32, calls ...string) feed {
		return feed{
			what: "TCP fast open by " + strings.Join(calls, " and "), calls: calls, outcomes: []outcome{attempted()},
			filter: []condition{{name: argument, field: field, op: unix.AUDIT_BIT_MASK, value: msgFastopen, hex: true}},
			unseen: &BlindSpot{What: "TCP fast open by " + strings.Join(calls, " and "), Why: "no rule for it is loaded, or the kernel takes none"},
		}
	}
	return []feed{
		{
			what: "connections", calls: []string{"connect"}, multiplexed: 3, addressed: true,
			outcomes: []outcome{
				attempted(),
				peered(),
				{"network", "socket_disconnected", "info"},
				{"network", "connect", "info"},
			},
		},
		{
			what: "sockets that may connect", calls: []string{"socket"}, multiplexed: 1, tells: []outcome{attempted()},
			filter:   []condition{{name: "a0", field: unix.AUDIT_ARG0, op: unix.AUDIT_BIT_MASK, value: familyINET & familyINET6}},
			outcomes: []outcome{{"network", "socket", "info"}},
			unseen: &BlindSpot{
				What: "the transport of a socket that is closed at once, so that its connect counts as one of TCP",
				Why:  "no rule for it is loaded, or the kernel takes none",
			},
		},
		fastOpen("a3", unix.AUDIT_ARG3, "sendto", "sendmmsg"),
		fastOpen("a2", unix.AUDIT_ARG2, "sendmsg"),
		{
			what: "session changes", calls: []string{"setsid"},
			outcomes: []outcome{{"process", "session_id_change", "change"}, {"process", "setsid", "info"}},
		},
		{
			what: "executed programs", calls: []string{"execve", "execveat"},
			outcomes: []outcome{{"process", "exec", "start"}, {"process", "execve", "info"}, {"process", "execveat", "info"}},
		},
		{
			what: "processes that exit", calls: []string{"exit_group"},
			outcomes: []outcome{{"process", "exit_group", "end"}},
		},
	}
}

// serves lists the feed's events that a need accepts.
func (f feed) serves(need detect.Need) []outcome {
	var accepted []outcome
	for _, one := range slices.Concat(f.outcomes, f.tells) {
		if one.accepted(need) {
			accepted = append(accepted, one)
		}
	}
	return accepted
}

// accepted says whether an event of that kind can fulfil a need.
func (o outcome) accepted(need detect.Need) bool {
	if need.Category != "" && need.Category != "any" && need.Category != o.category {
		return false
	}
	for _, one := range need.Conditions {
		switch one.Field {
		case "event.type":
			if !slices.Contains(one.Values, o.typ) {
				return false
			}
		case "event.category":
			if !slices.Contains(one.Values, o.category) {
				return false
			}
		}
	}
	return len(need.Actions) == 0 || slices.Contains(need.Actions, o.action)
}

// unmet says in a user's words what of a need the events that are fed leave out,
// empty for nothing.
func unmet(need detect.Need, fed []outcome) string {
	var actions []string
	for _, one := range fed {
		if !slices.Contains(actions, one.action) {
			actions = append(actions, one.action)
		}
	}
	switch {
	case len(fed) == 0:
		return describeNeed(need)
	case len(need.Actions) == 0:
		return describeNeed(need) + " other than " + strings.Join(actions, " and ")
	}
	need.Actions = slices.DeleteFunc(slices.Clone(need.Actions), func(one string) bool { return slices.Contains(actions, one) })
	if len(need.Actions) == 0 {
		return ""
	}
	return describeNeed(need)
}

// describeNeed names a need in a user's words.
func describeNeed(need detect.Need) string {
	text := need.Category + " events"
	if need.Category == "" {
		text = "events of any category"
	}
	for _, one := range need.Conditions {
		if one.Field == "event.type" {
			text += " of type " + strings.Join(one.Values, " or ")
		}
	}
	if len(need.Actions) > 0 {
		text += " with action " + strings.Join(need.Actions, " or ")
	}
	return text
}
