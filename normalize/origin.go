package normalize

import (
	"bytes"

	"tripline/detect"
)

// A record's exe= is a path in the root directory and the mount namespace of the
// process that caused it: a program in a chroot shows itself as /usr/sbin/sshd like
// the real one. What process.executable says is the path in the host's view, and
// where a rule would leave an event out because of it, the file must be the host's.

// origins is a Resolver that can look at the executables of running processes from
// the host. Without it the record's word is all there is.
type origins interface {
	// HostPath looks at the executable of an event's process, whose records
	// give its path as recorded. The answer's path is valid until the next call.
	HostPath(q ProcessQuery, recorded string) HostPath
	// Provenance says whether the file that an event's process was seen to
	// execute is the one that the host has under a name.
	Provenance(q ProcessQuery, seen HostPath, name string) Provenance
	// ParentProvenance says whether the file that another process was seen to
	// execute is the one that the host has at that path.
	ParentProvenance(pid uint32, seen HostPath) Provenance
	// MountNamespace is the inode number of a process's mount namespace if that
	// is another than the host's, else 0.
	MountNamespace(pid uint32) uint64
}

// HostPath is an executable as the host sees it.
type HostPath struct {
	// Path has no mark of a removed file.
	Path string
	// Deleted says that the file has been removed from where it was.
	Deleted bool
}

// Provenance says where an executable comes from.
type Provenance uint8

// The kinds of provenance.
const (
	// ProvenanceUnknown is that of a process that has ended or executes
	// something else by now, or cannot be looked at.
	ProvenanceUnknown Provenance = iota
	// ProvenanceHost says that the file is the one which the host has at the
	// name, by device and inode.
	ProvenanceHost
	// ProvenanceBorrowed says that it is another file, which only has the name.
	ProvenanceBorrowed
)

// origin is what has been found out about an event's executable.
type origin struct {
	looked  bool
	path    []byte // in the host's view
	deleted bool
	// provenance is that of the name that was asked for last.
	asked      string
	provenance Provenance
	// masquerade and unproven say that a condition would have left the event out
	// by the executable's name, had it been proved.
	masquerade, unproven bool
	namespaced           bool
	namespace            uint64
}

// origin looks at the executable once.
func (e *Event) origin() *origin {
	d := e.known()
	o := &d.origin
	if o.looked {
		return o
	}
	o.looked = true
	pid, ok := d.id(idPID)
	if d.exe == nil && d.uring && ok { // io_uring's records name none
		d.exe = []byte(e.owner.options.Resolver.Executable(pid))
	}
	o.path, o.deleted = bytes.CutSuffix(d.exe, []byte(deletedSuffix))
	resolver, able := e.owner.options.Resolver.(origins)
	if !able || !ok || len(d.exe) == 0 {
		return o
	}
	seen := resolver.HostPath(e.query(d, pid), text(d.exe))
	o.deleted = seen.Deleted
	if seen.Path == text(d.exe) {
		o.path = d.exe
	} else if seen.Path != text(o.path) {
		start := len(e.arena)
		e.arena = append(e.arena, seen.Path...)
		o.path = e.arena[start:len(e.arena):len(e.arena)]
	}
	return o
}

// program is the path of the executable in the host's view.
func (e *Event) program() string { return text(e.origin().path) }

// claimedProgram is the path that the record gives, in the process's own view.
func (e *Event) claimedProgram() string {
	e.origin()
	return text(bytes.TrimSuffix(e.known().exe, []byte(deletedSuffix)))
}

// Proves implements detect.Prover: of a recorded log it believes the records, and
// of a running process only what is so on the host.
func (e *Event) Proves(id detect.FieldID, holds func(detect.Value) bool) bool {
	value := e.Value(id)
	resolver, able := e.owner.options.Resolver.(origins)
	if id < 0 || int(id) >= len(registry) || registry[id].claimed == nil || !able {
		return value.Kind() != detect.KindMissing && holds(value)
	}
	if registry[id].ofParent {
		ppid, _ := e.known().id(idPPID)
		return holdsOf(value, holds) && resolver.ParentProvenance(ppid, e.parentPath()) == ProvenanceHost
	}
	if holdsOf(value, holds) {
		return e.proves(resolver, e.program())
	}
	claimed := registry[id].claimed(e)
	return !claimed.Equal(value) && holdsOf(claimed, holds) && e.proves(resolver, e.claimedProgram())
}

// proves says whether the executable is the one that the host has under a name by
// which the event would be left out, and notes what it is if not.
func (e *Event) proves(resolver origins, name string) bool {
	o, d := e.origin(), e.known()
	pid, ok := d.id(idPID)
	if !ok || name == "" {
		o.unproven = true
		return false
	}
	if o.asked != name {
		o.asked = name
		o.provenance = resolver.Provenance(e.query(d, pid), HostPath{Path: text(o.path), Deleted: o.deleted}, name)
	}
	switch o.provenance {
	case ProvenanceHost:
		return true
	case ProvenanceBorrowed:
		o.masquerade = true
		if !o.namespaced {
			o.namespace, o.namespaced = resolver.MountNamespace(pid), true
		}
	default:
		o.unproven = true
	}
	return false
}

func holdsOf(value detect.Value, holds func(detect.Value) bool) bool {
	return value.Kind() != detect.KindMissing && holds(value)
}

// masqueradeFlag is true where a condition would have left the event out by the
// name of an executable that is another file on the host, else missing.
func (e *Event) masqueradeFlag() detect.Value { return trueIf(e.known().origin.masquerade) }

// unprovenFlag is true where a condition would have left the event out by the name
// of an executable that could not be looked at in time, else missing.
func (e *Event) unprovenFlag() detect.Value { return trueIf(e.known().origin.unproven) }

// trueIf is true or missing.
func trueIf(set bool) detect.Value {
	if !set {
		return detect.Value{}
	}
	return detect.Bool(true)
}

// mountNamespace is the number of the process's mount namespace, as in
// /proc/PID/ns/mnt, where that is not the host's.
func (e *Event) mountNamespace() detect.Value {
	d := e.known()
	o := &d.origin
	resolver, able := e.owner.options.Resolver.(origins)
	pid, ok := d.id(idPID)
	if able && ok && !o.namespaced {
		o.namespace, o.namespaced = resolver.MountNamespace(pid), true
	}
	if o.namespace == 0 {
		return detect.Value{}
	}
	return detect.String(e.decimal(int64(o.namespace)))
}
