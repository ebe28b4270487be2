package normalize

import "slices"

// families is a Resolver that can look at running processes and at what they
// descend from. Without it, as for a recorded log, events say nothing of that.
type families interface {
	// Family says what is known of an event's process and of its relatives. It
	// may be what was found a moment ago; with fresh only the arguments and the control
	// group of a process that executes the same program still, and what its parent
	// descends from. It is never nil, does not change and may be kept.
	Family(q ProcessQuery, fresh bool) *Family
	// GroupName is the name of a group id in the host's own database, empty
	// where it is not known.
	GroupName(gid uint32) string
}

// Family is a process and those that it descends from or belongs to, as they were
// at one time.
type Family struct {
	// Process is the process itself; nil where it had ended.
	Process *ProcessFacts
	// Ancestors begin with the parent and end with init, or before it where
	// Missing says so.
	Ancestors []*ProcessFacts
	// The leaders of its session and process group are nil where they have
	// ended. The entry leader began what the process is part of: a login, a
	// container, a service, which EntryType says, see entryLeader.
	SessionLeader, GroupLeader, EntryLeader *ProcessFacts
	EntryType                               string
	// Cgroup is where the process is in the tree of control groups.
	Cgroup Cgroup
	// Missing says what could not be found out and why, "PART: REASON".
	Missing []string
	// Observed is when /proc was read, in nanoseconds since the Unix epoch; 0
	// where nothing could be read.
	Observed int64
}

// ProcessFacts are what /proc showed of one process.
type ProcessFacts struct {
	// EntityID is the process.entity_id that events of the process have.
	EntityID string
	// PID is the process's, ParentPID that of its parent, Group and Session are
	// those of the leaders of its process group and session.
	PID, ParentPID, Group, Session uint32
	// Start is when it started, in nanoseconds since the Unix epoch.
	Start int64
	// Terminal is its controlling terminal; its major number is 0 without one.
	Terminal charDevice
	// Name is the name that it has in the kernel.
	Name string
	// Executable is the path of what it executes, empty where that is not known
	// and for kernel threads; Deleted says that the file was removed.
	Executable string
	Deleted    bool
	// Args are its arguments as they are in its memory, where it can change
	// them; ArgsCut says that there are more.
	Args    []string
	ArgsCut bool
}

// unfinished says that a process has no arguments though it executes a file: either
// it took them away, or it is in the middle of an exec.
func (f *ProcessFacts) unfinished() bool { return f.Executable != "" && len(f.Args) == 0 }

// name is what ECS calls the process's name.
func (f *ProcessFacts) name() string {
	if f.Executable == "" {
		return f.Name
	}
	return baseName(f.Executable)
}

// parent is the parent, nil where it could not be looked at.
func (f *Family) parent() *ProcessFacts {
	if len(f.Ancestors) == 0 {
		return nil
	}
	return f.Ancestors[0]
}

// member finds a process of the family that is the process itself or one that it
// descends from.
func (f *Family) member(pid uint32) *ProcessFacts {
	if f.Process != nil && f.Process.PID == pid {
		return f.Process
	}
	at := slices.IndexFunc(f.Ancestors, func(one *ProcessFacts) bool { return one.PID == pid })
	if at < 0 {
		return nil
	}
	return f.Ancestors[at]
}

// family looks at the event's process once; nil where nobody can look.
func (e *Event) family() *Family {
	d := e.known()
	if d.askedFamily {
		return d.family
	}
	d.askedFamily = true
	resolver, able := e.owner.options.Resolver.(families)
	if pid, ok := d.id(idPID); able && ok {
		kind := d.shown
		d.family = resolver.Family(e.query(d, pid), kind == kindSession || kind == kindExec)
	}
	return d.family
}

// relative reads one member of the family.
func (e *Event) relative(which func(*Family) *ProcessFacts) *ProcessFacts {
	family := e.family()
	if family == nil {
		return nil
	}
	return which(family)
}

// parentFacts is the parent that the records name, nil where that is not the one
// which was looked at.
func (e *Event) parentFacts() *ProcessFacts {
	parent := e.relative((*Family).parent)
	if ppid, ok := e.known().id(idPPID); parent == nil || ok && parent.PID != ppid {
		return nil
	}
	return parent
}

// settle reads what will not be there any more when the event is looked at later,
// once.
func (e *Event) settle() {
	e.seekSource()
	if _, able := e.owner.options.Resolver.(families); able {
		e.family()
		e.origin()
		e.parentPath()
	}
}
