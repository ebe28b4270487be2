package normalize

import "golang.org/x/sys/unix"

// procStatsLimit bounds the stat files that are kept open.
const procStatsLimit = 64

// procStats keeps the stat files of processes open that are looked at again and again,
// as those that shells descend from: to read one then takes one system call, not four.
// An open one is of its process for ever, and cannot be read once that has been reaped.
type procStats struct {
	files *procFiles
	open  *procTable[uint32, int] // nil where files are not of a proc file system
}

func newProcStats(files *procFiles) *procStats {
	s := &procStats{files: files}
	if procIsMounted(files.root) {
		closeOne := func(_ uint32, fd *int) { _ = unix.Close(*fd) }
		s.open = newProcTable(max(1, min(procStatsLimit, procPidfdShare()/4)), closeOne)
	}
	return s
}

// read is procFiles.read of the stat file of the process that has a pid now.
func (s *procStats) read(pid uint32) ([]byte, error) {
	if s.open == nil {
		return s.files.read(pid, "stat")
	}
	if fd := s.open.get(pid); fd != nil {
		if n, err := unix.Pread(*fd, s.files.data[:], 0); err == nil && n > 0 {
			return s.files.data[:n], nil
		}
		s.open.drop(pid)
	}
	fd, err := s.files.open(pid, "stat", unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	n, err := unix.Read(fd, s.files.data[:])
	if err != nil {
		_ = unix.Close(fd) // nothing was written that could be lost
		return nil, err
	}
	s.open.put(pid, fd)
	return s.files.data[:n], nil
}

// close closes all files.
func (s *procStats) close() {
	if s.open != nil {
		s.open.dropIf(func(uint32, *int) bool { return true })
	}
}
