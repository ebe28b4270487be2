package normalize

import (
	"path/filepath"
	"slices"
	"time"
)

const (
	// procFamilyLimit bounds the processes whose families are kept.
	procFamilyLimit = 256
	// procFamilyAge is how old what is known of a family may be.
	procFamilyAge = time.Second
	// procDepth bounds the ancestors of a process that are looked at.
	procDepth = 32
)

// procKin is what a ProcResolver needs to look at relatives of processes.
type procKin struct {
	memory   *procMemory
	groups   *userTable
	facts    *procTable[uint32, procKnownFacts]
	families *procTable[string, procKnownFamily]
}

// procKnownFamily is a family and after the receipt of which batch it was looked at.
type procKnownFamily struct {
	*Family
	batch procBatch
}

func newProcKin(files *procFiles) *procKin {
	return &procKin{
		memory:   newProcMemory(files),
		groups:   newUserTable(filepath.Join(filepath.Dir(files.root), "etc", "group")),
		facts:    newProcTable[uint32, procKnownFacts](procFactsLimit, nil),
		families: newProcTable[string, procKnownFamily](procFamilyLimit, nil),
	}
}

// GroupName is the name that the file group(5) gives to a group id, as UserName
// does for users.
func (r *ProcResolver) GroupName(gid uint32) string { return r.kin.groups.name(gid) }

// Family looks at an event's process and at those that it descends from or belongs
// to. What was found less than a second ago is found again, where fresh is set only if
// that was after this batch of records had been received, and
// so is what was found of a process that has ended since. It waits at most 20 ms for
// a process that does not let itself be read, and 100 ms a second in all.
func (r *ProcResolver) Family(q ProcessQuery, fresh bool) *Family {
	process := r.Identify(q)
	var known procKnownFamily
	if found := r.kin.families.get(process.EntityID); found != nil {
		known = *found
		age := r.clock.now().UnixNano() - known.Observed
		sameParent := q.PPID == 0 || known.Process.ParentPID == q.PPID
		fresh = fresh && (known.batch != *r.batch || known.batch == 0)
		if !fresh && sameParent && age >= 0 && age < int64(procFamilyAge) {
			return known.Family
		}
	}
	missing := "process" + procAbsent
	if !process.Inferred {
		var found *Family
		if found, missing = r.gather(process, q.PPID, known.Family); found != nil {
			return found
		}
	}
	if known.Family != nil {
		return known.Family
	}
	return &Family{Missing: []string{missing}}
}

// procAbsent is why something is missing that had most likely ended.
const procAbsent = ": not in /proc when it was looked at"

// gather looks at a process and its relatives and remembers them; nil, and why, where
// that is not possible. The records say who its parent was, 0 where they don't.
func (r *ProcResolver) gather(process Identity, parent uint32, known *Family) (*Family, string) {
	const attempts = 3
	var climbed *Family // by the attempt before
	for attempt := 1; attempt <= attempts; attempt++ {
		stat, ok := r.kinStat(process.PID)
		if !ok || r.entityOf(stat.procStat) != process.EntityID {
			return nil, "process" + procAbsent
		}
		family := &Family{Observed: r.clock.now().UnixNano()}
		look, err := r.kin.memory.look(stat.pid, true)
		family.Process = r.factsOf(stat, look)
		if family.Process.unfinished() && attempt < attempts {
			continue
		}
		family.noteArgs("command_line", family.Process, err != nil)
		if look.cgroup == nil {
			family.miss("cgroup: could not be read")
		}
		family.Cgroup = parseCgroup(look.cgroup)
		r.ancestors(family, stat, parent, known, climbed)
		r.leaders(family)
		again, ok := r.kinStat(process.PID)
		if ok && again.same(stat) {
			r.kin.families.put(process.EntityID, procKnownFamily{family, *r.batch})
			return family, ""
		}
		climbed = family
		// A process that goes on to execute programs keeps its relatives.
		if again.stack = stat.stack; ok && again.same(stat) && attempt == attempts {
			family.Process.Executable, family.Process.Args = "", nil
			family.miss("command_line: another program was executed meanwhile")
			r.kin.families.put(process.EntityID, procKnownFamily{family, *r.batch})
			return family, ""
		}
	}
	return nil, "process: it changed while it was looked at"
}

