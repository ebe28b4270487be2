package doctor

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"tripline/sensor/alert"
)

// printable is text of the host's that is safe to print.
func printable(text string) string { return alert.Escape(text) }

// checkProc says whether processes of others can be looked at.
func (e *examination) checkProc() Check {
	const capPtrace = 19
	check := Check{ID: "proc", Title: "/proc", State: OK, Text: "shows every process"}
	options, mounted := e.host.mountOptions("/proc")
	switch {
	case !mounted && !e.host.exists("proc/self/status"):
		check.State, check.Text = Failed, "not mounted, so that no process can be identified"
		check.Mend = "mount -t proc proc /proc"
	case hasOption(options, "subset=pid"):
		check.State, check.Text = Failed, "mounted with subset=pid, which hides what the sensor reads of the host"
		check.Mend = "systemctl edit tripline   # ProcSubset=all"
	case hidesProcesses(options) && !e.self.can(capPtrace):
		check.State, check.Text = Warning, "mounted with hidepid, and without CAP_SYS_PTRACE processes of others are not seen"
		check.Mend = "mount -o remount,hidepid=0 /proc"
	case hidesProcesses(options):
		check.Text = "mounted with hidepid, which CAP_SYS_PTRACE sees through"
	}
	return check
}

// mountOptions finds the options of a mount; the last one holds.
func (h host) mountOptions(at string) (options []string, found bool) {
	for line := range strings.Lines(h.text("proc/self/mounts")) {
		if fields := strings.Fields(line); len(fields) > 3 && fields[1] == at {
			options, found = strings.Split(fields[3], ","), true
		}
	}
	return options, found
}

func hasOption(options []string, wanted string) bool {
	for _, one := range options {
		if one == wanted {
			return true
		}
	}
	return false
}

// hidesProcesses says whether /proc hides others' processes (proc(5), hidepid).
func hidesProcesses(options []string) bool {
	for _, one := range options {
		if value, found := strings.CutPrefix(one, "hidepid="); found && value != "0" && value != "off" {
			return true
		}
	}
	return false
}

// oldestClock is a moment that lies behind any host that runs this version.
func oldestClock() time.Time { return time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) }

// checkClock says whether the times of events can be relied on.
func (e *examination) checkClock() Check {
	check := Check{ID: "clock", Title: "clock", State: OK}
	source := e.host.text("sys/devices/system/clocksource/clocksource0/current_clocksource")
	check.Text = "source " + printable(source)
	switch {
	case e.Now.Before(oldestClock()):
		check.State = Warning
		check.Text = "says " + e.Now.UTC().Format(time.DateOnly) + ", which is past: events would bear wrong times"
		check.Mend = "hwclock --hctosys"
	case source == "":
		check.Text = "plausible; its source is not shown"
	case strings.HasSuffix(source, "jiffies"):
		check.State = Warning
		check.Text = "source jiffies, which is too coarse to order events"
	}
	return check
}

// leastSpace is how much space the alert file should have: some hundred thousand
// alerts.
const leastSpace = 1 << 30

// folderOf is the folder that a file is in, or the nearest above that is there.
func (e *examination) folderOf(file string) string {
	folder := path.Dir(file)
	for folder != "/" && folder != "." && !e.host.exists(strings.TrimPrefix(folder, "/")) {
		folder = path.Dir(folder)
	}
	return folder
}

// remount is the command that lets write in the file system of a folder.
func remount(folder string) string {
	return `mount -o remount,rw "$(findmnt -no TARGET -T ` + folder + `)"`
}

// checkDisk says whether alerts can be written.
func (e *examination) checkDisk() Check {
	check := Check{ID: "disk", Title: "alert file", State: OK}
	file := e.Config.Output.Alerts.Path
	if file == "" {
		check.Text = "none: alerts go to standard output alone"
		return check
	}
	folder := e.folderOf(file)
	free, err := e.FreeSpace(folder)
	switch {
	case errors.Is(err, ErrReadOnly):
		check.State, check.Text = Failed, folder+" is mounted read-only: alerts would be lost"
		check.Mend = remount(folder)
	case err != nil:
		check.State, check.Text = Unknown, "the space in "+folder+" is not known: "+err.Error()
	case free < leastSpace/64:
		check.State = Failed
		check.Text = fmt.Sprintf("%s has %d MiB left for it: alerts would be lost", folder, free>>20)
		check.Mend = "du -xh " + folder + " | sort -h | tail"
	case free < leastSpace:
		check.State = Warning
		check.Text = fmt.Sprintf("%s has %d MiB left for it", folder, free>>20)
		check.Mend = "du -xh " + folder + " | sort -h | tail"
	default:
		check.Text = fmt.Sprintf("%s, %d GiB free", file, free>>30)
	}
	return check
}

// checkConfinement says whether SELinux or AppArmor confines this process. One
// that was tested only where nothing is enforced fails where it is.
func (e *examination) checkConfinement() Check {
	check := Check{ID: "confinement", Title: "SELinux, AppArmor", State: OK, Text: "neither confines Tripline"}
	label := printable(strings.TrimRight(e.host.text("proc/self/attr/current"), "\x00"))
	switch {
	case e.host.text("sys/fs/selinux/enforce") == "1" || e.host.text("selinux/enforce") == "1":
		if strings.Contains(label, "unconfined") || strings.Contains(label, ":initrc_t:") || strings.Contains(label, ":unconfined_service_t:") {
			check.Text = "SELinux is enforcing, and Tripline is unconfined (" + label + ")"
			break
		}
		check.State = Warning
		check.Text = "SELinux is enforcing, and confines this process as " + label + ": see that nothing is denied"
		check.Mend = "ausearch -m avc -c tripline"
	case e.host.text("sys/module/apparmor/parameters/enabled") == "Y" && label != "" && label != "unconfined":
		check.State = Warning
		check.Text = "AppArmor confines this process as " + label + ": see that nothing is denied"
		check.Mend = "journalctl -k --grep 'apparmor=\"DENIED\".*tripline'"
	}
	return check
}
