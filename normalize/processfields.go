package normalize

import (
	"strings"

	"tripline/detect"
)

func processFields() []field {
	return []field{
		asked(words("process.entity_id", func(e *Event) detect.Value { return optional(e.identity().EntityID) })),
		asked(whole("process.pid", (*Event).processPID)),
		asked(whole("process.thread.id", (*Event).threadID)),
		alike(forgeable(words("process.executable", (*Event).executable),
			func(e *Event) detect.Value { return optional(e.claimedProgram()) })),
		alike(forgeable(words("process.name", (*Event).processName),
			func(e *Event) detect.Value { return optional(baseName(e.claimedProgram())) })),
		several(asked(words("process.args", (*Event).arguments))),
		asked(whole("process.args_count", func(e *Event) detect.Value { return count(e.arguments()) })),
		asked(words("process.command_line", (*Event).commandLine)),
		words("process.working_directory", (*Event).workingDirectory),
		asked(field{name: "process.start", typ: detect.TypeDate, get: (*Event).processStart}),
		whole("process.parent.pid", func(e *Event) detect.Value { return e.idNumber(idPPID) }),
		ofParent(words("process.parent.executable", (*Event).parentExecutable)),
		whole("process.exit_code", (*Event).exitCode),
		words("file.path", (*Event).filePath),
	}
}

// identityQuality is "verified" when the process was asked for, "inferred" when
// the records alone say which it was.
func (e *Event) identityQuality() detect.Value {
	switch identity := e.identity(); {
	case identity.EntityID == "":
		return detect.Value{}
	case identity.Inferred:
		return detect.String("inferred")
	default:
		return detect.String("verified")
	}
}

// idNumber reads a number of the process as an integer.
func (e *Event) idNumber(which int) detect.Value {
	id, ok := e.known().id(which)
	if !ok {
		return detect.Value{}
	}
	return detect.Int(int64(id))
}

func (e *Event) processPID() detect.Value {
	if _, ok := e.known().id(idPID); !ok {
		return detect.Value{}
	}
	return detect.Int(int64(e.PID()))
}

// threadID is the thread that made the system call, where the record names it and
// it is not the process's first.
func (e *Event) threadID() detect.Value {
	pid, ok := e.known().id(idPID)
	if process := e.identity().PID; !ok || process == 0 || process == pid {
		return detect.Value{}
	}
	return detect.Int(int64(pid))
}

const deletedSuffix = " (deleted)"

func (e *Event) executable() detect.Value { return optional(e.program()) }

// deletedFlag is true when the executable has been removed, else missing. The
// kernel says the same of a memfd.
func (e *Event) deletedFlag() detect.Value {
	return trueIf(e.origin().deleted)
}

// memfdFlag is true when the executable is a file in memory, else missing.
func (e *Event) memfdFlag() detect.Value {
	return trueIf(e.origin().deleted && strings.HasPrefix(e.program(), "/memfd:"))
}

// processName is the last part of the executable's path, and of a process without
// one the name it has in the kernel.
func (e *Event) processName() detect.Value {
	path := e.program()
	if path == "" {
		return optional(text(e.known().comm))
	}
	return optional(baseName(path))
}

func (e *Event) processStart() detect.Value {
	if start := e.identity().Start; start != 0 {
		return detect.Int(start)
	}
	return detect.Value{}
}

func (e *Event) parentExecutable() detect.Value {
	return optional(e.parentPath().Path)
}

// parentPath is the executable of the parent as /proc shows it now.
func (e *Event) parentPath() HostPath {
	d := e.known()
	ppid, ok := d.id(idPPID)
	if !ok || ppid == 0 {
		return HostPath{}
	}
	if !d.askedParent {
		d.askedParent, d.parentExe = true, e.owner.options.Resolver.Executable(ppid)
	}
	path, deleted := strings.CutSuffix(d.parentExe, deletedSuffix)
	return HostPath{Path: path, Deleted: deleted}
}

// exitCode is the status that a process gave to exit, the first argument's lowest
// byte.
func (e *Event) exitCode() detect.Value {
	d := e.known()
	if d.call != callExit || !d.syscall || d.nargs == 0 {
		return detect.Value{}
	}
	return detect.Int(int64(d.args[0] & 0xff))
}

// filePath reads the paths of a system call that is about files.
func (e *Event) filePath() detect.Value {
	if e.record(TypePath) == nil {
		return detect.Value{}
	}
	return e.paths()
}

// count is the number of a value's elements, missing for none.
func count(v detect.Value) detect.Value {
	switch v.Kind() {
	case detect.KindMissing:
		return v
	case detect.KindList:
		return detect.Int(int64(len(v.Elements())))
	default:
		return detect.Int(1)
	}
}
