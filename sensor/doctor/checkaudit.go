package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/internal/termtext"
)

// checkAudit says whether the kernel has audit at all.
func (e *examination) checkAudit() Check {
	check := Check{ID: "audit", Title: "kernel audit", State: OK, Text: "there"}
	switch value, given := e.host.bootParameter("audit"); {
	case e.openErr == nil && e.statusErr == nil:
	case errors.Is(e.openErr, kernel.ErrNoAudit) && given && (value == "0" || value == "off"):
		check.State = Failed
		check.Text = "switched off at boot by audit=" + value + " on the kernel's command line; mend it and reboot"
		check.Mend = e.host.bootCommand("", "audit="+value)
	case errors.Is(e.openErr, kernel.ErrNoAudit):
		check.State = Failed
		check.Text = "not in this kernel, which was built without CONFIG_AUDIT: another kernel is needed"
	case errors.Is(e.openErr, kernel.ErrPermission), errors.Is(e.statusErr, kernel.ErrPermission):
		return e.unseen(check, kernel.ErrPermission)
	default:
		check.State, check.Text = Failed, "does not answer: "+errors.Join(e.openErr, e.statusErr).Error()
	}
	return check
}

// capability is one that the sensor uses (linux/capability.h).
type capability struct {
	number uint
	name   string
	// without says what does not work without it.
	without string
	// vital says that nothing works without it.
	vital bool
}

func capabilities() []capability {
	return []capability{
		{30, "CAP_AUDIT_CONTROL", "audit cannot be controlled", true},
		{37, "CAP_AUDIT_READ", "no listening beside an audit daemon", false},
		{12, "CAP_NET_ADMIN", "receive buffer no larger than net.core.rmem_max", false},
		{19, "CAP_SYS_PTRACE", "programs of others are not identified", false},
		{2, "CAP_DAC_READ_SEARCH", "files of others are not read for evidence", false},
	}
}

// checkPrivileges says which capabilities this process lacks.
func (e *examination) checkPrivileges() Check {
	check := Check{ID: "privileges", Title: "privileges", State: OK, Text: "all that the sensor uses"}
	if !e.self.known {
		check.State, check.Text = Unknown, "not seen: /proc/self/status cannot be read"
		return check
	}
	var missing []string
	last := e.host.lastCapability()
	for _, one := range capabilities() {
		if e.self.can(one.number) || one.number > last {
			continue
		}
		check.Details = append(check.Details, one.name+": "+one.without)
		missing = append(missing, one.name)
		if one.vital {
			check.State = Failed
		} else if check.State == OK {
			check.State = Warning
		}
	}
	if len(missing) == 0 {
		return check
	}
	if e.self.user != "0" {
		check.State = Unknown
		check.Text = "not root: user " + e.self.user + " sees only part of what is asked"
		check.Details = nil
		check.Mend = "sudo tripline doctor"
		return check
	}
	check.Text = "root without " + strings.Join(missing, ", ") + ", as in a container or a confined service"
	if check.State == Failed {
		check.Mend = "tripline doctor   # in a root shell of the host itself"
	}
	return check
}

// lastCapability is the last that this kernel knows: CAP_AUDIT_READ came with
// Linux 3.16, and a kernel before 3.2 does not say and sets every bit for root.
func (h host) lastCapability() uint {
	last, err := strconv.ParseUint(h.text("proc/sys/kernel/cap_last_cap"), 10, 8)
	if err != nil {
		return ^uint(0)
	}
	return uint(last)
}

// The inode numbers of the initial namespaces (PROC_PID_INIT_INO and
// PROC_USER_INIT_INO in linux/proc_ns.h).
const (
	initialPID  = "pid:[4026531836]"
	initialUser = "user:[4026531837]"
)

