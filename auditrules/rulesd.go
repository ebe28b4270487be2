package auditrules

import (
	"strings"
)

// RulesFile writes the plan as a file for /etc/audit/rules.d/, for hosts whose
// rules are loaded at boot and may be locked then (auditctl -e 2). The lines are
// such that audit tools of any age can read them; one that only audit 3.1 and later
// can read is commented out, because an older auditctl would stop at it and load
// no rule behind it.
func (p *Plan) RulesFile() string {
	var text strings.Builder
	text.WriteString(`# Kernel audit rules for tripline, made by: tripline rules kernel --format rules.d
#
# Put this file into /etc/audit/rules.d/ under a name that sorts before the file
# that has the line "-e 2", such as 50-` + p.Key + `.rules, and load it with:
# augenrules --load
# (on a host that is locked already: reboot). Where there is no augenrules, add the
# lines to /etc/audit/audit.rules, before any "-e 2".
# A rule "never" that stands before these and matches the same calls hides them.
# Make the file anew when detection rules change.
`)
	for _, r := range p.Rules {
		text.WriteString("\n# " + r.Reason + "\n")
		if strings.HasPrefix(r.Line, "-a always,io_uring ") {
			text.WriteString("# This needs audit 3.1 or later (auditctl -v): remove the # where that is installed.\n#")
		}
		text.WriteString(r.Portable + "\n")
	}
	if len(p.BlindSpots)+len(p.Unmet) > 0 {
		text.WriteString("\n# Not covered:\n")
	}
	for _, spot := range p.BlindSpots {
		text.WriteString("# " + spot.String() + "\n")
	}
	for _, unmet := range p.Unmet {
		text.WriteString("# no kernel rule can feed: " + unmet + "\n")
	}
	return text.String()
}
