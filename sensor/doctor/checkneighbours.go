package doctor

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tripline/auditrules/kernel"
	"tripline/config"
)

// receiver is the process that receives records from the kernel by unicast, with
// false where there is none: the kernel notices only at the next record that one
// has died.
func (e *examination) receiver() (process, bool) {
	if e.statusErr != nil || e.status.PID == 0 {
		return process{}, false
	}
	one, found := e.host.process(int(e.status.PID))
	if !found && len(e.host.programs()) == 0 { // /proc shows nothing at all
		return process{pid: int(e.status.PID), name: "?"}, true
	}
	return one, found
}

// checkReceiver says who receives the kernel's records, and what ways are left.
func (e *examination) checkReceiver() Check {
	check := Check{ID: "receiver", Title: "audit daemon", State: OK}
	if e.statusErr != nil {
		return e.unseen(check, e.statusErr)
	}
	holder, held := e.receiver()
	who := fmt.Sprintf("%s (process %d)", printable(holder.name), holder.pid)
	source := e.Config.Kernel.Source
	reads := source == config.SourceAudisp || source == config.SourceLog
	switch {
	case !held && reads:
		check.State = Failed
		check.Text = fmt.Sprintf("none runs, and source = %q waits for what one hands out", source)
		check.Mend = useAuto
	case !held && source == config.SourceMulticast:
		check.State = Warning
		check.Text = `none, and source = "multicast": the kernel then prints every record to its own log too`
		check.Mend = useAuto
	case !held:
		check.Text = "none; Tripline receives the records itself while it runs"
	case holder.name == "tripline":
		check.Text = fmt.Sprintf("Tripline itself (process %d)", holder.pid)
	case reads:
		check.Text = fmt.Sprintf("%s receives; Tripline takes records from it (source = %q)", who, source)
	case source == config.SourceUnicast:
		check.State = Failed
		check.Text = who + ` holds the audit socket, and source = "unicast" wants it alone`
		check.Mend = useAuto
	case e.features.Multicast == kernel.Unsupported || e.features.MulticastDelivered == kernel.Unsupported:
		e.withoutMulticast(&check, holder, who)
	default:
		check.Text = who + " receives; Tripline listens beside it by multicast"
	}
	return check
}

// useAuto is what mends a source that does not fit the host.
const useAuto = "tripline run --source auto   # or source in [kernel] of the configuration"

// withoutMulticast says what is left beside a daemon where nothing is multicast:
// its log, if it is auditd and writes one.
func (e *examination) withoutMulticast(check *Check, holder process, who string) {
	log := e.Config.Kernel.Log
	written := log != "" && e.host.exists(strings.TrimPrefix(log, "/"))
	if holder.name == "auditd" && written && e.Config.Kernel.Source == config.SourceAuto {
		check.State = Warning
		check.Text = who + " receives, and nothing is multicast beside it: Tripline follows " + log +
			", which the daemon may write with delay; as the daemon's plugin it has records at once"
		check.Mend = "tripline run --source audisp   # started by auditd as a plugin, or with --audisp-socket"
		return
	}
	check.State = Failed
	check.Text = who + " receives, nothing is multicast beside it, and whether it writes a log is not known"
	check.Mend = "tripline run --source log --log FILE   # the log that " + printable(holder.name) + " writes"
}