// checkNamespaces says whether this is the part of the system that audit is of.
func (e *examination) checkNamespaces() Check {
	check := Check{ID: "namespaces", Title: "namespaces", State: OK, Text: "the host's own"}
	var foreign []string
	for _, one := range []struct{ kind, initial string }{{"pid", initialPID}, {"user", initialUser}} {
		if is := e.host.link("proc/self/ns/" + one.kind); is != "" && is != one.initial {
			foreign = append(foreign, one.kind)
		}
	}
	mine, first := e.host.link("proc/self/ns/net"), e.host.link("proc/1/ns/net")
	switch {
	case len(foreign) > 0:
		check.State = Failed
		check.Text = "a " + strings.Join(foreign, " and a ") + " namespace of its own, and the kernel lets nobody in one control audit"
		check.Mend = "tripline doctor   # in a root shell of the host itself"
	case mine != "" && first != "" && mine != first:
		check.State = Warning
		check.Text = "a network namespace of its own, to which the kernel multicasts no records"
		check.Mend = "nsenter --target 1 --net tripline doctor"
	case e.host.link("proc/self/ns/pid") == "":
		check.State, check.Text = Unknown, "not seen: this kernel does not show them (before Linux 3.8)"
	}
	return check
}

// checkContainer says whether this runs in a container.
func (e *examination) checkContainer() Check {
	check := Check{ID: "container", Title: "container", State: OK, Text: "no"}
	manager := e.containerManager()
	mine, first := e.host.link("proc/self/ns/mnt"), e.host.link("proc/1/ns/mnt")
	inside := e.host.link("proc/self/ns/pid")
	// A virtual machine that was made from an image still has the image's marks.
	if manager == "" || inside == initialPID && mine != "" && mine == first {
		return check
	}
	check.Text = "in one of " + manager + " that shares the host's namespaces; /proc and /run must be the host's too"
	check.State = Warning
	if inside != "" && inside != initialPID {
		check.Text = "in one of " + manager + ", where kernel audit cannot be had: run Tripline on the host"
		check.State = Failed
	}
	return check
}

// containerManager names what made the container this runs in, empty for none.
func (e *examination) containerManager() string {
	if name := e.host.text("run/systemd/container"); name != "" {
		return name
	}
	for _, one := range []struct{ file, name string }{{"run/.containerenv", "podman"}, {".dockerenv", "docker"}} {
		if e.host.exists(one.file) {
			return one.name
		}
	}
	groups := e.host.text("proc/self/cgroup")
	for _, name := range []string{"kubepods", "docker", "libpod", "lxc"} {
		if strings.Contains(groups, "/"+name) {
			return name
		}
	}
	return ""
}

// checkEnabled says whether auditing is on, off or locked.
func (e *examination) checkEnabled() Check {
	check := Check{ID: "enabled", Title: "auditing", State: OK}
	switch {
	case e.statusErr != nil:
		return e.unseen(check, e.statusErr)
	case e.status.Enabled == 0:
		check.Text = "off; Tripline switches it on while it runs"
	case !e.status.Locked():
		check.Text = "on"
	case e.Plan == nil || e.rulesErr != nil:
		check.State, check.Text = Unknown, "locked until the next boot (-e 2), and whether the rules that are needed are there is not known"
	default:
		e.checkLocked(&check)
	}
	return check
}

// checkLocked says whether a locked kernel has the rules that are needed.
func (e *examination) checkLocked(check *Check) {
	present, err := auditrules.PresentAmong(e.rules, e.Plan)
	if err != nil {
		check.State, check.Text = Unknown, "locked until the next boot (-e 2), and its rules cannot be compared: "+err.Error()
		return
	}
	check.Text = "locked until the next boot (-e 2), with the rules that are needed"
	for _, spot := range present.BlindSpots {
		check.Details = append(check.Details, spot.String())
	}
	if len(present.Missing)+len(present.BlindSpots) == 0 {
		return
	}
	check.State = Warning
	check.Text += ", but not with all; mend it and reboot"
	if len(present.Missing) > 0 {
		check.State = Failed
		check.Text = fmt.Sprintf("locked until the next boot (-e 2), and %s; mend it and reboot",
			termtext.Plural(len(present.Missing), "rule that is needed is missing", "rules that are needed are missing"))
		check.Details = nil
		for _, one := range present.Missing {
			check.Details = append(check.Details, one.Line)
		}
	}
	check.Mend = "tripline rules kernel --format rules.d > /etc/audit/rules.d/50-tripline.rules"
	if !e.host.exists("etc/audit/rules.d") {
		check.Text += "; the lines belong into /etc/audit/audit.rules before -e 2"
		check.Mend = "tripline rules kernel --format rules.d"
	}
}
