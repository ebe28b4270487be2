package doctor

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// host reads the host's files. What cannot be read is empty: each check says
// what it makes of that.
type host struct{ files fs.FS }

// text is a file's content without the space around it.
func (h host) text(path string) string {
	data, err := fs.ReadFile(h.files, path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// link is what a symbolic link points to.
func (h host) link(path string) string {
	target, err := fs.ReadLink(h.files, path)
	if err != nil {
		return ""
	}
	return target
}

func (h host) exists(path string) bool {
	_, err := fs.Stat(h.files, path)
	return err == nil
}

// bootParameter finds a parameter of the kernel's command line; the last one
// holds.
func (h host) bootParameter(name string) (value string, found bool) {
	for word := range strings.FieldsSeq(h.text("proc/cmdline")) {
		if rest, ok := strings.CutPrefix(word, name+"="); ok {
			value, found = rest, true
		}
	}
	return value, found
}

// bootCommand is the command that adds a parameter to the kernel's command line
// and takes another away, each empty for none; empty where the host has no boot
// loader whose command is known.
func (h host) bootCommand(add, remove string) string {
	if h.exists("usr/sbin/grubby") || h.exists("sbin/grubby") {
		command := "grubby --update-kernel=ALL"
		if add != "" {
			command += ` --args="` + add + `"`
		}
		if remove != "" {
			command += ` --remove-args="` + remove + `"`
		}
		return command
	}
	if !h.exists("etc/default/grub") {
		return ""
	}
	edit := ""
	if remove != "" {
		edit = ` -e 's/\b` + remove + `\b//'`
	}
	if add != "" {
		edit += ` -e 's/^GRUB_CMDLINE_LINUX="/&` + add + ` /'`
	}
	return "sed -i" + edit + " /etc/default/grub && update-grub"
}

// processStatus is what the checks use of /proc/PID/status (proc(5)).
type processStatus struct {
	user         string // the effective user id, empty where not known
	capabilities uint64
	known        bool // the capabilities are known
}

func (h host) processStatus(pid string) processStatus {
	var status processStatus
	for line := range strings.Lines(h.text("proc/" + pid + "/status")) {
		name, value, _ := strings.Cut(line, ":")
		switch fields := strings.Fields(value); {
		case name == "Uid" && len(fields) == 4:
			status.user = fields[1]
		case name == "CapEff" && len(fields) == 1:
			bits, err := strconv.ParseUint(fields[0], 16, 64)
			status.capabilities, status.known = bits, err == nil
		}
	}
	return status
}

// can says whether a process has a capability in effect (linux/capability.h).
func (s processStatus) can(capability uint) bool { return s.capabilities&(1<<capability) != 0 }

// process is one running program.
type process struct {
	pid    int
	name   string
	parent int
	start  uint64 // in ticks since boot
}

// process reads /proc/PID/stat; false where there is none.
func (h host) process(pid int) (process, bool) {
	stat := h.text("proc/" + strconv.Itoa(pid) + "/stat")
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, false
	}
	fields := strings.Fields(stat[end+1:])
	const parentField, startField = 1, 19 // behind the name, from the state on
	if len(fields) <= startField {
		return process{}, false
	}
	one := process{pid: pid, name: stat[open+1 : end]}
	one.parent, _ = strconv.Atoi(fields[parentField])            // the kernel writes numbers
	one.start, _ = strconv.ParseUint(fields[startField], 10, 64) // here too
	return one, true
}

// programs lists the running programs, without the kernel's own threads, by their
// start.
func (h host) programs() []process {
	entries, err := fs.ReadDir(h.files, "proc")
	if err != nil {
		return nil
	}
	const kernelThreads = 2
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == kernelThreads {
			continue
		}
		if one, ok := h.process(pid); ok && one.parent != kernelThreads {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b process) int {
		if a.start != b.start {
			if a.start < b.start {
				return -1
			}
			return 1
		}
		return a.pid - b.pid
	})
	return found
}
