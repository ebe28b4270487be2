package normalize

import (
	"bytes"
	"strings"
	"time"
)

const (
	// procFactsLimit bounds the processes whose facts are kept.
	procFactsLimit = 1024
	// procFactsAge is how old facts may be: a process can write over its
	// arguments.
	procFactsAge = 5 * time.Second
	// procArgsCount bounds the arguments that are kept of a process.
	procArgsCount = 256
)

// procKinStat is what facts need of /proc/PID/stat, see proc(5).
type procKinStat struct {
	procStat
	group, session, terminal uint32
	// stack is where the stack begins, which an exec changes; 0 where this
	// process may not know.
	stack uint64
	name  string
}

// procKnownFacts are facts and what they were read of.
type procKnownFacts struct {
	stat    procKinStat
	facts   *ProcessFacts
	blocked bool
	read    time.Time
}

// same says whether two readings are of one process in the same situation: since
// the one it has not been replaced, executed another program, or gone to another
// parent, session or terminal. It may have another name.
func (s procKinStat) same(other procKinStat) bool {
	s.name, other.name = "", ""
	return s == other
}

// device is the controlling terminal.
func (s procKinStat) device() charDevice {
	return charDevice{major: s.terminal >> 8 & 0xfff, minor: s.terminal&0xff | s.terminal>>12&0xfff00}
}

// procParseKin reads the content of a stat file.
func procParseKin(data []byte) (stat procKinStat, ok bool) {
	name, fields, ok := stat.begin(data)
	if !ok {
		return stat, false
	}
	stat.name = string(name)
	stat.ppid = fields.pid(procParentField)
	stat.group = fields.pid(procGroupField)
	stat.session = fields.pid(procSessionField)
	terminal, _ := fields.number(procTerminalField)
	stat.terminal = uint32(terminal)
	stat.ticks = fields.count(procStartField)
	stat.stack, _ = fields.number(procStackField)
	return stat, !fields.bad
}

// kinStat reads the stat file of a process.
func (r *ProcResolver) kinStat(pid uint32) (procKinStat, bool) {
	data, err := r.files.read(pid, "stat")
	return procKinOf(pid, data, err)
}

// relativeStat is kinStat for a process that is likely to be asked for again: others
// descend from it or belong to it, or it has caused an event that a rule keeps.
func (r *ProcResolver) relativeStat(pid uint32) (procKinStat, bool) {
	data, err := r.kin.stats.read(pid)
	return procKinOf(pid, data, err)
}

func procKinOf(pid uint32, data []byte, err error) (procKinStat, bool) {
	if err != nil {
		return procKinStat{}, false
	}
	stat, ok := procParseKin(data)
	return stat, ok && stat.pid == pid
}

// facts looks at a process whose stat file was just read. It is nil where another
// process has the pid by now, or the process executes another program while it
// is looked at. blocked says that the process did not let itself be read.
func (r *ProcResolver) facts(stat procKinStat) (facts *ProcessFacts, blocked bool) {
	now := r.clock.now()
	if known := r.kin.facts.get(stat.pid); known != nil && known.stat.same(stat) {
		if age := now.Sub(known.read); age >= 0 && age < procFactsAge {
			return known.facts, known.blocked
		}
	}
	look, err := r.kin.memory.look(stat.pid, false)
	if again, ok := r.kinStat(stat.pid); !ok || !again.same(stat) {
		return nil, false
	}
	facts = r.factsOf(stat, look)
	if !facts.unfinished() {
		r.kin.facts.put(stat.pid, procKnownFacts{stat: stat, facts: facts, blocked: err != nil, read: now})
	}
	return facts, err != nil
}

// factsOf puts together what was read of a process.
func (r *ProcResolver) factsOf(stat procKinStat, look procLook) *ProcessFacts {
	facts := &ProcessFacts{
		EntityID:  r.entityOf(stat.procStat),
		PID:       stat.pid,
		ParentPID: stat.ppid,
		Group:     stat.group,
		Session:   stat.session,
		Start:     r.clock.start(stat.ticks),
		Terminal:  stat.device(),
		Name:      stat.name,
	}
	facts.Executable, facts.Deleted = strings.CutSuffix(string(look.executable), deletedSuffix)
	facts.Args, facts.ArgsCut = procSplitArgs(look.args)
	return facts
}

// in is a process in the situation that its stat file shows now, of which the rest is
// as it was.
func (f *ProcessFacts) in(stat procKinStat) *ProcessFacts {
	facts := *f
	facts.ParentPID, facts.Group, facts.Session = stat.ppid, stat.group, stat.session
	facts.Terminal, facts.Name = stat.device(), stat.name
	return &facts
}

// procSplitArgs reads the content of a cmdline file: texts that end with a NUL each.
// A program that writes over its arguments leaves one text, with NULs after it.
func procSplitArgs(data []byte) (args []string, cut bool) {
	cut = len(data) == procArgsLimit
	data = bytes.TrimRight(data, "\x00")
	if len(data) == 0 {
		return nil, cut
	}
	args = strings.SplitN(string(data), "\x00", procArgsCount+1)
	if len(args) > procArgsCount {
		return args[:procArgsCount], true
	}
	return args, cut
}

// entityOf is the entity id that events of a process have.
func (r *ProcResolver) entityOf(stat procStat) string {
	return procEntityID("verified", r.hostID, r.bootID, uint64(stat.pid), stat.ticks)
}
