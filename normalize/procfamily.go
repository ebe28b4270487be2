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
	families *procTable[string, *Family]
}

func newProcKin(files *procFiles) *procKin {
	return &procKin{
		memory:   newProcMemory(files),
		groups:   newUserTable(filepath.Join(filepath.Dir(files.root), "etc", "group")),
		facts:    newProcTable[uint32, procKnownFacts](procFactsLimit, nil),
		families: newProcTable[string, *Family](procFamilyLimit, nil),
	}
}

// GroupName is the name that the file group(5) gives to a group id, as UserName
// does for users.
func (r *ProcResolver) GroupName(gid uint32) string { return r.kin.groups.name(gid) }

// Family looks at an event's process and at those that it descends from or belongs
// to. What was found less than a second ago is found again unless fresh is set, and
// so is what was found of a process that has ended since. It waits at most 20 ms for
// a process that does not let itself be read, and 100 ms a second in all.
func (r *ProcResolver) Family(q ProcessQuery, fresh bool) *Family {
	process := r.Identify(q)
	var known *Family
	if found := r.kin.families.get(process.EntityID); found != nil {
		known = *found
		age := r.clock.now().UnixNano() - known.Observed
		sameParent := q.PPID == 0 || known.Process.ParentPID == q.PPID
		if !fresh && sameParent && age >= 0 && age < int64(procFamilyAge) {
			return known
		}
	}
	missing := "process" + procAbsent
	if !process.Inferred {
		var found *Family
		if found, missing = r.gather(process, q.PPID, known); found != nil {
			r.kin.families.put(process.EntityID, found)
			return found
		}
	}
	if known != nil {
		return known
	}
	return &Family{Missing: []string{missing}}
}

// procAbsent is why something is missing that had most likely ended.
const procAbsent = ": not in /proc when it was looked at"

// gather looks at a process and its relatives; nil, and why, where that is not
// possible. The records say who its parent was, 0 where they don't.
func (r *ProcResolver) gather(process Identity, parent uint32, known *Family) (*Family, string) {
	const attempts = 3
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
		r.ancestors(family, stat, parent, known)
		r.leaders(family)
		again, ok := r.kinStat(process.PID)
		if ok && again.same(stat) {
			return family, ""
		}
		// A process that goes on to execute programs keeps its relatives.
		if again.stack = stat.stack; ok && again.same(stat) && attempt == attempts {
			family.Process.Executable, family.Process.Args = "", nil
			family.miss("command_line: another program was executed meanwhile")
			return family, ""
		}
	}
	return nil, "process: it changed while it was looked at"
}

// ancestors looks at the parents up to init.
func (r *ProcResolver) ancestors(family *Family, stat procKinStat, parent uint32, known *Family) {
	if parent != 0 && stat.ppid != parent {
		if known != nil && len(known.Ancestors) > 0 && known.Ancestors[0].PID == parent {
			family.Ancestors = known.Ancestors
		} else {
			family.miss("parent" + procAbsent)
		}
		return
	}
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
