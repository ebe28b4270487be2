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
// and audit session are the same and so is the parent or the executable;
// otherwise it starts a new process. On kernels that record thread ids each
// thread counts as a process, because a log does not tell.
type LogResolver struct {
	seed      maphash.Seed
	processes *procTable[logKey, logProcess]
	evicted   atomic.Uint64
}

// logKey is a pid on a host. The host's name is kept as a hash, so that the
// memory of the table does not depend on the lengths of names.
type logKey struct {
	node uint64
	pid  uint32
}

type logProcess struct {
	entityID string
	hints    procHints
}

// NewLogResolver makes a resolver for one log or for several that are read as
// one. It remembers 65,536 processes; beyond that the one whose last event is the
// longest ago is forgotten, and an event of it would start a new one.
func NewLogResolver() *LogResolver {
	return &LogResolver{
		seed:      maphash.MakeSeed(),
		processes: newProcTable[logKey, logProcess](logProcessLimit, nil),
	}
}

// Identify says which process an event is about. Every identity is inferred and
// has no start time. It does not allocate for a process that it knows.
func (r *LogResolver) Identify(q ProcessQuery) Identity {
	key := logKey{node: maphash.String(r.seed, q.Node), pid: q.PID}
	hints := procHintsOf(&q, r.seed)
	known := r.processes.get(key)
	if known != nil && known.hints.agree(hints) {
		known.hints = hints
		return Identity{EntityID: known.entityID, PID: q.PID, Inferred: true}
	}
	id := procEntityID("log", q.Node, "", uint64(q.PID), uint64(q.Time), q.Sequence)
	if r.processes.put(key, logProcess{entityID: id, hints: hints}) {
		r.evicted.Add(1)
	}
	return Identity{EntityID: id, PID: q.PID, Inferred: true}
}

// Reset forgets the processes of a node, because its log shows that it was
// started anew.
func (r *LogResolver) Reset(node string) {
	hash := maphash.String(r.seed, node)
	r.processes.dropIf(func(key logKey) bool { return key.node == hash })
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
