package normalize

import (
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// procProcessLimit bounds how many processes a ProcResolver remembers.
const procProcessLimit = 16384

// procReuse is how soon nothing but the same process is believed to have a pid, if
// nothing that the records show differs: pids are given in turn, and to use up
// all 32,768 takes longer.
const procReuse = time.Second

// procDoubt is how soon after another process's event a pid is believed to be of
// a new one only where the event is certainly later than its start.
const procDoubt = 50 * time.Millisecond

// ProcResolver identifies processes of the running kernel through /proc, see
// proc(5), and keeps what it learned so that the same process costs one system
// call the next time. One goroutine uses it at a time.
//
// Where a process has ended before it was looked at, its identity is that of its
// fork, if Follow was called and the kernel told of it, else inferred.
type ProcResolver struct {
	hostID, bootID string
	files          *procFiles
	clock          *procClock
	pidfds         *procPidfds    // nil where the kernel has none
	connector      *procConnector // nil unless Follow was called
	sockets        *procSockets   // nil where the kernel does not tell
	ends           *procEnds
	host           *procHost // nil where it cannot be looked at
	proved         *procTable[procProved, procSeen]
	users          *userTable
	kin            *procKin
	seed           maphash.Seed
	batch          *procBatch
	running        procAnswered[uint32, string] // whose executables were asked for
	told           procAnswered[procAsked, Identity]
	processes      *procTable[uint32, procProcess]
	counters       procCounters
}

// procProcess is what is known of a process under the pid that records give it,
// which is one of its threads on kernels before 4.9.
type procProcess struct {
	identity Identity
	hints    procHints
	ticks    uint64
	// event is the time of its latest event, in milliseconds since the Unix epoch.
	event int64
	// checked is the batch after whose receipt it was last seen to run.
	checked procBatch
	// verified says that the process was seen in /proc and has not been found to
	// be gone since.
	verified bool
	// held says that it could not be read in /proc but has a descriptor, so that it
	// is known for as long as it runs.
	held bool
	// goneBy is when the process was found to be gone, in nanoseconds since the
	// host was booted; 0 where it was not. It cannot have caused events after that.
	goneBy int64
}

// take remembers what an event of the process shows.
func (p *procProcess) take(hints procHints, q *ProcessQuery) {
	if q.isSilent() {
		hints = p.hints.complete(hints, q)
	}
	p.hints, p.event = hints, q.Time
}

// procAsked is an event that was asked about: who, which and when.
type procAsked struct {
	pid      uint32
	sequence uint64
	time     int64
}

// NewProcResolver makes a resolver that reads root, "/proc" on a live host, and
// the users of the file etc/passwd beside root. host gives the machine and boot
// that entity ids are derived from; without a boot id, or without host, the boot
// id is read from root. Where root is not a proc file system but a copy of some
// of its files, root/stat must be among them.
//
// It remembers 16,384 processes and holds at most 576 file descriptors, or a
// third of what RLIMIT_NOFILE allows; Close gives them back.
func NewProcResolver(root string, host *HostFacts) (*ProcResolver, error) {
	clock, err := newProcClock(root)
	if err != nil {
		return nil, fmt.Errorf("identify processes: %w", err)
	}
	r := &ProcResolver{
		files:  newProcFiles(root),
		clock:  clock,
		pidfds: newProcPidfds(root),
		batch:  new(procBatch),
		host:   newProcHost(root),
		proved: newProcTable[procProved, procSeen](procOriginLimit, nil),
		users:  newUserTable(filepath.Join(filepath.Dir(root), "etc", "passwd")),
		seed:   maphash.MakeSeed(),
	}
	r.running.batch, r.told.batch = r.batch, r.batch
	r.sockets = newProcSockets(root, r.batch)
	if r.host != nil {
		r.host.named.batch = r.batch
	}
	r.kin = newProcKin(r.files)
	r.ends = newProcEnds(r.files)
	r.processes = newProcTable(procProcessLimit, func(pid uint32, _ *procProcess) { r.dropPidfd(pid) })
	if host != nil {
		r.hostID, r.bootID = host.ID, host.BootID
	}
	if r.bootID == "" {
		files := hostFiles{root: root}
		r.bootID = files.line("sys/kernel/random/boot_id")
	}
	return r, nil
}

// Blind says that root shows other processes than those that records are of, as the
// proc file system of another pid namespace does. It is not read then, and every
// process that the kernel did not tell of is inferred.
func (r *ProcResolver) Blind() bool { return r.files.device == procNoDevice }

// Close gives back the file descriptors. The resolver must not be used after it.
func (r *ProcResolver) Close() error {
	var err error
	if r.connector != nil {
		err = r.connector.close()
	}
	if r.pidfds != nil {
		r.pidfds.close()
	}
	r.kin.stats.close()
	if r.host != nil {
		r.host.close()
	}
	return err
}

// Identify says which process an event is about. For a process that it knows and
// that still runs it makes a single system call and does not allocate.
func (r *ProcResolver) Identify(q ProcessQuery) Identity {
	hints := procHintsOf(&q, r.seed)
	known := r.processes.get(q.PID)
	if known != nil && known.verified && r.mayBeOf(known, q.Time) && r.runs(q.PID, known, q.Time) {
		known.take(hints, &q)
		known.checked = *r.batch
		r.counters.verified.Add(1)
		return known.identity
	}
	if known != nil && known.held && q.Time >= known.event && r.holds(q.PID) {
		known.take(hints, &q)
		r.counters.inferred.Add(1)
		return known.identity
	}
	told, again := r.told.slot(uint64(q.PID), procAsked{q.PID, q.Sequence, q.Time})
	if again && told.EntityID != "" {
		r.counters.verified.Add(1)
		return *told
	}
	*told = Identity{}
	r.clock.refresh()
	if r.connector != nil {
		identity, group, ok := r.followed(&q, hints)
		if ok {
			if !identity.Inferred {
				*told = identity
			}
			return identity
		}
		q.PID = group
	}
	found, err := r.ask(q.PID, false)
	if err == nil && !r.clock.startedAfter(found.ticks, q.Time) {
		process := r.verified(found, hints, q.Time)
		if r.doubtful(&process, q.Time) {
			return r.unsure(&q)
		}
		r.counters.verified.Add(1)
		return r.remember(q.PID, process)
	}
	gone := err == nil || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT)
	r.counters.inferred.Add(1)
	return r.remember(q.PID, r.inferred(&q, hints, gone))
}

