package normalize

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// procMemoryReaders is how many reads may be stuck at a time.
	procMemoryReaders = 4
	// procMemoryPatience is how long one read is waited for, and procMemoryWaits
	// how long all together within procMemoryWindow.
	procMemoryPatience = 20 * time.Millisecond
	procMemoryWaits    = 100 * time.Millisecond
	procMemoryWindow   = time.Second
	// procArgsLimit bounds what is read of a process's arguments, in bytes.
	procArgsLimit = 4096
)

// errProcBlocked is that a process, or something in the kernel, does not let its
// files be read in time.
var errProcBlocked = errors.New("the process does not let its memory be read in time")

// procMemory reads files of processes that the kernel may take from their memory or
// under locks that they can hold: a process can make the readers of its command line
// wait for as long as it likes, by placing it in memory that somebody else has to
// fill (userfaultfd, FUSE). So goroutines of their own read them, and nobody waits
// long for these. One that is stuck ends when its process does.
type procMemory struct {
	root string
	// device is the file system of root, see procFiles.
	device uint64
	// idle are the readers that are not at work.
	idle chan *procReader
	now  func() time.Time
	// waited is how long was waited since window.
	waited time.Duration
	window time.Time
}

// procLook is what was read of a process; nil where a file could not be read.
type procLook struct {
	executable, args, cgroup []byte
}

func newProcMemory(files *procFiles) *procMemory {
	m := &procMemory{root: files.root, device: files.device, idle: make(chan *procReader, procMemoryReaders), now: time.Now}
	for range procMemoryReaders {
		m.idle <- new(procReader)
	}
	return m
}

// procReader has the memory of a goroutine that reads. It is kept from one to the
// next: on their stacks, which are new, it would make these grow.
type procReader struct {
	path []byte
	data [max(procArgsLimit, unix.PathMax)]byte
}

// procLooking is a look that has begun. It must be awaited.
type procLooking struct {
	memory *procMemory
	began  time.Time
	found  chan procLook // nil where it could not begin
}

// look reads a process's exe, cmdline and, if wanted, cgroup. The error is
// errProcBlocked or nil.
func (m *procMemory) look(pid uint32, cgroup bool) (procLook, error) {
	return m.begin(pid, cgroup).await()
}

// begin begins a look, for who has something else to do meanwhile.
func (m *procMemory) begin(pid uint32, cgroup bool) procLooking {
	looking := procLooking{memory: m, began: m.now()}
	if looking.began.Sub(m.window) > procMemoryWindow || looking.began.Before(m.window) {
		m.window, m.waited = looking.began, 0
	}
	if m.waited >= procMemoryWaits {
		return looking
	}
	var reader *procReader
	select {
	case reader = <-m.idle:
	default:
		return looking
	}
	found := make(chan procLook, 1)
	looking.found = found
	go func() {
		look := reader.look(m, pid, cgroup)
		m.idle <- reader
		found <- look
	}()
	return looking
}

// await is what was found; the error is errProcBlocked or nil.
func (l procLooking) await() (procLook, error) {
	if l.found == nil {
		return procLook{}, errProcBlocked
	}
	m := l.memory
	select {
	case found := <-l.found:
		return found, nil
	default:
	}
	waits := m.now()
	timer := time.NewTimer(procMemoryPatience - waits.Sub(l.began))
	defer timer.Stop()
	select {
	case found := <-l.found:
		if took := m.now().Sub(waits); took > time.Millisecond {
			m.waited += took
		}
		return found, nil
	case <-timer.C:
		m.waited += procMemoryPatience
		return procLook{}, errProcBlocked
	}
}

// look may wait for ever.
func (r *procReader) look(m *procMemory, pid uint32, cgroup bool) procLook {
	var found procLook
	if n, err := procReadlink(r.name(m, pid, "exe"), r.data[:]); err == nil {
		found.executable = bytes.Clone(r.data[:n])
	}
	found.args = r.file(m, pid, "cmdline")
	if cgroup {
		found.cgroup = r.file(m, pid, "cgroup")
	}
	return found
}

// name is the path of a file of a process, with a NUL, until the next call.
func (r *procReader) name(m *procMemory, pid uint32, name string) []byte {
	r.path = append(procAppendPath(r.path[:0], m.root, pid, name), 0)
	return r.path
}

// file reads the beginning of a file; nil where that is not possible.
func (r *procReader) file(m *procMemory, pid uint32, name string) []byte {
	fd, err := procOpenOn(m.device, r.name(m, pid, name), unix.O_RDONLY)
	if err != nil {
		return nil
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	data := r.data[:procArgsLimit]
	filled := 0
	for filled < len(data) {
		n, err := unix.Read(fd, data[filled:])
		if err != nil || n <= 0 {
			break
		}
		filled += n
	}
	return bytes.Clone(data[:filled])
}
