package normalize

import (
	"hash/maphash"
	"sync/atomic"
)

// logProcessLimit bounds how many processes a LogResolver remembers.
const logProcessLimit = 65536

// LogResolver identifies the processes of recorded logs from the records alone.
// Nothing of the present machine gets into its answers: it reads no file, and
// the same log gives the same identities on every machine.
//
// An event belongs to the process of an earlier one where node, pid, login user
// and audit session are the same, and so are the parent and the executable, but
// for what a process can do without anybody else's taking its pid: execute another
// program, which the log must show if it showed an earlier one of the process, or
// become init's child. Otherwise it starts a new process. Records that programs write, and
// those of some parts of the kernel, do not name the parent, and some no login: what they do
// not say is as it was, if that was in the last ten minutes. A process that sets its login goes
// on with that.
//
// Some kernels record thread ids (2.6.32 to 4.4, and RHEL 7's before 3.10.0-1160). A
// pid is taken for a thread of a process where nothing else explains it: it runs
// the program that one other child of its parent, and no second one, was seen to
// execute, was not seen to execute it itself, and cannot have it from its parent,
// which runs another.
type LogResolver struct {
	seed      maphash.Seed
	processes *procTable[logKey, logProcess]
	// recent are the slots of processes that were found lately, by some bits of their
	// keys.
	recent   [8192]int32
	programs *procTable[logProgram, logLeader]
	evicted  atomic.Uint64

	// unnamed is the hash of a host without a name, which most logs have, and node that
	// of the last query's.
	unnamed, node uint64
}

// logKey is a pid on a host, as a hash. The host's name is not kept, so that the
// memory of the table does not depend on the lengths of names.
type logKey uint64

// keyOf is the key of a pid on a host of which the hash is known. An odd factor takes
// every pid to another number.
func keyOf(node uint64, pid uint32) logKey {
	return logKey(node ^ uint64(pid)*0x9e3779b97f4a7c15)
}

type logProcess struct {
	// entityID is made when it is asked for; empty before.
	entityID string
	first    firstEvent
	node     uint64
	// pid is the process's, which is not the record's for a thread.
	pid   uint32
	hints procHints
	// latest is the time of its last event, in milliseconds.
	latest int64
	// executed says that the log shows it executing a program.
	executed bool
}

// logSilence is for how long, in milliseconds, a process is taken for the one that a record
// is about which says less than that. Whoever gets the pid meanwhile is taken for it where
// nothing that the record does say speaks against it: its login and session, and, if the log
// showed the process executing a program, the executable.
const logSilence = 600_000

// firstEvent is a process's first event, which makes its id.
type firstEvent struct {
	time     int64
	sequence uint64
}

func (f firstEvent) entityID(node string, pid uint32) string {
	return procEntityID("log", node, "", uint64(pid), uint64(f.time), f.sequence)
}

// logProgram is a program that a child of a process executed, and logLeader which
// child did.
type (
	logProgram struct {
		node  uint64
		hints procHints
	}
	logLeader struct {
		pid     uint32
		several bool
	}
)

// NewLogResolver makes a resolver for one log or for several that are read as
// one. It remembers 65,536 processes; beyond that the one whose last event is the
// longest ago is forgotten, and an event of it would start a new one.
func NewLogResolver() *LogResolver {
	seed := maphash.MakeSeed()
	return &LogResolver{
		seed:      seed,
		unnamed:   maphash.String(seed, ""),
		processes: newProcTable[logKey, logProcess](logProcessLimit, nil),
		programs:  newProcTable[logProgram, logLeader](logProcessLimit/4, nil),
	}
}

// Identify says which process an event is about. Every identity is inferred and
// has no start time. It does not allocate for a process that was identified before.
func (r *LogResolver) Identify(q ProcessQuery) Identity {
	known := r.know(&q)
	if known.entityID == "" {
		known.entityID = known.first.entityID(q.Node, known.pid)
	}
	return Identity{EntityID: known.entityID, PID: known.pid, Inferred: true}
}

// name remembers the id that was made for a pid of a node, if it stands for the same
// process still.
func (r *LogResolver) name(node string, pid uint32, first firstEvent, entityID string) {
	if known := r.processes.peek(keyOf(r.hash(node), pid)); known != nil && known.first == first {
		known.entityID = entityID
	}
}

// hash is that of a node's name.
func (r *LogResolver) hash(node string) uint64 {
	if node == "" {
		return r.unnamed
	}
	return maphash.String(r.seed, node)
}

