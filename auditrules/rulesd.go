package auditrules

import (
	"strings"
)

// RulesFile writes the plan as a file for /etc/audit/rules.d/, for hosts whose
// rules are loaded at boot and may be locked then (auditctl -e 2). An auditctl
// that cannot read a line stops at it and loads no rule behind it. So calls that older
// tools do not know by name have their numbers; what only audit 3.1 can read is
// commented out, since many kernels that have it come with older tools; and what needs
// audit 3.0, which kernels that have it seldom come without, has beside it what an
// older one can read.
func (p *Plan) RulesFile() string {
	var text strings.Builder
	text.WriteString(`# Kernel audit rules for tripline, made by: tripline rules kernel --format rules.d
#
# Put this file into /etc/audit/rules.d/ under a name that sorts before the file
# that has the line "-e 2", such as 50-` + p.Key + `.rules, and load it with:
# augenrules --load
# (on a host that is locked already: reboot). Where there is no augenrules, add the
# lines to /etc/audit/audit.rules, before any "-e 2".
# auditctl stops at a line that it cannot read: see that it says nothing.
# A rule "never" that stands before these and matches the same calls hides them.
# Make the file anew when detection rules change.
`)
	for _, r := range p.Rules {
		text.WriteString("\n# " + r.Reason + "\n")
		if strings.HasPrefix(r.Line, "-a always,io_uring ") {
			text.WriteString("# This needs audit 3.1 or later (auditctl -v): remove the # where that is installed.\n#")
		}
		if strings.Contains(r.Portable, " -F saddr_fam") && r.Instead != nil {
			text.WriteString("# This needs audit 3.0 or later (auditctl -v). For an older one, in its place:\n")
			for _, wider := range r.Instead.Rules {
				text.WriteString("#" + wider.Portable + "\n")
			}
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