// keeps says whether the kernel told that the pid was not given away between the
// latest event of a process and another one.
func (r *ProcResolver) keeps(pid uint32, known *procProcess, event int64) bool {
	if r.connector == nil || event < known.event {
		return false
	}
	kept, told := r.connector.kept(pid, known.event, event)
	return kept && told
}

// mayBeOf says whether an event may be of a process that is known and still has
// its pid. Where the kernel tells of forks it is asked about the events of the
// first milliseconds.
func (r *ProcResolver) mayBeOf(known *procProcess, event int64) bool {
	if r.connector != nil {
		return r.clock.startedBefore(known.ticks, event)
	}
	return !r.clock.startedAfter(known.ticks, event)
}

// doubtful says that the event may also be of another process that had the pid
// less than a moment before, because times of events are not exact.
func (r *ProcResolver) doubtful(process *procProcess, event int64) bool {
	known := r.processes.get(process.identity.PID)
	return known != nil && known.identity.EntityID != process.identity.EntityID &&
		!r.clock.startedBefore(process.ticks, event) && event-known.event < procDoubt.Milliseconds()
}

// unsure is the identity of an event that may be of one process or another: one
// that no other event has.
func (r *ProcResolver) unsure(q *ProcessQuery) Identity {
	r.counters.unsure.Add(1)
	r.counters.inferred.Add(1)
	id := procEntityID("inferred", r.hostID, r.bootID, uint64(q.PID), uint64(q.Time), q.Sequence)
	return Identity{EntityID: id, PID: q.PID, Inferred: true}
}

// runs says whether a process that was verified still has its pid, or had it at
// the time of an event.
func (r *ProcResolver) runs(pid uint32, known *procProcess, event int64) bool {
	if known.checked == *r.batch && known.checked != 0 {
		return true
	}
	if r.pidfds != nil {
		if runs, ok := r.pidfds.runs(pid); ok {
			return runs
		}
	}
	if r.keeps(pid, known, event) {
		return true
	}
	leader := known.identity.PID == pid
	found, err := r.ask(pid, leader)
	return err == nil && found.pid == known.identity.PID && found.ticks == known.ticks
}

// holds says whether there is a descriptor of a process that runs.
func (r *ProcResolver) holds(pid uint32) bool {
	if r.pidfds == nil {
		return false
	}
	runs, known := r.pidfds.runs(pid)
	return runs && known
}

