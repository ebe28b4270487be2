package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tripline/auditrules/kernel"
	"tripline/internal/termtext"
)

// checkOldProcesses counts the programs that the kernel may never audit: those
// that started before auditing was first switched on have no room for it, until
// the host boots with audit=1.
func (e *examination) checkOldProcesses() Check {
	check := Check{ID: "old_processes", Title: "older programs", State: OK}
	if value, given := e.host.bootParameter("audit"); given && (value == "1" || value == "on") {
		check.Text = "audited too: the host was booted with audit=1"
		return check
	}
	programs := e.host.programs()
	if len(programs) == 0 {
		check.State, check.Text = Unknown, "not seen: /proc cannot be read"
		return check
	}
	when := "now running may never be recorded, if auditing was not switched on before they started"
	if holder, held := e.receiver(); held && holder.name != "tripline" {
		when = "started before " + printable(holder.name) + " and may never be recorded"
		programs = slices.DeleteFunc(programs, func(one process) bool { return one.start >= holder.start })
	}
	if len(programs) == 0 {
		check.Text = "none started before the audit daemon"
		return check
	}
	check.State = Warning
	check.Text = fmt.Sprintf("%s%s %s; what they start is. Booting with audit=1 cures it", termtext.Plural(len(programs), "program", "programs"), examples(programs), when)
	check.Mend = e.host.bootCommand("audit=1", "")
	return check
}

// examples names up to three different programs.
func examples(programs []process) string {
	var names []string
	for _, one := range programs {
		if name := printable(one.name); !slices.Contains(names, name) {
			names = append(names, name)
		}
		if len(names) == 3 {
			break
		}
	}
	more := ""
	if len(programs) > len(names) {
		more = " …"
	}
	return " (" + strings.Join(names, ", ") + more + ")"
}

// checkBlindSpots lists what the kernel cannot report of what the rules need.
func (e *examination) checkBlindSpots() Check {
	check := Check{ID: "blind_spots", Title: "blind spots", State: OK, Text: "none known"}
	if e.Plan == nil {
		return e.unseen(check, errors.New("what the rules need of the kernel is not known"))
	}
	for _, unmet := range e.Plan.Unmet {
		check.State = Warning
		check.Details = append(check.Details, "no kernel rule can feed "+unmet)
	}
	for _, spot := range e.Plan.BlindSpots {
		check.Details = append(check.Details, spot.String())
		if spot.Since != "" {
			check.State = Warning
		}
	}
	if e.features.X32 == kernel.Supported {
		check.State = Warning
		check.Mend = e.host.bootCommand("syscall.x32=n", "")
	}
	if e.features.IOUring == kernel.Supported && e.features.IOUringFilter == kernel.Unsupported {
		check.Mend = e.forbidIOUring()
	}
	switch {
	case check.State == Warning:
		check.Text = "this cannot be seen on this host:"
	case len(check.Details) > 0:
		check.Text = "narrow ones, which no kernel closes:"
	}
	return check
}

// forbidIOUring is the command that keeps programs from io_uring, where the
// kernel has the setting (Linux 6.6).
func (e *examination) forbidIOUring() string {
	if !e.host.exists("proc/sys/kernel/io_uring_disabled") {
		return ""
	}
	return "sysctl -w kernel.io_uring_disabled=2"
}