// know finds the process that an event is about, and remembers the event. The answer
// is valid until the next call.
func (r *LogResolver) know(q *ProcessQuery) *logProcess {
	r.node = r.hash(q.Node)
	key := keyOf(r.node, q.PID)
	hints := procHintsOf(q, r.seed)
	known := r.find(key)
	completed := known != nil && known.completes(q)
	if completed {
		hints = known.hints.complete(hints, q)
	}
	if known == nil || !known.goesOn(hints, q.Executes, completed) {
		if r.processes.put(key, r.begin(q, hints)) {
			r.evicted.Add(1)
		}
		known = r.processes.get(key)
	}
	known.hints, known.latest = hints, q.Time
	if q.Executes {
		known.executed = true
		r.executed(q.PID, hints)
	}
	return known
}

// find finds a process by its key, nil where it is not known.
func (r *LogResolver) find(key logKey) *logProcess {
	recent := &r.recent[key>>51]
	if known := r.processes.getAt(*recent, key); known != nil {
		return known
	}
	*recent = r.processes.slot(key)
	return r.processes.getAt(*recent, key)
}

// completes says whether there is something that a query does not say, or that was not
// known, and the pid was heard of a short time ago.
func (p *logProcess) completes(q *ProcessQuery) bool {
	return (q.isSilent() || p.hints.ppid == 0) && q.Time-p.latest < logSilence && p.latest-q.Time < logSilence
}

// goesOn says whether an event with these hints may be of the process. Where they were
// completed a parent that nobody ever named does not matter for the same executable.
func (p *logProcess) goesOn(hints procHints, executes, completed bool) bool {
	if p.hints.agree(hints) || completed && hints == p.hints && hints.executable != 0 {
		return true
	}
	if p.hints.auid != hints.auid || p.hints.session != hints.session {
		return false
	}
	if p.hints.ppid == hints.ppid && hints.ppid != 0 {
		return executes || !p.executed // another program
	}
	const initPID = 1
	return hints.ppid == initPID && hints.executable != 0 && p.hints.executable == hints.executable
}

// begin is what a pid stands for that is new or not of the earlier process any
// more.
func (r *LogResolver) begin(q *ProcessQuery, hints procHints) logProcess {
	if leader := r.leader(q, hints); leader != nil {
		return *leader
	}
	return logProcess{node: r.node, pid: q.PID, first: firstEvent{q.Time, q.Sequence}, hints: hints}
}

// leader finds the process that a new pid must be a thread of, nil where there is
// another explanation.
func (r *LogResolver) leader(q *ProcessQuery, hints procHints) *logProcess {
	if q.Executes || hints.executable == 0 {
		return nil
	}
	parent := r.processes.get(keyOf(r.node, hints.ppid))
	if parent == nil || parent.hints.executable == 0 || parent.hints.executable == hints.executable {
		return nil
	}
	program := r.programs.get(logProgram{r.node, hints})
	if program == nil || program.several || program.pid == q.PID {
		return nil
	}
	leader := r.processes.get(keyOf(r.node, program.pid))
	if leader == nil || leader.hints != hints {
		return nil
	}
	return leader
}

// executed remembers who executed a program.
func (r *LogResolver) executed(pid uint32, hints procHints) {
	program := logProgram{r.node, hints}
	before := r.programs.get(program)
	several := before != nil && (before.several || before.pid != pid)
	r.programs.put(program, logLeader{pid: pid, several: several})
}

// Reset forgets the processes of a node, because its log shows that it was
// started anew.
func (r *LogResolver) Reset(node string) {
	hash := r.hash(node)
	r.processes.dropIf(func(_ logKey, process *logProcess) bool { return process.node == hash })
	r.programs.dropIf(func(program logProgram, _ *logLeader) bool { return program.node == hash })
}

// Evicted counts the processes that were forgotten because of the table's
// limit. It may be called from any goroutine.
func (r *LogResolver) Evicted() uint64 { return r.evicted.Load() }

// Transport is empty: a log does not tell the transport of a socket.
func (r *LogResolver) Transport(uint32, uint64) string { return "" }

// UserName is empty: this machine's users are not those of the log.
func (r *LogResolver) UserName(uint32) string { return "" }

// Executable is empty: this machine's processes are not those of the log.
func (r *LogResolver) Executable(uint32) string { return "" }