// ask reads what /proc says of the thread group of pid, whose leader it is known
// to be or not. The error is ESRCH or ENOENT where there is no such process.
func (r *ProcResolver) ask(pid uint32, leader bool) (procStat, error) {
	if r.pidfds == nil {
		return r.files.stat(pid, leader)
	}
	// The pid may go to another process at any moment. What was read between
	// opening the descriptor and finding its process still there belongs to it.
	for range 3 {
		err := r.pidfds.keep(pid)
		if errors.Is(err, unix.ESRCH) {
			return procStat{}, err
		}
		if err != nil { // a thread has no pidfd
			return r.files.stat(pid, leader)
		}
		found, err := r.files.stat(pid, leader || r.pidfds.folders == nil)
		switch runs, known := r.pidfds.runs(pid); {
		case !known:
			return found, err
		case runs && err != nil:
			return found, unix.EACCES // not gone, whatever the error says
		case runs:
			return found, nil
		}
	}
	return procStat{}, unix.ESRCH
}

// verified is a process as /proc shows it.
func (r *ProcResolver) verified(found procStat, hints procHints, event int64) procProcess {
	if hints.ppid == 0 {
		hints.ppid = found.ppid
	}
	identity := Identity{
		EntityID: procEntityID("verified", r.hostID, r.bootID, uint64(found.pid), found.ticks),
		PID:      found.pid,
		Start:    r.clock.start(found.ticks),
	}
	return procProcess{identity: identity, hints: hints, ticks: found.ticks, event: event, checked: *r.batch, verified: true}
}

// inferred is a process that could not be asked, because it is gone or for
// another reason. It is the one that had the pid last where that is certain or at
// least nothing speaks against it, otherwise a new one.
func (r *ProcResolver) inferred(q *ProcessQuery, hints procHints, gone bool) procProcess {
	process := procProcess{hints: hints, event: q.Time}
	known := r.processes.get(q.PID)
	if known != nil && q.isSilent() {
		hints = known.hints.complete(hints, q)
	}
	if known != nil && r.same(known, q, hints) {
		process = *known
		process.hints, process.event, process.verified = hints, q.Time, false
	} else {
		process.identity.EntityID = procEntityID("inferred", r.hostID, r.bootID, uint64(q.PID), uint64(q.Time), q.Sequence)
		process.identity.PID = q.PID
	}
	process.identity.Inferred = true
	process.held = !gone && r.pidfds != nil && r.pidfds.folders == nil && r.holds(q.PID)
	if gone && process.goneBy == 0 {
		process.goneBy = r.clock.sinceBoot(r.clock.now().UnixNano())
	}
	return process
}

// same says whether an event is of the process that had its pid last.
func (r *ProcResolver) same(known *procProcess, q *ProcessQuery, hints procHints) bool {
	if known.goneBy != 0 && r.clock.sinceBoot(q.Time*int64(time.Millisecond)) > known.goneBy ||
		r.clock.startedAfter(known.ticks, q.Time) {
		return false
	}
	if r.connector != nil {
		if kept, told := r.connector.kept(q.PID, min(known.event, q.Time), max(known.event, q.Time)); told {
			return kept
		}
	}
	apart := max(known.event-q.Time, q.Time-known.event)
	return apart < procReuse.Milliseconds() && known.hints.agree(hints)
}

// remember keeps what was found out about the process of a pid.
func (r *ProcResolver) remember(pid uint32, process procProcess) Identity {
	if !process.verified && !process.held {
		r.dropPidfd(pid)
	}
	if r.processes.put(pid, process) {
		r.counters.evicted.Add(1)
	}
	return process.identity
}

func (r *ProcResolver) dropPidfd(pid uint32) {
	if r.pidfds != nil {
		r.pidfds.drop(pid)
	}
}

// Transport names the transport protocol of an open socket, in the words of
// network.transport, in which "icmp" and "ipv6-icmp" are ping sockets. It is
// empty where the process is gone or the descriptor is no socket, and on kernels
// before 3.7, which do not tell. A descriptor that was closed and opened again
// since the event answers for its new socket. Transport does not allocate for
// the usual protocols.
func (r *ProcResolver) Transport(pid uint32, descriptor uint64) string {
	if r.sockets == nil {
		return ""
	}
	return r.sockets.transport(pid, descriptor)
}

// UserName is the name that the file passwd(5) gives to a user id, empty where
// it gives none. Users of directory services are not known. The file is looked at
// again after 5 s.
func (r *ProcResolver) UserName(uid uint32) string { return r.users.name(uid) }

// Executable is the path of a running process's executable as seen from the
// process's own root, with " (deleted)" after it where the file was removed. It
// is empty where the process is gone or has none, as kernel threads.
func (r *ProcResolver) Executable(pid uint32) string {
	path, known := r.running.slot(uint64(pid), pid)
	if known {
		return *path
	}
	switch target, err := r.files.link(pid, "exe"); {
	case err != nil:
		*path = ""
	case string(target) != *path:
		*path = string(target)
	}
	return *path
}