// checkMulticast says whether records arrive beside an audit daemon.
func (e *examination) checkMulticast() Check {
	check := Check{ID: "multicast", Title: "multicast", State: OK}
	_, needed := e.receiver()
	switch f := e.features; {
	case f.MulticastDelivered == kernel.Supported:
		check.Text = "works: a record sent for this check arrived"
	case f.Multicast == kernel.Supported && f.MulticastDelivered == kernel.Unsupported:
		check.State = Warning
		check.Text = "this kernel has it, but a record sent for this check did not arrive: " +
			"a network namespace, an exclude rule or a rate limit keeps it away"
	case f.Multicast == kernel.Supported:
		check.Text = "this kernel has it; not proven by a record, as auditing is off"
		if e.statusErr == nil && e.status.Enabled != 0 {
			check.Text = "this kernel has it; not proven, as no record for that could be had"
		}
	case f.Multicast == kernel.Unsupported:
		check.Text = fmt.Sprintf("not in this kernel (upstream since Linux %s), which matters only beside an audit daemon", kernel.FeatureMulticast.Since())
		if needed {
			check.State = Warning
			check.Text = fmt.Sprintf("not in this kernel (upstream since Linux %s)", kernel.FeatureMulticast.Since())
		}
	case e.statusErr != nil:
		return e.unseen(check, e.statusErr)
	default:
		return e.unseen(check, kernel.ErrPermission)
	}
	return check
}

// auditSocket is a line of /proc/net/netlink for the audit protocol.
type auditSocket struct {
	port    int
	groups  uint64
	dropped uint64
}

// auditSockets lists the open audit sockets.
func (h host) auditSockets() []auditSocket {
	const protocol, portField, groupsField, dropsField = "9", 2, 3, 8
	var found []auditSocket
	for line := range strings.Lines(h.text("proc/net/netlink")) {
		fields := strings.Fields(line)
		if len(fields) < dropsField+1 || fields[1] != protocol {
			continue
		}
		port, err := strconv.Atoi(fields[portField])
		groups, groupsErr := strconv.ParseUint(fields[groupsField], 16, 64)
		drops, dropsErr := strconv.ParseUint(fields[dropsField], 10, 64)
		if err == nil && groupsErr == nil && dropsErr == nil {
			found = append(found, auditSocket{port, groups, drops})
		}
	}
	return found
}

// checkJournal says whether systemd's journal takes the records too. Its socket
// is opened by systemd, whose port is then process 1.
func (e *examination) checkJournal() Check {
	check := Check{ID: "journal", Title: "systemd journal", State: OK, Text: "does not listen to audit"}
	for _, socket := range e.host.auditSockets() {
		owner, _ := e.host.process(socket.port)
		if socket.groups&1 == 0 || owner.pid != 1 && owner.name != "systemd-journal" {
			continue
		}
		check.State = Warning
		check.Text = "takes every audit record too, which doubles what is written to disk"
		if socket.dropped > 0 {
			check.Text += fmt.Sprintf(", and has lost %d", socket.dropped)
		}
		check.Mend = "systemctl mask --now systemd-journald-audit.socket"
	}
	return check
}

// checkSensor says whether a Tripline watches already. The lock itself is not
// tried: trying would keep one that starts just now from its lock.
func (e *examination) checkSensor() Check {
	check := Check{ID: "sensor", Title: "running Tripline", State: OK, Text: "none"}
	if _, err := e.FreeSpace(e.folderOf(e.LockFile)); errors.Is(err, ErrReadOnly) {
		check.State, check.Text = Failed, e.folderOf(e.LockFile)+" is mounted read-only: the sensor cannot write down what it changes, and would not start"
		check.Mend = remount(e.folderOf(e.LockFile))
		return check
	}
	path := strings.TrimPrefix(e.LockFile, "/")
	if !e.host.exists(path) {
		return check
	}
	pid, task, _ := strings.Cut(e.host.text(path), " ")
	if pid == "" && e.self.user != "0" {
		check.State, check.Text = Unknown, "not seen: "+e.LockFile+" is root's"
		return check
	}
	for line := range strings.Lines(e.host.text("proc/locks")) {
		fields := strings.Fields(line)
		if len(fields) > 4 && fields[1] == "FLOCK" && fields[3] == "WRITE" && fields[4] == pid {
			if task == "" {
				task = "watches this host"
			} else {
				task = "has it for a while (" + printable(task) + ")"
			}
			check.Text = "process " + printable(pid) + " " + task + "; a second one would refuse to start"
		}
	}
	return check
}
