package normalize

import (
	"bytes"
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
	stats    *procStats
	groups   *userTable
	facts    *procTable[uint32, procKnownFacts]
	families *procTable[string, procKnownFamily]
	// chains are the ancestors of processes by the pid of their parent, of which
	// siblings have the same.
	chains *procTable[uint32, procChain]
}

// procChain are ancestors up to init, and when they were looked at, in nanoseconds
// since the Unix epoch.
type procChain struct {
	ancestors []*ProcessFacts
	observed  int64
}

// procKnownFamily is a family and after the receipt of which batch it was looked at,
// and what the process's stat file said then. whole says that all was read that a look
// reads.
type procKnownFamily struct {
	*Family
	batch procBatch
	stat  procKinStat
	whole bool
}

// shows says whether a process was looked at a moment ago and has not executed another
// program since.
func (k *procKnownFamily) shows(stat procKinStat, now int64) bool {
	return k.Family != nil && k.whole && stat.stack != 0 && stat.stack == k.stat.stack &&
		stat.pid == k.stat.pid && stat.ticks == k.stat.ticks && k.isRecent(now)
}

// isRecent says whether a family was looked at a moment ago, by a time in nanoseconds.
func (k *procKnownFamily) isRecent(now int64) bool {
	return procIsRecent(k.Observed, now)
}

func procIsRecent(observed, now int64) bool {
	age := now - observed
	return age >= 0 && age < int64(procFamilyAge)
}

func newProcKin(files *procFiles) *procKin {
	return &procKin{
		memory:   newProcMemory(files),
		stats:    newProcStats(files),
		groups:   newUserTable(filepath.Join(filepath.Dir(files.root), "etc", "group")),
		facts:    newProcTable[uint32, procKnownFacts](procFactsLimit, nil),
		families: newProcTable[string, procKnownFamily](procFamilyLimit, nil),
		chains:   newProcTable[uint32, procChain](procFamilyLimit, nil),
	}
}

// GroupName is the name that the file group(5) gives to a group id, as UserName
// does for users.
func (r *ProcResolver) GroupName(gid uint32) string { return r.kin.groups.name(gid) }

// Family looks at an event's process and at those that it descends from or belongs
// to. What was found less than a second ago is found again, where fresh is set only if
// that was after this batch of records had been received, and
// so is what was found of a process that has ended since. Even with fresh, a process that
// executes the same program still has the arguments and the control group of a moment ago,
// and a parent that is as it was then the same ancestors. It waits at most 20 ms for
// a process that does not let itself be read, and 100 ms a second in all.
func (r *ProcResolver) Family(q ProcessQuery, fresh bool) *Family {
	process := r.Identify(q)
	var known procKnownFamily
	if found := r.kin.families.get(process.EntityID); found != nil {
		known = *found
		sameParent := q.PPID == 0 || known.Process.ParentPID == q.PPID
		fresh = fresh && (known.batch != *r.batch || known.batch == 0)
		if !fresh && sameParent && known.isRecent(r.clock.now().UnixNano()) {
			return known.Family
		}
	}
	missing := "process" + procAbsent
	if !process.Inferred {
		var found *Family
		if found, missing = r.gather(process, q.PPID, &known); found != nil {
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
func (r *ProcResolver) gather(process Identity, parent uint32, known *procKnownFamily) (*Family, string) {
	const attempts = 3
	var climbed *Family // by the attempt before
	for attempt := 1; attempt <= attempts; attempt++ {
		stat, ok := r.relativeStat(process.PID)
		if !ok || r.entityOf(stat.procStat) != process.EntityID {
			return nil, "process" + procAbsent
		}
		family := &Family{Observed: r.clock.now().UnixNano()}
		if facts := r.unchanged(known, stat, family.Observed); facts != nil {
			family.Process, family.Cgroup = facts, known.Cgroup
			r.ancestors(family, stat, parent, known.Family, climbed)
			r.leaders(family)
			r.kin.families.put(process.EntityID, procKnownFamily{family, *r.batch, stat, true})
			return family, ""
		}
		whole := r.look(family, stat, parent, known, climbed)
		if family.Process.unfinished() && attempt < attempts {
			continue
		}
		r.leaders(family)
		again, ok := r.relativeStat(process.PID)
		if ok && again.same(stat) {
			r.kin.families.put(process.EntityID, procKnownFamily{family, *r.batch, stat, whole})
			return family, ""
		}
		climbed = family
		// A process that goes on to execute programs keeps its relatives.
		if again.stack = stat.stack; ok && again.same(stat) && attempt == attempts {
			family.Process.Executable, family.Process.Args = "", nil
			family.miss("command_line: another program was executed meanwhile")
			r.kin.families.put(process.EntityID, procKnownFamily{Family: family, batch: *r.batch})
			return family, ""
		}
	}
	return nil, "process: it changed while it was looked at"
}

// look looks at a process and at those that it descends from, and says whether the
// process let all of itself be read.
func (r *ProcResolver) look(family *Family, stat procKinStat, parent uint32, known *procKnownFamily, climbed *Family) (whole bool) {
	looking := r.kin.memory.begin(stat.pid, true)
	var above Family // while the process is read
	r.ancestors(&above, stat, parent, known.Family, climbed)
	look, err := looking.await()
	family.Process = r.factsOf(stat, look)
	family.noteArgs("command_line", family.Process, err != nil)
	if look.cgroup == nil {
		family.miss("cgroup: could not be read")
	}
	family.Cgroup = parseCgroup(look.cgroup)
	whole = len(family.Missing) == 0
	family.Ancestors = above.Ancestors
	for _, one := range above.Missing {
		family.miss(one)
	}
	return whole
}

// unchanged are the facts of a process that was looked at a moment ago and executes the
// same program still, nil for another: its arguments are as they were then.
func (r *ProcResolver) unchanged(known *procKnownFamily, stat procKinStat, now int64) *ProcessFacts {
	if !known.shows(stat, now) {
		return nil
	}
	link, err := r.files.link(stat.pid, "exe")
	if err != nil {
		return nil
	}
	executable, deleted := bytes.CutSuffix(link, []byte(deletedSuffix))
	if string(executable) != known.Process.Executable {
		return nil
	}
	facts := known.Process.in(stat)
	facts.Deleted = deleted
	return facts
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

// climb looks at the parents up to init. Those of a parent that is as it was a moment
// ago are as they were then.
func (r *ProcResolver) climb(family *Family, stat procKinStat) {
	now := r.clock.now().UnixNano()
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
			if chain := r.kin.chains.get(facts.PID); chain != nil && chain.ancestors[0] == facts && procIsRecent(chain.observed, now) {
				family.Ancestors = chain.ancestors
				return
			}
		}
		family.Ancestors = append(family.Ancestors, facts)
		stat = above
	}
	if len(family.Ancestors) > 0 {
		r.kin.chains.put(family.Ancestors[0].PID, procChain{family.Ancestors, now})
	}
}

// parentOf looks at the parent of a process. facts are nil where it has ended.
func (r *ProcResolver) parentOf(child procKinStat) (stat procKinStat, facts *ProcessFacts, blocked bool) {
	stat, ok := r.relativeStat(child.ppid)
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
	if stat, ok := r.relativeStat(pid); ok {
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
