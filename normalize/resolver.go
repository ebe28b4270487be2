package normalize

// Resolver answers what audit records do not say. There are two: one asks the
// running kernel through /proc (NewProcResolver), the other infers from the
// records of a log alone (NewLogResolver). One goroutine uses it at a time.
type Resolver interface {
	// Identify says which process an event is about.
	Identify(q ProcessQuery) Identity
	// Transport names the transport protocol of a process's open socket in ECS
	// terms, "tcp", "udp" and so on, from its file descriptor. It is empty
	// where that is not known.
	Transport(pid uint32, descriptor uint64) string
	// UserName is the name of a user id in the host's own database, empty where
	// it is not known.
	UserName(uid uint32) string
	// Executable is the path of a running process's executable, empty where it
	// is not known.
	Executable(pid uint32) string
}

// ProcessQuery is what one event's records show of its process. Its strings are
// views that are valid during the call only.
type ProcessQuery struct {
	// Node is the host that a log names, empty in most.
	Node string
	// PID is the record's pid=: the thread group on most kernels, the thread on
	// some older ones. PPID is its parent, 0 where the records name none.
	PID, PPID uint32
	// AUID and Session are the login user and audit session; 4294967295 is
	// unset. NoLogin says that the records name neither.
	AUID, Session uint32
	NoLogin       bool
	// LogsIn says that the process set them, and what they were before.
	LogsIn              bool
	OldAUID, OldSession uint32
	// Executable is the record's exe=, decoded.
	Executable string
	// program is the hash by which a LogResolver knows the executable, 0 where it was
	// not made.
	program uint64
	// Executes says that the event is the execution of that program.
	Executes bool
	// Time is the event's time in milliseconds since the Unix epoch, Sequence
	// its audit sequence number.
	Time     int64
	Sequence uint64
}

// Identity is one process from fork to exit.
type Identity struct {
	// EntityID is the same for all events of one process and never for those
	// of two; it is printable and never empty. It is not a view: it may be kept.
	EntityID string
	// PID is the thread group id, as far as it is known.
	PID uint32
	// Start is when the process started, in nanoseconds since the Unix epoch; 0
	// where it is not known.
	Start int64
	// Inferred says that the identity was concluded from the records, because
	// neither could the process be asked nor had the kernel told of its fork.
	Inferred bool
}