// ancestors looks at the parents up to init, unless they have just been looked at.
func (r *ProcResolver) ancestors(family *Family, stat procKinStat, parent uint32, known, climbed *Family) {
	switch {
	case parent != 0 && stat.ppid != parent:
		if known != nil && len(known.Ancestors) > 0 && known.Ancestors[0].PID == parent {
			family.Ancestors = known.Ancestors
		} else {
			family.miss("parent" + procAbsent)
		}
	case climbed.reaches(stat.ppid):
		family.Ancestors = climbed.Ancestors
	default:
		r.climb(family, stat)
	}
}

// reaches says that the ancestors are known from a parent up to init, and all of them.
func (f *Family) reaches(parent uint32) bool {
	if f == nil || len(f.Missing) > 0 || len(f.Ancestors) == 0 || f.Ancestors[0].PID != parent {
		return false
	}
	return f.Ancestors[len(f.Ancestors)-1].ParentPID == 0
}

// climb looks at the parents up to init.
func (r *ProcResolver) climb(family *Family, stat procKinStat) {
	for stat.ppid != 0 {
		if len(family.Ancestors) == procDepth {
			family.miss("ancestors: more than 32")
			return
		}
		above, facts, blocked := r.parentOf(stat)
		if facts == nil {
			family.miss("ancestors" + procAbsent)
			return
		}
		if len(family.Ancestors) == 0 {
			family.noteArgs("parent.command_line", facts, blocked)
		}
		family.Ancestors = append(family.Ancestors, facts)
		stat = above
	}
}

// parentOf looks at the parent of a process. facts are nil where it has ended.
func (r *ProcResolver) parentOf(child procKinStat) (stat procKinStat, facts *ProcessFacts, blocked bool) {
	stat, ok := r.kinStat(child.ppid)
	if !ok {
		return stat, nil, false
	}
	if facts, blocked = r.facts(stat); facts == nil {
		return stat, nil, false
	}
	// A process that got the pid after the parent's end started after the child.
	if stat.ticks < child.ticks {
		return stat, facts, blocked
	}
	if again, ok := r.kinStat(child.pid); !ok || again.ticks != child.ticks || again.ppid != child.ppid {
		return stat, nil, false
	}
	return stat, facts, blocked
}

// leaders finds the leaders of the session and of the process group. Their pids are
// not given to others as long as the session and the group have members.
func (r *ProcResolver) leaders(family *Family) {
	family.SessionLeader = r.leader(family, family.Process.Session, "session_leader")
	family.GroupLeader = r.leader(family, family.Process.Group, "group_leader")
	family.EntryLeader, family.EntryType = family.entryLeader()
	if family.EntryLeader == nil {
		family.miss("entry_leader: not among the ancestors that are known")
	}
}

func (r *ProcResolver) leader(family *Family, pid uint32, what string) *ProcessFacts {
	if pid == 0 { // kernel threads, and processes whose leader is of another namespace
		return nil
	}
	if one := family.member(pid); one != nil {
		return one
	}
	if stat, ok := r.kinStat(pid); ok {
		if facts, _ := r.facts(stat); facts != nil {
			return facts
		}
	}
	family.miss(what + procAbsent)
	return nil
}

// noteArgs says what of a process's arguments is missing.
func (f *Family) noteArgs(what string, facts *ProcessFacts, blocked bool) {
	switch {
	case blocked:
		f.miss(what + ": the process does not let it be read")
	case facts.ArgsCut:
		f.miss(what + ": cut off")
	case facts.unfinished():
		f.miss(what + ": empty")
	}
}

func (f *Family) miss(what string) {
	if !slices.Contains(f.Missing, what) {
		f.Missing = append(f.Missing, what)
	}
}
